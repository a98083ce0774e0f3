import type { RootField, TokenLevel } from "./tokens";

/** One request to the API, without secrets. */
export interface LoggedRequest {
  /** Emulator time, ISO. */
  at: string;
  account: string | null;
  /** Level of the token or session; null without one, or with a rejected one. */
  level: TokenLevel | null;
  operations: string[];
  variables: Record<string, unknown>;
  /** HTTP status; null without a response. */
  status: number | null;
  /** Messages in `errors` of the response. */
  errors: string[];
  /** Kind of the applied fault. */
  fault: string | null;
  ms: number;
}

export interface Counters {
  requests: number;
  /** Mutations by root field, failed ones included. */
  mutations: number;
  /** Bytes of request bodies and of response bodies. */
  bytesIn: number;
  bytesOut: number;
  /** Largest number of simultaneous requests. */
  maxConcurrent: number;
  /** Number of opened connections. */
  connections: number;
  /** Number of requests by root field. */
  operations: Record<string, number>;
}

const LOG_LIMIT = 10_000;
/** Limit of all entries in characters of JSON, which bounds the memory. */
const LOG_SIZE = 5_000_000;
/** Limits of one entry: lines (operations, messages), members of a value, characters of a text and of all variables. */
const ENTRY_LIMITS = { lines: 50, members: 50, text: 2000, all: 20_000 };
const SECRET_NAMES = /password|otp|token|htpasswd|secret/i;

/** Counters of all requests, and a log of the last 10,000, or fewer when they are large. */
export class RequestLog {
  private counted = zero();
  private entries: LoggedRequest[] = [];
  private sizes: number[] = [];
  private size = 0;
  private active = 0;

  get counters(): Counters {
    return { ...this.counted, operations: { ...this.counted.operations } };
  }

  get log(): readonly LoggedRequest[] {
    return this.entries;
  }

  reset(): void {
    this.counted = zero();
    this.counted.maxConcurrent = this.active;
    this.entries = [];
    this.sizes = [];
    this.size = 0;
  }

  connected(): void {
    this.counted.connections++;
  }

  begin(): void {
    this.counted.requests++;
    this.active++;
    this.counted.maxConcurrent = Math.max(this.counted.maxConcurrent, this.active);
  }

  received(bytes: number, fields: RootField[]): void {
    this.counted.bytesIn += bytes;
    for (const { name, kind } of fields) {
      this.counted.operations[name] = (this.counted.operations[name] ?? 0) + 1;
      if (kind === "mutation") this.counted.mutations++;
    }
  }

  sent(bytes: number): void {
    this.counted.bytesOut += bytes;
  }

  end(): void {
    this.active--;
  }

  add(entry: LoggedRequest): void {
    const kept = {
      ...entry,
      operations: entry.operations.slice(0, ENTRY_LIMITS.lines),
      variables: shortened(entry.variables, { left: ENTRY_LIMITS.all }) as Record<string, unknown>,
      errors: entry.errors.slice(0, ENTRY_LIMITS.lines).map((line) => line.slice(0, ENTRY_LIMITS.text)),
    };
    const size = JSON.stringify(kept).length;
    this.entries.push(kept);
    this.sizes.push(size);
    this.size += size;
    while (this.entries.length > LOG_LIMIT || (this.size > LOG_SIZE && this.entries.length > 1)) {
      this.entries.shift();
      this.size -= this.sizes.shift() ?? 0;
    }
  }
}

function zero(): Counters {
  return { requests: 0, mutations: 0, bytesIn: 0, bytesOut: 0, maxConcurrent: 0, connections: 0, operations: {} };
}

/** A value with long texts and deep levels cut off, within one shared budget of characters. */
function shortened(value: unknown, budget: { left: number }, depth = 0): unknown {
  if (typeof value === "string") {
    const kept = value.slice(0, Math.min(ENTRY_LIMITS.text, budget.left));
    budget.left -= kept.length;
    return kept === value ? value : `${kept}…`;
  }
  if (typeof value !== "object" || value === null) return value;
  if (depth >= 3 || budget.left <= 0) return "…";
  const members = (Array.isArray(value) ? value : Object.entries(value)).slice(0, ENTRY_LIMITS.members);
  budget.left -= members.length;
  if (Array.isArray(value)) return members.map((item) => shortened(item, budget, depth + 1));
  return Object.fromEntries(
    members.map(([name, member]) => [name.slice(0, 100), shortened(member, budget, depth + 1)]),
  );
}

/** The variables of a request without secrets, which are found by name or by the given values. */
export function redacted(variables: Record<string, unknown>, secrets: ReadonlySet<string>): Record<string, unknown> {
  const entries = Object.entries(variables).map(([name, value]) => {
    const secret = SECRET_NAMES.test(name) || (typeof value === "string" && secrets.has(value));
    return [name, secret ? "[secret]" : value];
  });
  return Object.fromEntries(entries);
}
