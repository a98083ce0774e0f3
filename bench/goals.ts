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

/** Sizes at which both hosts are compared with {@link titleOf} `sameOutputs`. */
const COMPARED = [300, 1000];
/** The size that growth is compared with. */
const SMALL = 100;
/** Limits of each host: ratios to a provider that does nothing and holds the same outputs. */
const LIMITS = {
  dynamicHost: { host: "dynamic host", read: 1.05, slowest: 1.05, memory: 1 },
  plugin: { host: "plugin", read: 0.9, slowest: 1, memory: 0.8 },
} as const;

/** The goals, as far as this run has measured their values. */
export function goals(measured: Measured): Goal[] {
  const { samples, sizes, repositoryBytes, loading, pluginStart } = measured;
  return [
    ...COMPARED.flatMap((size) => [...hostGoals(samples, "dynamicHost", size), ...hostGoals(samples, "plugin", size)]),
    ...requestGoals(samples, sizes.at(-1) as number),
    ...growth(samples, sizes),
    ...goal("start of the plugin, CPU time", [milliseconds(pluginStart, 150)]),
    ...goal('`require("pulumi-borgbase")` over `@pulumi/pulumi` alone', [milliseconds(loading, 20)]),
    ...goal("inputs and outputs of one repository, compact JSON", [
      { value: repositoryBytes, most: 1200, digits: 0, text: (value) => `${value} bytes` },
    ]),
  ];
}

function hostGoals(samples: Samples, id: keyof typeof LIMITS, size: number): Goal[] {
  const { host, read, slowest, memory } = LIMITS[id];
  const compared = (operation: Operation, most: number) => times(samples, operation, id, "sameOutputs", size, most);
  const all = OPERATIONS.map((operation) => compared(operation, slowest));
  return [
    ...goal(`refresh, ${host}, N = ${size}`, [compared("refresh", read)]),
    ...goal(`drift check, ${host}, N = ${size}`, [compared("drift check", read)]),
    ...goal(`slowest command, ${host}, N = ${size}`, [
      all.reduce((worst, part) => (part.value > worst.value ? part : worst)),
    ]),
    ...goal(`peak memory of the process, ${host}, N = ${size}`, [memoryOf(samples, id, "sameOutputs", size, memory)]),
  ];
}

function requestGoals(samples: Samples, size: number): Goal[] {
  const limits = { refresh: 4, "drift check": 4, "no-op up": 0 } as const;
  return Object.entries(limits).flatMap(([operation, most]) =>
    goal(`${operation}, N = ${size}`, [requests(samples, operation as Operation, size, most)]),
  );
}

/** All commands together: single commands differ less than two runs of the same command. */
function growth(samples: Samples, sizes: readonly number[]): Goal[] {
  const size = sizes.at(-1) as number;
  if (size === SMALL) return [];
  const factor = (subject: SubjectId) =>
    samples.life("seconds", subject, size) / samples.life("seconds", subject, SMALL);
  const [provider, baseline] = [factor("dynamicHost"), factor("sameOutputs")];
  const limit = `no steeper than ${titleOf("sameOutputs")}, × ${baseline.toFixed(1)}`;
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

function memoryOf(samples: Samples, of: SubjectId, to: SubjectId, size: number, most: number): Part {
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
