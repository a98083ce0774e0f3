import { randomBytes } from "node:crypto";
import { posix } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { SshError } from "./error";
import type { RemoteFiles } from "./remoteFiles";
import type { Session } from "./session";
import { asideOf } from "./sftpFiles";

// A lock that nobody changed for this long is of someone who is gone; who holds one gives up well before.
const STALE_MILLISECONDS = 15_000;
const HOLD_MILLISECONDS = 10_000;
const ROUNDS = 8;

/** The `authorized_keys` of one account, changed as a whole or not at all. */
export class AccountFile {
  readonly #session: Session;
  readonly #files: RemoteFiles;
  readonly path: string;

  constructor(session: Session, files: RemoteFiles, path = ".ssh/authorized_keys") {
    this.#session = session;
    this.#files = files;
    this.path = path;
  }

  /** Its bytes; empty when there is no such file. Changes nothing. */
  async read(): Promise<Buffer> {
    const content = await this.#files.read(this.path);
    if (content !== undefined) return content;
    return (await this.#files.read(asideOf(this.path))) ?? Buffer.alloc(0);
  }

  /**
   * Replaces the file by what `change` makes of it. `change` may run several times: whoever else edits the file at the
   * same time, under the same lock or without one, loses nothing.
   * @param change must give the same bytes back when nothing is to be done
   * @returns the bytes before the change that took effect
   * @throws SshError `conflict` when others change the file without end, `permission`, `write`, `session`, `timeout`
   */
  async edit(change: (content: Buffer) => Buffer): Promise<Buffer> {
    const seen = await this.read();
    if (change(seen).equals(seen)) return seen;
    await this.#prepareFolder();
    const path = await this.#follow();
    return this.#locked(path, (lock) => this.#replace(path, lock, change));
  }

  async #replace(path: string, lock: Lock, change: (content: Buffer) => Buffer): Promise<Buffer> {
    const aside = asideOf(path);
    // A link was lost while a server that cannot rename over a file had the old one put aside.
    if ((await this.#files.read(path)) === undefined && (await this.#files.read(aside)) !== undefined) {
      await this.#files.replace(aside, path);
    }
    for (let round = 0; round < ROUNDS; round++) {
      const before = (await this.#files.read(path)) ?? Buffer.alloc(0);
      const after = change(before);
      if (after.equals(before)) return before;
      const temporary = lock.temporary;
      await this.#files.remove(temporary);
      if (!(await this.#files.create(temporary, after))) throw this.#conflict();
      try {
        const written = await this.#files.read(temporary);
        if (!written?.equals(after)) {
          const text = `${this.#session.address} did not keep what was written to ${temporary}; is the disk full?`;
          throw new SshError("write", text, { phase: "session" });
        }
        await lock.check();
        const now = (await this.#files.read(path)) ?? Buffer.alloc(0);
        // Somebody without our lock was faster.
        if (!now.equals(before)) continue;
        await this.#files.replace(temporary, path);
      } finally {
        if (this.#session.alive) await this.#files.remove(temporary).catch(() => {});
      }
      const result = await this.#files.read(path);
      if (result?.equals(after) || (result && change(result).equals(result))) return before;
    }
    throw this.#conflict();
  }

  #conflict(): SshError {
    const text = `others keep changing ${this.path} of ${this.#session.target.username} on ${this.#session.address}; try again`;
    return new SshError("conflict", text, { phase: "session" });
  }

  /** Takes the right to write from others: sshd trusts no file that they could have written (sshd_config(5), StrictModes). */
  async mend(): Promise<void> {
    const status = await this.#files.status(this.path);
    if (status?.type === "file" && status.mode & 0o022) await this.#files.chmod(this.path, 0o600);
    const folder = await this.#files.status(posix.dirname(this.path));
    if (status && folder?.type === "folder" && folder.mode & 0o022)
      await this.#files.chmod(posix.dirname(this.path), 0o700);
  }

  async #prepareFolder(): Promise<void> {
    const folder = posix.dirname(this.path);
    const missing: string[] = [];
    for (let each = folder; each !== "." && each !== "/"; each = posix.dirname(each)) {
      const status = await this.#files.status(each);
      if (status === undefined) missing.unshift(each);
      else {
        if (each === folder && status.type === "folder" && status.mode & 0o022) await this.#files.chmod(each, 0o700);
        break;
      }
    }
    for (const each of missing) {
      try {
        await this.#files.makeFolder(each);
      } catch (error) {
        // Another deployment may have made it meanwhile.
        if ((await this.#files.status(each))?.type !== "folder") throw error;
      }
    }
  }

  /** Renaming over a symbolic link would replace the link: the file that it leads to is edited instead. */
  async #follow(): Promise<string> {
    const status = await this.#files.status(this.path);
    return status?.type === "link" ? this.#files.realPath(this.path) : this.path;
  }

  async #locked<T>(path: string, work: (lock: Lock) => Promise<T>): Promise<T> {
    const lock = new Lock(this.#files, path, () => this.#conflict());
    await lock.acquire((milliseconds) => this.#session.deadline.wait(delay(milliseconds)));
    try {
      return await work(lock);
    } finally {
      if (this.#session.alive) await lock.release().catch(() => {});
    }
  }
}

/** A file beside the edited one that only one holder can create, across processes and machines. */
class Lock {
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
    while (!(await this.files.create(this.#path, Buffer.from(this.#token)))) {
      const holder = (await this.files.read(this.#path))?.toString("latin1");
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
    const holder = (await this.files.read(this.#path))?.toString("latin1");
    if (holder !== this.#token || performance.now() - this.#since > HOLD_MILLISECONDS) throw this.conflict();
  }

  async release(): Promise<void> {
    const holder = (await this.files.read(this.#path))?.toString("latin1");
    if (holder === this.#token) await this.files.remove(this.#path);
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
    const taken = (await this.files.read(away))?.toString("latin1");
    await this.files.remove(away);
    if (taken === holder && /^[0-9a-f]+$/.test(holder)) await this.files.remove(this.#temporaryOf(holder));
  }

  #temporaryOf(token: string): string {
    return `${this.target}.pulumi-borgbase.${token}`;
  }
}
