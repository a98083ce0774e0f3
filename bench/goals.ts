import { OPERATIONS, type Operation, type Samples } from "./samples";
import { type SubjectId, titleOf } from "./subjects";

/** A goal of the benchmark: a measured value and its limit. */
export interface Goal {
  subject: string;
  limit: string;
  measured: string;
  passed: boolean;
}

export interface Measured {
  samples: Samples;
  /** Ascending. */
  sizes: readonly number[];
  /** Inputs and outputs of one repository, compact JSON. */
  repositoryBytes: number;
  /** Milliseconds of `require("pulumi-borgbase")`. */
  loading: number;
  /** Milliseconds of CPU time of the plugin's start. */
  pluginStart: number;
}

/** A value with its limit; NaN where it was not measured. */
interface Part {
  value: number;
  most: number;
  text(value: string): string;
  digits: number;
}

/** Sizes at which the hosts are compared with {@link titleOf} `sameOutputs`. */
const COMPARED = [300, 1000];
/** The size that growth is compared with. */
const SMALL = 100;
const READS = ["refresh", "drift check"] as const;

/** The goals, as far as this run has measured their values. */
export function goals(measured: Measured): Goal[] {
  const { samples, sizes, repositoryBytes, loading, pluginStart } = measured;
  const largest = sizes.at(-1) as number;
  return [
    ...readGoals(samples, largest),
    ...goal(`no-op up, N = ${largest}`, [
      times(samples, "no-op up", "dynamicHost", "noopBaseline", largest, 1.15),
      requests(samples, "no-op up", largest, 0),
    ]),
    ...(["first up", "destroy"] as const).flatMap((operation) => [
      ...goal(`${operation}, N = ${largest}`, [times(samples, operation, "dynamicHost", "noopBaseline", largest, 1.6)]),
    ]),
    ...COMPARED.flatMap((size) => hostGoals(samples, size)),
    ...goal("start of the plugin, CPU time", [milliseconds(pluginStart, 150)]),
    ...goal("inputs and outputs of one repository, compact JSON", [
      { value: repositoryBytes, most: 1200, digits: 0, text: (value) => `${value} bytes` },
    ]),
    ...growth(samples, sizes),
    ...goal(`peak memory of the provider process, N = ${largest}`, [
      memory(samples, "dynamicHost", "noopBaseline", largest, 1.3),
    ]),
    ...goal('`require("pulumi-borgbase")` over `@pulumi/pulumi` alone', [milliseconds(loading, 20)]),
  ];
}

function readGoals(samples: Samples, size: number): Goal[] {
  return READS.flatMap((operation) =>
    goal(`${operation}, N = ${size}`, [
      times(samples, operation, "dynamicHost", "noopBaseline", size, 1.3),
      requests(samples, operation, size, 4),
    ]),
  );
}

/** Both hosts beside a provider that does nothing and holds the same outputs. */
function hostGoals(samples: Samples, size: number): Goal[] {
  const all = OPERATIONS.map((operation) => times(samples, operation, "plugin", "sameOutputs", size, 1));
  const slowest = all.reduce((worst, part) => (part.value > worst.value ? part : worst));
  return [
    ...READS.flatMap((operation) =>
      goal(`${operation}, dynamic host, N = ${size}`, [
        times(samples, operation, "dynamicHost", "sameOutputs", size, 1.05),
      ]),
    ),
    ...READS.flatMap((operation) =>
      goal(`${operation}, plugin, N = ${size}`, [times(samples, operation, "plugin", "sameOutputs", size, 0.9)]),
    ),
    ...goal(`slowest command, plugin, N = ${size}`, [slowest]),
    ...goal(`peak memory, plugin, N = ${size}`, [memory(samples, "plugin", "sameOutputs", size, 0.8)]),
  ];
}

/** All commands together: single commands differ less than two runs of the same command. */
function growth(samples: Samples, sizes: readonly number[]): Goal[] {
  const size = sizes.at(-1) as number;
  if (size === SMALL) return [];
  const factor = (subject: SubjectId) =>
    samples.life("seconds", subject, size) / samples.life("seconds", subject, SMALL);
  const [provider, baseline] = [factor("dynamicHost"), factor("noopBaseline")];
  const limit = `no steeper than the ${titleOf("noopBaseline")}, × ${baseline.toFixed(1)}`;
  return goal(`growth from ${SMALL} to ${size}, all commands together`, [
    { value: provider, most: baseline, digits: 1, text: (value) => `× ${value}` },
  ]).map((each) => ({ ...each, limit }));
}

/** Factors of each command's time from {@link SMALL} to the largest size. */
export function growthOf(samples: Samples, sizes: readonly number[], subject: SubjectId): number[] {
  const size = sizes.at(-1) as number;
  if (size === SMALL) return [];
  return OPERATIONS.map((operation) => {
    const [large, small] = [size, SMALL].map((n) => samples.median("seconds", subject, n, operation));
    return (large as number) / (small as number);
  });
}

function times(samples: Samples, operation: Operation, of: SubjectId, to: SubjectId, size: number, most: number): Part {
  const [value, base] = [of, to].map((id) => samples.median("seconds", id, size, operation)) as [number, number];
  return { value: value / base, most, digits: 2, text: (text) => `${text} × ${titleOf(to)}` };
}

function memory(samples: Samples, of: SubjectId, to: SubjectId, size: number, most: number): Part {
  const value = samples.largest("peakMemory", of, size) / samples.largest("peakMemory", to, size);
  return { value, most, digits: 2, text: (text) => `${text} × ${titleOf(to)}` };
}

function requests(samples: Samples, operation: Operation, size: number, most: number): Part {
  const value = samples.median("requests", "dynamicHost", size, operation);
  return { value, most, digits: 0, text: (text) => `${text} requests` };
}

function milliseconds(value: number, most: number): Part {
  return { value, most, digits: 0, text: (text) => `${text} ms` };
}

/** No goal where a value is missing. */
function goal(subject: string, parts: Part[]): Goal[] {
  if (parts.some(({ value }) => !Number.isFinite(value))) return [];
  return [
    {
      subject,
      limit: parts.map(({ most, text }) => `≤ ${text(String(most))}`).join(", "),
      measured: parts.map(({ value, digits, text }) => text(value.toFixed(digits))).join(", "),
      passed: parts.every(({ value, most }) => value <= most),
    },
  ];
}
