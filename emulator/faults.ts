import { z } from "zod";

const WHEN = {
  /** The request: a root field as `repoAdd`, or a route as `POST /api/repositories/`. Unset: any request. */
  operation: z.string().min(1).optional(),
  /** Number of matching requests that pass first. */
  skip: z.number().int().nonnegative().default(0),
  /** Number of requests to hit after those; null for all. */
  count: z.number().int().positive().nullable().default(1),
};

/** Failures between a client and a server. The kind defines whether the server executes the request. */
const BETWEEN = [
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
  /** JSON that the API never sends. */
  z.strictObject({ ...WHEN, kind: z.literal("foreign"), work: z.boolean().default(false) }),
  /** The token of the request expires at once. */
  z.strictObject({ ...WHEN, kind: z.literal("expire") }),
] as const;

/** A failure of a request to the GraphQL API. */
export const faultSchema = z.discriminatedUnion("kind", [
  ...BETWEEN,
  /** The correct response after execution, with `errors` beside its data. */
  z.strictObject({ ...WHEN, kind: z.literal("errors"), message: z.string().default("Something went wrong") }),
]);

/** A failure of a request to Borg UI's API. */
export const borgUiFaultSchema = z.discriminatedUnion("kind", [
  ...BETWEEN,
  /**
   * The server is killed within the request: after the row of a connection and before its host, or after `borg init` and
   * before the row of the repository. Other requests end before their response.
   */
  z.strictObject({ ...WHEN, kind: z.literal("crash") }),
]);

export type Fault = z.infer<typeof faultSchema>;
/** A fault as a test writes it: fields with a default may be omitted. */
export type FaultInput = z.input<typeof faultSchema>;

export type BorgUiFault = z.infer<typeof borgUiFaultSchema>;
export type BorgUiFaultInput = z.input<typeof borgUiFaultSchema>;

/** Whether the server executes the request before the fault applies. */
export function executesFirst(fault: Fault | BorgUiFault): boolean {
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
export class Faults<F extends Fault | BorgUiFault = Fault, Input = FaultInput> {
  private pending: F[] = [];

  constructor(private readonly schema: z.ZodType<F, Input>) {}

  add(fault: Input): void {
    this.pending.push(this.schema.parse(fault));
  }

  clear(): void {
    this.pending = [];
  }

  list(): readonly F[] {
    return this.pending;
  }

  /** @param names of the request; a fault without one matches any. */
  next(names: string[]): F | undefined {
    for (const fault of this.pending) {
      if (fault.operation !== undefined && !names.includes(fault.operation)) continue;
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
