import { z } from "zod";
import type { RootField } from "./tokens";

const WHEN = {
  /** Root field that the request must hold, as `repoAdd`; left out for any request. */
  operation: z.string().min(1).optional(),
  /** Matching requests to let pass first. */
  skip: z.number().int().nonnegative().default(0),
  /** Requests to hit then; null for all that follow. */
  count: z.number().int().positive().nullable().default(1),
};

/** Something that goes wrong between a client and the API. Its kinds say whether the server does the work. */
export const faultSchema = z.discriminatedUnion("kind", [
  /** The connection is reset before the work. */
  z.strictObject({ ...WHEN, kind: z.literal("reset") }),
  /** The connection is reset after the work: the answer is lost. */
  z.strictObject({ ...WHEN, kind: z.literal("lost") }),
  /** No answer ever, and no work unless wanted. */
  z.strictObject({ ...WHEN, kind: z.literal("silence"), work: z.boolean().default(false) }),
  /** The right answer, after the work, in drops. */
  z.strictObject({ ...WHEN, kind: z.literal("slow"), bytesPerSecond: z.number().positive().default(20) }),
  /** A status with an HTML page, as a proxy or a limiter gives it; `retryAfter` in seconds or as an HTTP date. */
  z.strictObject({
    ...WHEN,
    kind: z.literal("status"),
    status: z.number().int().min(400).max(599),
    retryAfter: z.string().optional(),
    work: z.boolean().default(false),
  }),
  /** The first half of the right answer, after the work, as if it were whole. */
  z.strictObject({ ...WHEN, kind: z.literal("truncated") }),
  /** JSON that is no GraphQL answer. */
  z.strictObject({ ...WHEN, kind: z.literal("foreign"), work: z.boolean().default(false) }),
  /** The right answer, after the work, with `errors` beside its data. */
  z.strictObject({ ...WHEN, kind: z.literal("errors"), message: z.string().default("Something went wrong") }),
  /** The token of the request is expired from now on. */
  z.strictObject({ ...WHEN, kind: z.literal("expire") }),
]);

export type Fault = z.infer<typeof faultSchema>;
/** A fault as it is written down: `skip` 0 and `count` 1 may be left out. */
export type FaultInput = z.input<typeof faultSchema>;

/** Whether the server does what it was asked before the fault shows. */
export function worksFirst(fault: Fault): boolean {
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

/** The faults that wait for their request. One request takes one fault, the oldest that matches. */
export class Faults {
  private waiting: Fault[] = [];

  add(fault: FaultInput): void {
    this.waiting.push(faultSchema.parse(fault));
  }

  clear(): void {
    this.waiting = [];
  }

  list(): readonly Fault[] {
    return this.waiting;
  }

  next(fields: RootField[]): Fault | undefined {
    for (const fault of this.waiting) {
      if (fault.operation !== undefined && !fields.some((field) => field.name === fault.operation)) continue;
      if (fault.skip > 0) {
        fault.skip--;
        continue;
      }
      if (fault.count !== null && --fault.count === 0) this.waiting = this.waiting.filter((other) => other !== fault);
      return fault;
    }
    return undefined;
  }
}
