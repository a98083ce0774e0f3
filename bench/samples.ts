import type { Cost } from "./measure";
import type { SubjectId } from "./subjects";

/** In the order of execution. */
export const OPERATIONS = ["first up", "no-op up", "preview", "refresh", "drift check", "change", "destroy"] as const;
export type Operation = (typeof OPERATIONS)[number];
/** Operations that change every resource. */
export const CHANGING: readonly Operation[] = ["first up", "change", "destroy"];

/** One measured command. */
export interface Sample extends Cost {
  subject: SubjectId;
  size: number;
  operation: Operation;
  requests: number;
  /** Bytes of request and response bodies. */
  traffic: number;
  /** Bytes of the state file after the command. */
  stateBytes: number;
}

export type Measure = "seconds" | "cpuSeconds" | "peakMemory" | "requests" | "traffic" | "stateBytes";

export function median(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  if (sorted.length === 0) return Number.NaN;
  const upper = sorted[Math.floor(middle)] as number;
  return Number.isInteger(middle) ? ((sorted[middle - 1] as number) + upper) / 2 : upper;
}

/** Medians of the measured samples. */
export class Samples {
  constructor(readonly all: readonly Sample[]) {}

  has(subject: SubjectId): boolean {
    return this.all.some((each) => each.subject === subject);
  }

  of(subject: SubjectId, size: number, operation: Operation): Sample[] {
    return this.all.filter((each) => each.subject === subject && each.size === size && each.operation === operation);
  }

  /** NaN without samples. */
  median(measure: Measure, subject: SubjectId, size: number, operation: Operation): number {
    return median(this.of(subject, size, operation).map((each) => each[measure]));
  }

  /** The largest median over all measured operations. NaN without samples. */
  largest(measure: Measure, subject: SubjectId, size: number): number {
    const medians = OPERATIONS.map((operation) => this.median(measure, subject, size, operation));
    const measured = medians.filter(Number.isFinite);
    return measured.length > 0 ? Math.max(...measured) : Number.NaN;
  }

  /** The sum of the medians of all operations: one whole life of a stack. NaN where an operation was not measured. */
  life(measure: Measure, subject: SubjectId, size: number): number {
    return OPERATIONS.reduce((sum, operation) => sum + this.median(measure, subject, size, operation), 0);
  }
}
