import { setTimeout as sleep } from "node:timers/promises";
import { ProviderError } from "../errors";

/** Limits of the retries of one call. Times in milliseconds. */
export interface RetryPolicy {
  /** Upper bound of the first delay; doubles with each retry (AWS, "Exponential backoff and jitter": full jitter). */
  baseDelay: number;
  /** Upper bound of every delay. */
  maxDelay: number;
  /** Time since the first failure after which no retry starts. */
  maxElapsed: number;
}

export const RETRY: RetryPolicy = { baseDelay: 250, maxDelay: 8_000, maxElapsed: 60_000 };

/** No usable answer: the only error that is retried. */
export class Unavailable extends ProviderError {
  constructor(
    message: string,
    readonly details: {
      /** Whether the server may have executed the request. False only on proof that it did not. */
      outcomeUnknown: boolean;
      /** Delay that the server requests (`Retry-After`). Milliseconds. */
      retryAfter?: number;
      cause?: unknown;
    },
  ) {
    super("unavailable", message, { cause: details.cause });
  }
}

/**
 * Calls `attempt` until it succeeds, fails with another error, or `maxElapsed` has passed. `beforeRetry` runs before each
 * retry and may end the loop with a result: a create looks up its object there.
 */
export async function retry<T>(
  attempt: () => Promise<T>,
  options: {
    policy?: RetryPolicy;
    beforeRetry?: (failure: Unavailable) => Promise<T | undefined>;
    /** Ends the retries. */
    signal?: AbortSignal;
  } = {},
): Promise<T> {
  const policy = options.policy ?? RETRY;
  let deadline: number | undefined;
  for (let tries = 0; ; tries++) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof Unavailable)) throw error;
      // From the first failure on, as a first try of any length deserves a second one.
      deadline ??= Date.now() + policy.maxElapsed;
      const delay = delayBefore(tries, error, policy);
      if (Date.now() + delay > deadline) throw exhausted(error, tries + 1);
      if (await isInterrupted(delay, options.signal)) throw interrupted(error);
      const found = await options.beforeRetry?.(error);
      if (found !== undefined) return found;
    }
  }
}

function delayBefore(tries: number, failure: Unavailable, policy: RetryPolicy): number {
  const jittered = Math.random() * Math.min(policy.maxDelay, policy.baseDelay * 2 ** tries);
  // Never retry before Retry-After.
  return failure.details.retryAfter === undefined ? jittered : failure.details.retryAfter + jittered;
}

/** Waits; ends early on the signal. */
async function isInterrupted(delay: number, signal?: AbortSignal): Promise<boolean> {
  try {
    await sleep(delay, undefined, signal && { signal });
    return false;
  } catch (error) {
    if (!signal?.aborted) throw error;
    return true;
  }
}

function interrupted(error: Unavailable): ProviderError {
  return new ProviderError("unavailable", `${error.message} Not retried, as the run was interrupted.`, {
    cause: error,
  });
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

/** `Retry-After` in milliseconds: seconds or an HTTP date (RFC 9110, section 10.2.3); undefined for any other text. */
export function parseRetryAfter(header: string | null, now = Date.now()): number | undefined {
  if (!header) return undefined;
  if (/^\s*\d+\s*$/.test(header)) return Number(header) * 1000;
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}
