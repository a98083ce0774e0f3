import { OPERATIONS, type Operation, type Samples } from "./samples";
import type { SubjectId } from "./subjects";

/** One goal: what was measured, beside the most that it may be. */
export interface Bar {
  what: string;
  bar: string;
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

const MOST_BYTES = 1200;
const MOST_LOADING = 20;
/** The size from which growth is told. */
const SMALL = 100;

/** The goals, at the largest size that was run. */
export function bars({ samples, sizes, repositoryBytes, loading }: Measured): Bar[] {
  const size = sizes.at(-1) as number;
  const ratio = (operation: Operation, to: SubjectId, most: number) => {
    const value = samples.median("seconds", "ours50", size, operation) / samples.median("seconds", to, size, operation);
    return { bar: `≤ ${most} × ${to}`, measured: `${value.toFixed(2)} × ${to}`, passed: value <= most };
  };
  const requests = (operation: Operation, most: number) => {
    const value = samples.median("requests", "ours50", size, operation);
    return { bar: `${most === 0 ? "" : "≤ "}${most} requests`, measured: `${value} requests`, passed: value <= most };
  };
  const all = (what: string, ...parts: Omit<Bar, "what">[]): Bar => ({
    what,
    bar: parts.map((part) => part.bar).join(", "),
    measured: parts.map((part) => part.measured).join(", "),
    passed: parts.every((part) => part.passed),
  });
  const memory = samples.largest("peakMemory", "ours50", size) / samples.largest("peakMemory", "F2", size);
  return [
    all(`refresh, N = ${size}`, ratio("refresh", "F2", 1.3), requests("refresh", 4)),
    all(`drift check, N = ${size}`, ratio("drift check", "F2", 1.3), requests("drift check", 4)),
    all(`no-op up, N = ${size}`, ratio("no-op up", "F2", 1.15), requests("no-op up", 0)),
    all(`first up, N = ${size}`, ratio("first up", "F1", 0.8), ratio("first up", "F2", 1.6)),
    all(`destroy, N = ${size}, empty repositories`, ratio("destroy", "F1", 0.8), ratio("destroy", "F2", 1.6)),
    {
      what: "inputs and outputs of one repository, compact JSON",
      bar: `≤ ${MOST_BYTES} bytes`,
      measured: `${repositoryBytes} bytes`,
      passed: repositoryBytes <= MOST_BYTES,
    },
    ...growth(samples, sizes),
    {
      what: `peak memory of the provider process, N = ${size}`,
      bar: "≤ 1.3 × F2",
      measured: `${memory.toFixed(2)} × F2`,
      passed: memory <= 1.3,
    },
    {
      what: '`require("pulumi-borgbase")` over `@pulumi/pulumi` alone',
      bar: `≤ ${MOST_LOADING} ms`,
      measured: `${loading.toFixed(1)} ms`,
      passed: loading <= MOST_LOADING,
    },
  ];
}

/** All commands together: single ones differ by less than two runs of the same do. */
function growth(samples: Samples, sizes: readonly number[]): Bar[] {
  const size = sizes.at(-1) as number;
  if (!sizes.includes(SMALL) || size === SMALL) return [];
  const factor = (subject: SubjectId) =>
    samples.life("seconds", subject, size) / samples.life("seconds", subject, SMALL);
  const [ours, limit] = [factor("ours50"), factor("F2")];
  return [
    {
      what: `growth from ${SMALL} to ${size}, all commands together`,
      bar: "no steeper than F2's",
      measured: `× ${ours.toFixed(1)}, F2 × ${limit.toFixed(1)}`,
      passed: ours <= limit,
    },
  ];
}

/** How often longer a command takes at the largest size than at {@link SMALL}; undefined where not both were run. */
export function growthOf(samples: Samples, sizes: readonly number[], subject: SubjectId): string[] | undefined {
  const size = sizes.at(-1) as number;
  if (!sizes.includes(SMALL) || size === SMALL) return undefined;
  return OPERATIONS.map((operation) => {
    const [large, small] = [size, SMALL].map((n) => samples.median("seconds", subject, n, operation));
    return `× ${((large as number) / (small as number)).toFixed(1)}`;
  });
}
