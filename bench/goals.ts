import { OPERATIONS, type Operation, type Samples } from "./samples";
import { type SubjectId, TITLES } from "./subjects";

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
}

const MAX_BYTES = 1200;
const MAX_LOADING = 20;
/** The size that growth is compared with. */
const SMALL = 100;

/** The goals, at the largest size that was run. */
export function goals({ samples, sizes, repositoryBytes, loading }: Measured): Goal[] {
  const size = sizes.at(-1) as number;
  const ratio = (operation: Operation, to: SubjectId, most: number) => {
    const value =
      samples.median("seconds", "borgbase50ms", size, operation) / samples.median("seconds", to, size, operation);
    return {
      limit: `≤ ${most} × ${TITLES[to]}`,
      measured: `${value.toFixed(2)} × ${TITLES[to]}`,
      passed: value <= most,
    };
  };
  const requests = (operation: Operation, most: number) => {
    const value = samples.median("requests", "borgbase50ms", size, operation);
    return { limit: `${most === 0 ? "" : "≤ "}${most} requests`, measured: `${value} requests`, passed: value <= most };
  };
  const all = (subject: string, ...parts: Omit<Goal, "subject">[]): Goal => ({
    subject,
    limit: parts.map((part) => part.limit).join(", "),
    measured: parts.map((part) => part.measured).join(", "),
    passed: parts.every((part) => part.passed),
  });
  const memory =
    samples.largest("peakMemory", "borgbase50ms", size) / samples.largest("peakMemory", "noopBaseline", size);
  return [
    all(`refresh, N = ${size}`, ratio("refresh", "noopBaseline", 1.3), requests("refresh", 4)),
    all(`drift check, N = ${size}`, ratio("drift check", "noopBaseline", 1.3), requests("drift check", 4)),
    all(`no-op up, N = ${size}`, ratio("no-op up", "noopBaseline", 1.15), requests("no-op up", 0)),
    all(`first up, N = ${size}`, ratio("first up", "dynamicBaseline", 0.8), ratio("first up", "noopBaseline", 1.6)),
    all(
      `destroy, N = ${size}, empty repositories`,
      ratio("destroy", "dynamicBaseline", 0.8),
      ratio("destroy", "noopBaseline", 1.6),
    ),
    {
      subject: "inputs and outputs of one repository, compact JSON",
      limit: `≤ ${MAX_BYTES} bytes`,
      measured: `${repositoryBytes} bytes`,
      passed: repositoryBytes <= MAX_BYTES,
    },
    ...growth(samples, sizes),
    {
      subject: `peak memory of the provider process, N = ${size}`,
      limit: `≤ 1.3 × ${TITLES.noopBaseline}`,
      measured: `${memory.toFixed(2)} × ${TITLES.noopBaseline}`,
      passed: memory <= 1.3,
    },
    {
      subject: '`require("pulumi-borgbase")` over `@pulumi/pulumi` alone',
      limit: `≤ ${MAX_LOADING} ms`,
      measured: `${loading.toFixed(1)} ms`,
      passed: loading <= MAX_LOADING,
    },
  ];
}

/** All commands together: single commands differ less than two runs of the same command. */
function growth(samples: Samples, sizes: readonly number[]): Goal[] {
  const size = sizes.at(-1) as number;
  if (!sizes.includes(SMALL) || size === SMALL) return [];
  const factor = (subject: SubjectId) =>
    samples.life("seconds", subject, size) / samples.life("seconds", subject, SMALL);
  const [provider, baseline] = [factor("borgbase50ms"), factor("noopBaseline")];
  return [
    {
      subject: `growth from ${SMALL} to ${size}, all commands together`,
      limit: `no steeper than the ${TITLES.noopBaseline}`,
      measured: `× ${provider.toFixed(1)}, ${TITLES.noopBaseline} × ${baseline.toFixed(1)}`,
      passed: provider <= baseline,
    },
  ];
}

/** Factors of each command's time from {@link SMALL} to the largest size; undefined unless both were run. */
export function growthOf(samples: Samples, sizes: readonly number[], subject: SubjectId): string[] | undefined {
  const size = sizes.at(-1) as number;
  if (!sizes.includes(SMALL) || size === SMALL) return undefined;
  return OPERATIONS.map((operation) => {
    const [large, small] = [size, SMALL].map((n) => samples.median("seconds", subject, n, operation));
    return `× ${((large as number) / (small as number)).toFixed(1)}`;
  });
}
