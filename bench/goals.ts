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

/** Sizes at which both hosts are compared with the baseline. */
const COMPARED = [300, 1000];
/** The size that growth is compared with. */
const SMALL = 100;
/** A provider that does nothing and holds the same outputs. */
const BASELINE: SubjectId = "sameOutputs";
/** Limits of each host: ratios to the baseline. */
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
    ...goal("start of the plugin, CPU time", milliseconds(pluginStart, 150)),
    ...goal('`require("pulumi-borgbase")` over `@pulumi/pulumi` alone', milliseconds(loading, 20)),
    ...goal("inputs and outputs of one repository, compact JSON", {
      value: repositoryBytes,
      most: 1200,
      digits: 0,
      text: (value) => `${value} bytes`,
    }),
  ];
}

function hostGoals(samples: Samples, id: keyof typeof LIMITS, size: number): Goal[] {
  const { host, read, slowest, memory } = LIMITS[id];
  const time = (operation: Operation, most: number) => {
    const [value, base] = [id, BASELINE].map((each) => samples.median("seconds", each, size, operation));
    return ratio(value as number, base as number, most);
  };
  const all = OPERATIONS.map((operation) => time(operation, slowest));
  const [peak, basePeak] = [id, BASELINE].map((each) => samples.largest("peakMemory", each, size));
  const of = `${host}, N = ${size}`;
  return [
    ...goal(`refresh, ${of}`, time("refresh", read)),
    ...goal(`drift check, ${of}`, time("drift check", read)),
    ...goal(
      `slowest command, ${of}`,
      all.reduce((worst, part) => (part.value > worst.value ? part : worst)),
    ),
    ...goal(`peak memory of the process, ${of}`, ratio(peak as number, basePeak as number, memory)),
  ];
}

function requestGoals(samples: Samples, size: number): Goal[] {
  const limits = { refresh: 4, "drift check": 4, "no-op up": 0 } as const;
  return Object.entries(limits).flatMap(([operation, most]) => {
    const value = samples.median("requests", "dynamicHost", size, operation as Operation);
    return goal(`${operation}, N = ${size}`, { value, most, digits: 0, text: (text) => `${text} requests` });
  });
}

/** All commands together: single commands differ less than two runs of the same command. */
function growth(samples: Samples, sizes: readonly number[]): Goal[] {
  const size = sizes.at(-1) as number;
  if (size === SMALL) return [];
  const factor = (subject: SubjectId) =>
    samples.life("seconds", subject, size) / samples.life("seconds", subject, SMALL);
  const [provider, baseline] = [factor("dynamicHost"), factor(BASELINE)];
  const limit = `no steeper than ${titleOf(BASELINE)}, × ${baseline.toFixed(1)}`;
  return goal(`growth from ${SMALL} to ${size}, all commands together`, {
    value: provider,
    most: baseline,
    digits: 1,
    text: (value) => `× ${value}`,
  }).map((each) => ({ ...each, limit }));
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

function ratio(value: number, base: number, most: number): Part {
  return { value: value / base, most, digits: 2, text: (text) => `${text} × ${titleOf(BASELINE)}` };
}

function milliseconds(value: number, most: number): Part {
  return { value, most, digits: 0, text: (text) => `${text} ms` };
}

/** No goal where the value is missing. */
function goal(subject: string, { value, most, digits, text }: Part): Goal[] {
  if (!Number.isFinite(value)) return [];
  const [limit, measured] = [`≤ ${text(String(most))}`, text(value.toFixed(digits))];
  return [{ subject, limit, measured, passed: value <= most }];
}
