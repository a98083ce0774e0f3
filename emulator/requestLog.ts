import type { RootField, TokenLevel } from "./tokens";

/** One request to the API, without secrets. */
export interface LoggedRequest {
  /** Emulator time, ISO. */
  at: string;
  account: string | null;
  /** Level of the token or session; null without one, or with one that was refused. */
  level: TokenLevel | null;
  operations: string[];
  variables: Record<string, unknown>;
  /** HTTP status; null when nothing was answered. */
  status: number | null;
  /** Messages in `errors` of the answer. */
  errors: string[];
  /** Kind of the fault that hit it. */
  fault: string | null;
  ms: number;
}

export interface Counters {
  requests: number;
  /** Root fields of kind mutation, also of those that failed. */
  mutations: number;
  /** Bytes of request bodies and of answered bodies. */
  bytesIn: number;
  bytesOut: number;
  /** Most requests under way at one time. */
  maxConcurrent: number;
  /** Connections that were opened. */
  connections: number;
  /** Root field to how often it was asked. */
  operations: Record<string, number>;
}

const LOG_LIMIT = 10_000;
/** Characters of all entries as JSON, so that requests of any size leave memory flat. */
const LOG_SIZE = 5_000_000;
/** Of one entry: names and messages, properties or items of a value, characters of a text and of all variables. */
const ENTRY = { lines: 50, members: 50, text: 2000, all: 20_000 };
const SECRET_NAMES = /password|otp|token|htpasswd|secret/i;

/** Counts and remembers requests, the last 10,000 of them or fewer where they are large. */
export class RequestLog {
  private counted = zero();
  private entries: LoggedRequest[] = [];
  private sizes: number[] = [];
  private size = 0;
  private underWay = 0;

  get counters(): Counters {
    return { ...this.counted, operations: { ...this.counted.operations } };
  }

  get log(): readonly LoggedRequest[] {
    return this.entries;
  }

  reset(): void {
    this.counted = zero();
    this.counted.maxConcurrent = this.underWay;
    this.entries = [];
    this.sizes = [];
    this.size = 0;
  }

  connected(): void {
    this.counted.connections++;
  }

  begin(): void {
    this.counted.requests++;
    this.underWay++;
    this.counted.maxConcurrent = Math.max(this.counted.maxConcurrent, this.underWay);
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
    this.underWay--;
  }

  add(entry: LoggedRequest): void {
    const kept = {
      ...entry,
      operations: entry.operations.slice(0, ENTRY.lines),
      variables: shortened(entry.variables, { left: ENTRY.all }) as Record<string, unknown>,
      errors: entry.errors.slice(0, ENTRY.lines).map((line) => line.slice(0, ENTRY.text)),
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

/** A value with what is long or deep in it cut off, within one budget of characters for all of it. */
function shortened(value: unknown, budget: { left: number }, depth = 0): unknown {
  if (typeof value === "string") {
    const kept = value.slice(0, Math.min(ENTRY.text, budget.left));
    budget.left -= kept.length;
    return kept === value ? value : `${kept}…`;
  }
  if (typeof value !== "object" || value === null) return value;
  if (depth >= 3 || budget.left <= 0) return "…";
  const members = (Array.isArray(value) ? value : Object.entries(value)).slice(0, ENTRY.members);
  budget.left -= members.length;
  if (Array.isArray(value)) return members.map((item) => shortened(item, budget, depth + 1));
  return Object.fromEntries(
    members.map(([name, member]) => [name.slice(0, 100), shortened(member, budget, depth + 1)]),
  );
}

/** The variables of a request with what is secret by its name, or is one of the given secrets, taken out. */
export function redacted(variables: Record<string, unknown>, secrets: ReadonlySet<string>): Record<string, unknown> {
  const entries = Object.entries(variables).map(([name, value]) => {
    const secret = SECRET_NAMES.test(name) || (typeof value === "string" && secrets.has(value));
    return [name, secret ? "[secret]" : value];
  });
  return Object.fromEntries(entries);
}
