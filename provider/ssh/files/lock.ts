import { randomBytes } from "node:crypto";
import { SshError } from "../error";
import type { RemoteFiles } from "./remoteFiles";

// A lock that nobody changed for this long is of someone who is gone; who holds one gives up well before.
const STALE_MILLISECONDS = 15_000;
const HOLD_MILLISECONDS = 10_000;

/** A file beside the edited one that only one holder can create, across processes and machines. */
export class Lock {
  /** Whom this login's new files belong to; undefined where the server does not name owners. */
  login: number | undefined;
  readonly #path: string;
  readonly #token = randomBytes(9).toString("hex");
  #since = 0;

  constructor(
    readonly files: RemoteFiles,
    readonly target: string,
    readonly conflict: () => SshError,
  ) {
    this.#path = `${target}.pulumi-borgbase.lock`;
  }

  /** Where its holder writes the new content. */
  get temporary(): string {
    return this.#temporaryOf(this.#token);
  }

  async acquire(pause: (milliseconds: number) => Promise<unknown>): Promise<void> {
    let seen: string | undefined;
    let since = performance.now();
    for (;;) {
      // Another account that edits the same file must be able to see who holds it.
      const made = await this.files.create(this.#path, Buffer.from(this.#token), { mode: 0o644 });
      if (made) {
        this.login = made.uid;
        break;
      }
      const holder = await this.#holder();
      if (holder !== seen) {
        seen = holder;
        since = performance.now();
      } else if (holder !== undefined && performance.now() - since > STALE_MILLISECONDS) {
        await this.#clear(holder);
      }
      await pause(20 + Math.random() * 100);
    }
    this.#since = performance.now();
  }

  /** @throws SshError when the lock may be another's by now */
  async check(): Promise<void> {
    const holder = await this.#holder();
    if (holder !== this.#token || performance.now() - this.#since > HOLD_MILLISECONDS) throw this.conflict();
  }

  async release(): Promise<void> {
    if ((await this.#holder()) === this.#token) await this.files.remove(this.#path);
  }

  async #holder(path = this.#path): Promise<string | undefined> {
    return (await this.files.read(path))?.content.toString("latin1");
  }

  /** Takes the lock of one who is gone out of the way; only one of those who wait gets hold of it. */
  async #clear(holder: string): Promise<void> {
    const away = `${this.#path}.${this.#token}`;
    try {
      await this.files.replace(this.#path, away);
    } catch (error) {
      if (error instanceof SshError && error.kind === "write") return;
      throw error;
    }
    const taken = await this.#holder(away);
    await this.files.remove(away);
    if (taken === holder && /^[0-9a-f]+$/.test(holder)) await this.files.remove(this.#temporaryOf(holder));
  }

  #temporaryOf(token: string): string {
    return `${this.target}.pulumi-borgbase.${token}`;
  }
}
