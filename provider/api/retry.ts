import { setTimeout as sleep } from "node:timers/promises";
import { ProviderError } from "../errors";

/** How long and how often a call is tried. Times in milliseconds. */
export interface RetryPolicy {
  /** The upper bound of the first pause; it doubles with each try (AWS, "Exponential backoff and jitter": full jitter). */
  baseDelay: number;
  maxDelay: number;
  /** No new try starts once this much time has gone by since the first. */
  maxElapsed: number;
}

export const RETRY: RetryPolicy = { baseDelay: 250, maxDelay: 8_000, maxElapsed: 60_000 };

/** No usable answer came. Says whether the request may have been carried out, and when the server wants to be asked again. */
export class Unavailable extends ProviderError {
  constructor(
    message: string,
    readonly details: {
      /** False only where the server said, or the network proves, that nothing was done. */
      outcomeUnknown: boolean;
      /** Milliseconds that the server asked to wait (`Retry-After`). */
      retryAfter?: number;
      cause?: unknown;
    },
  ) {
    super("unavailable", message, { cause: details.cause });
  }
}

/**
 * Calls `attempt` until it answers, fails for good, or the budget is spent. `before` runs ahead of each further try and
 * may end the loop with a result of its own: a mutation looks up there whether its lost answer meant success.
 */
export async function retry<T>(
  attempt: () => Promise<T>,
  options: { policy?: RetryPolicy; beforeRetry?: (failure: Unavailable) => Promise<T | undefined> } = {},
): Promise<T> {
  const policy = options.policy ?? RETRY;
  const deadline = Date.now() + policy.maxElapsed;
  for (let tries = 0; ; tries++) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof Unavailable)) throw error;
      const delay = delayBefore(tries, error, policy);
      if (Date.now() + delay > deadline) throw exhausted(error, tries + 1);
      await sleep(delay);
      const found = await options.beforeRetry?.(error);
      if (found !== undefined) return found;
    }
  }
}

function delayBefore(tries: number, failure: Unavailable, policy: RetryPolicy): number {
  const jittered = Math.random() * Math.min(policy.maxDelay, policy.baseDelay * 2 ** tries);
  // An early try is an unkind one: never before the moment that the server named.
  return failure.details.retryAfter === undefined ? jittered : failure.details.retryAfter + jittered;
}

function exhausted(error: Unavailable, tries: number): ProviderError {
  if (tries === 1 && error.details.retryAfter === undefined) return error;
  const wait = error.details.retryAfter;
  const advice = wait === undefined ? "" : ` It asks to wait ${Math.ceil(wait / 1000)} s: run again then.`;
  return new ProviderError(
    "unavailable",
    `${error.message} Tried ${tries} ${tries === 1 ? "time" : "times"}.${advice}`,
    {
      cause: error,
    },
  );
}

/** `Retry-After` in milliseconds: seconds or an HTTP date (RFC 9110, section 10.2.3); undefined where it is neither. */
export function parseRetryAfter(header: string | null, now = Date.now()): number | undefined {
  if (!header) return undefined;
  if (/^\s*\d+\s*$/.test(header)) return Number(header) * 1000;
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}
