import { SshError, type SshPhase } from "../error";

const ACTIVITY: Record<SshPhase, string> = {
  resolve: "its name was looked up",
  connect: "a connection was opened",
  hostKey: "its host key was asked for",
  authentication: "logging in",
  session: "working on the account",
};

/** The time limit of one whole operation, and the step that it has reached. */
export class Deadline {
  phase: SshPhase = "connect";
  /** The subject of a timeout message in place of the host, for example the ssh-agent. */
  waitsFor: string | undefined;
  readonly #expired = new AbortController();
  #timer: NodeJS.Timeout | undefined;

  /** @param address the host's address for messages */
  constructor(
    public address: string,
    readonly seconds: number,
  ) {
    this.restart();
  }

  /** Restarts the limit. An expired deadline stays expired. */
  restart(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      const text = `${this.waitsFor ?? this.address} did not answer within ${this.seconds} s, while ${ACTIVITY[this.phase]}`;
      this.#expired.abort(new SshError("timeout", text, { phase: this.phase, property: "timeout" }));
    }, this.seconds * 1000);
  }

  /**
   * Waits for `work` within the limit.
   * @param onExpiry frees the resources of `work`
   * @throws SshError `timeout` with the step that was reached
   */
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

  /** Stops the timer. Every operation must call it. */
  end(): void {
    clearTimeout(this.#timer);
  }
}
