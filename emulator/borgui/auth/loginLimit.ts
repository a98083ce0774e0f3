import type { Clock } from "../../clock";
import { HttpError } from "../errors";

const FAILURES = 5;
const WINDOW_MS = 15 * 60_000;
const LOCK_MS = 15 * 60_000;

interface Failures {
  count: number;
  since: number;
  lockedUntil: number;
}

/** Locks the logins of an address after failed ones, whatever names they used. */
export class LoginLimit {
  private readonly addresses = new Map<string, Failures>();

  constructor(private readonly clock: Clock) {}

  /** @throws 429 while the address is locked. */
  check(address: string): void {
    const now = this.clock.now().getTime();
    const failures = this.addresses.get(address);
    if (!failures) return;
    if (failures.lockedUntil > now) throw locked(failures.lockedUntil - now);
    if (failures.since + WINDOW_MS <= now) this.addresses.delete(address);
  }

  /** @throws 429 at the failure that locks. */
  failed(address: string): void {
    const now = this.clock.now().getTime();
    const failures = this.addresses.get(address) ?? { count: 0, since: now, lockedUntil: 0 };
    failures.count++;
    this.addresses.set(address, failures);
    if (failures.count < FAILURES) return;
    failures.lockedUntil = now + LOCK_MS;
    throw locked(LOCK_MS);
  }

  succeeded(address: string): void {
    this.addresses.delete(address);
  }

  reset(): void {
    this.addresses.clear();
  }
}

function locked(ms: number): HttpError {
  const seconds = Math.max(1, Math.ceil(ms / 1000));
  const detail = { key: "backend.errors.auth.tooManyRequests", params: { retryAfterSeconds: seconds } };
  return new HttpError(429, detail, { "Retry-After": String(seconds) });
}
