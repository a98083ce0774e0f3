import { randomBytes } from "node:crypto";
import { SshError } from "../error";
import type { RemoteFiles } from "./remoteFiles";
import { lockPathOf, temporaryPathOf } from "./sidecars";

// A lock without a change for this long belongs to a dead process. Its holder gives up well before.
const STALE_MILLISECONDS = 15_000;
const HOLD_MILLISECONDS = 10_000;

/** A lock file beside the edited file: one holder at a time, across processes and machines. */
export class Lock {
  /** The uid of files that this login creates. Undefined when the server reports no owners. */
  login: number | undefined;
  readonly #path: string;
  readonly #token = randomBytes(9).toString("hex");
  #heldSince = 0;

  constructor(
    readonly files: RemoteFiles,
    readonly target: string,
    readonly conflict: () => SshError,
  ) {
    this.#path = lockPathOf(target);
  }

  /** The path for the holder's new content. */
  get temporary(): string {
    return temporaryPathOf(this.target, this.#token);
  }

  async acquire(pause: (milliseconds: number) => Promise<unknown>): Promise<void> {
    let seen: string | undefined;
    let since = performance.now();
    for (;;) {
      // Readable by all: another account that edits the same file must see the holder.
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
        await this.#removeStale(holder);
      }
      await pause(20 + Math.random() * 100);
    }
    this.#heldSince = performance.now();
  }

  /** @throws SshError `conflict` when another process may hold the lock by now */
  async check(): Promise<void> {
    const holder = await this.#holder();
    if (holder !== this.#token || performance.now() - this.#heldSince > HOLD_MILLISECONDS) throw this.conflict();
  }

  async release(): Promise<void> {
    if ((await this.#holder()) === this.#token) await this.files.remove(this.#path);
  }

  async #holder(path = this.#path): Promise<string | undefined> {
    return (await this.files.read(path))?.content.toString("latin1");
  }

  /** Removes the lock of a dead process. The rename lets exactly one waiting process do so. */
  async #removeStale(holder: string): Promise<void> {
    const renamed = `${this.#path}.${this.#token}`;
    try {
      await this.files.replace(this.#path, renamed);
    } catch (error) {
      if (error instanceof SshError && error.kind === "write") return;
      throw error;
    }
    const removed = await this.#holder(renamed);
    await this.files.remove(renamed);
    if (removed === holder && /^[0-9a-f]+$/.test(holder)) {
      await this.files.remove(temporaryPathOf(this.target, holder));
    }
  }
}
