/** Time that requests under way get to end by themselves. Milliseconds. */
const GRACE_PERIOD = 3_000;

/** The person wants the run to end: nothing waits any longer. Pending creates stay for the next run. */
export class Interruption {
  readonly #requested = new AbortController();
  readonly #graceOver = new AbortController();

  /** Aborts at once: nothing is retried or begun from then on. */
  get requested(): AbortSignal {
    return this.#requested.signal;
  }

  /** Aborts requests that are still under way. */
  get graceOver(): AbortSignal {
    return this.#graceOver.signal;
  }

  interrupt(gracePeriod = GRACE_PERIOD): void {
    this.#requested.abort();
    setTimeout(() => this.#graceOver.abort(), gracePeriod).unref();
  }
}
