import { SshError, type SshPhase } from "../error";

const DOING: Record<SshPhase, string> = {
  resolve: "its name was looked up",
  connect: "a connection was opened",
  hostKey: "its host key was asked for",
  authentication: "logging in",
  session: "working on the account",
};

/** One limit for everything that an operation does, and how far it has come. */
export class Deadline {
  phase: SshPhase = "connect";
  /** Somebody other than the host whose answer is awaited. */
  waitsFor: string | undefined;
  readonly #expired = new AbortController();
  #timer: NodeJS.Timeout | undefined;

  /** @param who the host as a person knows it */
  constructor(
    public who: string,
    readonly seconds: number,
  ) {
    this.restart();
  }

  /** Begins anew; an expired one stays expired. */
  restart(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      const text = `${this.waitsFor ?? this.who} did not answer within ${this.seconds} s, while ${DOING[this.phase]}`;
      this.#expired.abort(new SshError("timeout", text, { phase: this.phase, property: "timeout" }));
    }, this.seconds * 1000);
  }

  /** Waits for `work`, but not beyond the limit: then `onExpiry` frees what it holds and the error tells where it stood. */
  async wait<T>(work: Promise<T>, onExpiry?: () => void): Promise<T> {
    const { signal } = this.#expired;
    let expire: (() => void) | undefined;
    const expired = new Promise<never>((_, reject) => {
      expire = () => {
        onExpiry?.();
        reject(signal.reason);
      };
      if (signal.aborted) expire();
      else signal.addEventListener("abort", expire, { once: true });
    });
    try {
      return await Promise.race([work, expired]);
    } finally {
      if (expire) signal.removeEventListener("abort", expire);
    }
  }

  /** Ends the limit; every operation must. */
  end(): void {
    clearTimeout(this.#timer);
  }
}
