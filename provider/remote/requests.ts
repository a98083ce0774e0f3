import { ProviderError } from "../errors";
import { limitConcurrency } from "./concurrency";
import type { Interruption } from "./interruption";
import { type RetryPolicy, retry, type Unavailable } from "./retry";

/** Timeout of one request, including its whole answer. Milliseconds. */
export const REQUEST_TIMEOUT = 30_000;

export interface RequestOptions {
  /** Timeout of each request, whatever its own. Milliseconds. */
  timeout?: number;
  retry?: RetryPolicy;
  /** Ends waits when the run is interrupted. */
  interruption?: Interruption;
}

/** One request, as often as it has to be sent. */
export interface Attempt<T> {
  /** Verb and object for error messages, for example `add the repository "web"`. */
  purpose: string;
  /** Default: {@link REQUEST_TIMEOUT}. Milliseconds. */
  timeout?: number;
  send(signal: AbortSignal): Promise<T>;
}

/** The requests to one service: limited in number, repeated where that is safe, ended when the run is interrupted. */
export class Requests {
  readonly #options: RequestOptions;
  readonly #limitConcurrency: <T>(task: () => Promise<T>) => Promise<T>;

  /** @param maxInFlight number of requests at a time */
  constructor(options: RequestOptions, maxInFlight: number) {
    this.#options = options;
    this.#limitConcurrency = limitConcurrency(maxInFlight);
  }

  /** A request that may be executed twice: a read, an edit, a deletion. */
  repeatable<T>(attempt: Attempt<T>): Promise<T> {
    return this.#withRetry(attempt);
  }

  /**
   * A create. Retried only after a look-up, as the server may have executed a request whose answer was lost.
   * @param find looks up the object of the lost request; undefined where it does not exist
   */
  create<T>(attempt: Attempt<T>, find: () => Promise<T | undefined>): Promise<T> {
    let outcomeUnknown = false;
    return this.#withRetry(attempt, async (failure) => {
      // Unknown once, unknown for all retries: a slow server may execute the first request late.
      outcomeUnknown ||= failure.details.outcomeUnknown;
      return outcomeUnknown ? find() : undefined;
    });
  }

  #withRetry<T>(attempt: Attempt<T>, beforeRetry?: (failure: Unavailable) => Promise<T | undefined>): Promise<T> {
    return retry(() => this.#limitConcurrency(() => this.#sendOnce(attempt)), {
      ...(this.#options.retry && { policy: this.#options.retry }),
      ...(beforeRetry && { beforeRetry }),
      ...(this.#options.interruption && { signal: this.#options.interruption.requested }),
    });
  }

  async #sendOnce<T>({ purpose, timeout = REQUEST_TIMEOUT, send }: Attempt<T>): Promise<T> {
    const { interruption } = this.#options;
    if (interruption?.requested.aborted) {
      throw new ProviderError("refused", `Did not ${purpose}: the run was interrupted.`);
    }
    const ends = [AbortSignal.timeout(this.#options.timeout ?? timeout)];
    return send(AbortSignal.any(interruption ? [...ends, interruption.graceOver] : ends));
  }
}
