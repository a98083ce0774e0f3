import { z } from "zod";
import type { RootField } from "./tokens";

const WHEN = {
  /** Root field that the request must contain, for example `repoAdd`. Unset: any request. */
  operation: z.string().min(1).optional(),
  /** Number of matching requests that pass first. */
  skip: z.number().int().nonnegative().default(0),
  /** Number of requests to hit after those; null for all. */
  count: z.number().int().positive().nullable().default(1),
};

/** A failure between a client and the API. Its kind defines whether the server executes the request. */
export const faultSchema = z.discriminatedUnion("kind", [
  /** The connection is reset before execution. */
  z.strictObject({ ...WHEN, kind: z.literal("reset") }),
  /** The connection is reset after execution: the response is lost. */
  z.strictObject({ ...WHEN, kind: z.literal("lost") }),
  /** No response ever; execution only with `work`. */
  z.strictObject({ ...WHEN, kind: z.literal("silence"), work: z.boolean().default(false) }),
  /** The correct response after execution, byte by byte. */
  z.strictObject({ ...WHEN, kind: z.literal("slow"), bytesPerSecond: z.number().positive().default(20) }),
  /** A status with an HTML page, as from a proxy or rate limiter; `retryAfter` in seconds or as an HTTP date. */
  z.strictObject({
    ...WHEN,
    kind: z.literal("status"),
    status: z.number().int().min(400).max(599),
    retryAfter: z.string().optional(),
    work: z.boolean().default(false),
  }),
  /** The first half of the correct response after execution, sent as if it were complete. */
  z.strictObject({ ...WHEN, kind: z.literal("truncated") }),
  /** JSON that is no GraphQL response. */
  z.strictObject({ ...WHEN, kind: z.literal("foreign"), work: z.boolean().default(false) }),
  /** The correct response after execution, with `errors` beside its data. */
  z.strictObject({ ...WHEN, kind: z.literal("errors"), message: z.string().default("Something went wrong") }),
  /** The token of the request expires at once. */
  z.strictObject({ ...WHEN, kind: z.literal("expire") }),
]);

export type Fault = z.infer<typeof faultSchema>;
/** A fault as a test writes it: fields with a default may be omitted. */
export type FaultInput = z.input<typeof faultSchema>;

/** Whether the server executes the request before the fault applies. */
export function executesFirst(fault: Fault): boolean {
  switch (fault.kind) {
    case "reset":
      return false;
    case "silence":
    case "status":
    case "foreign":
      return fault.work;
    default:
      return true;
  }
}

/** Pending faults. Each request takes one fault at most: the oldest that matches. */
export class Faults {
  private pending: Fault[] = [];

  add(fault: FaultInput): void {
    this.pending.push(faultSchema.parse(fault));
  }

  clear(): void {
    this.pending = [];
  }

  list(): readonly Fault[] {
    return this.pending;
  }

  next(fields: RootField[]): Fault | undefined {
    for (const fault of this.pending) {
      if (fault.operation !== undefined && !fields.some((field) => field.name === fault.operation)) continue;
      if (fault.skip > 0) {
        fault.skip--;
        continue;
      }
      if (fault.count !== null && --fault.count === 0) this.pending = this.pending.filter((other) => other !== fault);
      return fault;
    }
    return undefined;
  }
}
