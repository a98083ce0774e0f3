import { setTimeout as delay } from "node:timers/promises";
import type { InputAttributes, SFTPWrapper, Stats } from "ssh2";
import type { Session } from "../connection/session";
import { printable, SshError } from "../error";
import type { ExtraAttributes, FileStatus, Ownership, RemoteFile, RemoteFiles } from "./remoteFiles";
import type { ShellFiles } from "./shellFiles";
import { backupPathOf } from "./sidecars";

// Status codes of SFTP (draft-ietf-secsh-filexfer-02 §7).
const NO_SUCH_FILE = 2;
const PERMISSION_DENIED = 3;
const OP_UNSUPPORTED = 8;

/** The largest part that every server accepts (§3). */
const PART_BYTES = 32_768;
/** The limit for a shell's answer about a file; no answer means no shell. */
const SHELL_MILLISECONDS = 3000;

/**
 * Files over SFTP version 3, with OpenSSH's extensions where the server has them.
 * Requests are pipelined: a server must process them as if each had been awaited (§6).
 */
export class SftpFiles implements RemoteFiles {
  readonly #session: Session;
  readonly #sftp: SFTPWrapper;
  readonly #shell: ShellFiles | undefined;

  /** @param shell reads attributes that SFTP cannot show */
  constructor(session: Session, sftp: SFTPWrapper, shell?: ShellFiles) {
    this.#session = session;
    this.#sftp = sftp;
    this.#shell = shell;
  }

  async read(path: string): Promise<RemoteFile | undefined> {
    const handle = await this.#unlessMissing(() =>
      this.#ask<Buffer>("read", path, (done) => this.#sftp.open(path, "r", done)),
    );
    if (handle === undefined) return undefined;
    try {
      const [stats, first] = await Promise.all([
        this.#ask<Stats>("read", path, (done) => this.#sftp.fstat(handle, done)),
        this.#readPart(handle, path, 0),
      ]);
      if (stats === undefined) throw this.#session.lost();
      const parts = [first];
      let position = first.length;
      // A server may return less than requested, and virtual files have no size.
      for (let last = first.length; last > 0 && !(stats.size > 0 && position >= stats.size); position += last) {
        const part = await this.#readPart(handle, path, position);
        last = part.length;
        parts.push(part);
      }
      return { content: Buffer.concat(parts), status: statusOf(stats) };
    } finally {
      this.#close(handle, path);
    }
  }

  async #readPart(handle: Buffer, path: string, position: number): Promise<Buffer> {
    const buffer = Buffer.alloc(PART_BYTES);
    const read = (done: (error: Error | undefined, count: number) => void) =>
      this.#sftp.read(handle, buffer, 0, PART_BYTES, position, done);
    return buffer.subarray(0, (await this.#ask<number>("read", path, read)) ?? 0);
  }

  async status(path: string, { follow } = { follow: false }): Promise<FileStatus | undefined> {
    const stats = await this.#unlessMissing(() =>
      this.#ask<Stats>("read", path, (done) => (follow ? this.#sftp.stat(path, done) : this.#sftp.lstat(path, done))),
    );
    return stats && statusOf(stats);
  }

  async extraAttributes(path: string, status: FileStatus): Promise<ExtraAttributes> {
    if (this.#shell === undefined) return {};
    try {
      const seen = await this.#withinLimit(this.#shell.inspect(path));
      // A shell may see another file system than SFTP.
      const isSame = seen?.uid === status.uid && seen?.gid === status.gid && seen?.mode === status.mode;
      return isSame && seen !== undefined ? seen : {};
    } catch (error) {
      if (error instanceof SshError && this.#session.alive) return {};
      throw error;
    }
  }

  async realPath(path: string): Promise<string> {
    return (await this.#ask<string>("read", path, (done) => this.#sftp.realpath(path, done))) ?? path;
  }

  async makeFolder(path: string, { mode, uid, gid }: Ownership): Promise<void> {
    await this.#ask("write", path, (done) => this.#sftp.mkdir(path, { mode }, done));
    const made = await this.status(path);
    // Some servers ignore the mode of a new folder.
    if (made?.mode !== mode) await this.chmod(path, mode);
    if (uid === undefined || gid === undefined || made?.uid === uid) return;
    // The parent's owner could replace the folder by a link, so the request must not follow links.
    const owner = { uid, gid } as InputAttributes;
    await this.#unlessRefused(() =>
      this.#extension(path, (done) => this.#sftp.ext_openssh_lsetstat(path, owner, done)),
    );
  }

  async create(path: string, content: Buffer, like: Ownership): Promise<FileStatus | undefined> {
    const handle = await this.#openNew(path, like.mode & 0o755);
    if (handle === undefined) return undefined;
    try {
      const parts: Promise<unknown>[] = [];
      for (let at = 0; at < content.length; at += PART_BYTES) {
        const size = Math.min(PART_BYTES, content.length - at);
        parts.push(this.#ask("write", path, (done) => this.#sftp.write(handle, content, at, size, at, done)));
      }
      parts.push(this.#extension(path, (done) => this.#sftp.ext_openssh_fsync(handle, done)));
      const stat = () => this.#ask<Stats>("write", path, (done) => this.#sftp.fstat(handle, done));
      const [made] = await Promise.all([stat(), ...parts]);
      if (made === undefined) throw this.#session.lost();
      const changes = changesTo(like, statusOf(made));
      if (changes === undefined) return statusOf(made);
      const set = this.#unlessRefused(() =>
        this.#ask("write", path, (done) => this.#sftp.fsetstat(handle, changes, done)),
      );
      const [now] = await Promise.all([stat(), set]);
      return statusOf(now ?? made);
    } catch (error) {
      if (isRefusal(error)) await this.remove(path).catch(() => {});
      throw error;
    } finally {
      this.#close(handle, path);
    }
  }

  /** Creates and opens a file. Undefined when the path exists. */
  async #openNew(path: string, mode: number): Promise<Buffer | undefined> {
    for (let round = 1; ; round++) {
      try {
        const handle = await this.#ask<Buffer>("write", path, (done) => this.#sftp.open(path, "wx", mode, done));
        if (handle === undefined) throw this.#session.lost();
        return handle;
      } catch (error) {
        if (!isRefusal(error)) throw error;
        // SFTP 3 has no status for "exists already". The obstacle may also be gone by now, so try again.
        if ((await this.status(path)) !== undefined) return undefined;
        if (round === 3) throw error;
      }
    }
  }

  /** Closes a handle without waiting: later requests are processed after it. */
  #close(handle: Buffer, path: string): void {
    this.#ask("write", path, (done) => this.#sftp.close(handle, done)).catch(() => {});
  }

  async copyAcl(): Promise<boolean> {
    return false;
  }

  async replace(from: string, to: string): Promise<void> {
    if (await this.#extension(to, (done) => this.#sftp.ext_openssh_rename(from, to, done), "rename")) return;
    const rename = (a: string, b: string) => this.#ask("rename", to, (done) => this.#sftp.rename(a, b, done));
    try {
      await rename(from, to);
    } catch (error) {
      if (!isRefusal(error) || (await this.status(to)) === undefined) throw error;
      // SFTP 3 lets a server refuse to rename over a file. The old file becomes a backup until the rename succeeds.
      const backup = backupPathOf(to);
      await this.remove(backup);
      await rename(to, backup);
      try {
        await rename(from, to);
      } catch (failed) {
        await rename(backup, to);
        throw failed;
      }
      await this.remove(backup);
    }
  }

  async chmod(path: string, mode: number): Promise<void> {
    await this.#ask("write", path, (done) => this.#sftp.chmod(path, mode, done));
  }

  async remove(path: string): Promise<void> {
    await this.#unlessMissing(() => this.#ask("write", path, (done) => this.#sftp.unlink(path, done)));
  }

  async removeFolder(path: string): Promise<void> {
    await this.#ask("write", path, (done) => this.#sftp.rmdir(path, done));
  }

  async #withinLimit<T>(work: Promise<T>): Promise<T | undefined> {
    const slow = new AbortController();
    const pause = delay(SHELL_MILLISECONDS, undefined, { signal: slow.signal }).catch(() => undefined);
    return Promise.race([work, pause]).finally(() => slow.abort());
  }

  async #unlessRefused(work: () => Promise<unknown>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!isRefusal(error)) throw error;
    }
  }

  /** Sends an extension request. False when the server does not know the extension. */
  async #extension(
    path: string,
    send: (done: (error?: Error | null) => void) => void,
    intent: Intent = "write",
  ): Promise<boolean> {
    let known = true;
    try {
      await this.#ask(intent, path, (done) => {
        try {
          send(done);
        } catch {
          // ssh2 throws at once when the server has not announced the extension.
          known = false;
          done(null);
        }
      });
    } catch (error) {
      if (error instanceof SftpRefusal && error.status === OP_UNSUPPORTED) return false;
      throw error;
    }
    return known;
  }

  async #unlessMissing<T>(ask: () => Promise<T>): Promise<T | undefined> {
    try {
      return await ask();
    } catch (error) {
      if (error instanceof SftpRefusal && error.status === NO_SUCH_FILE) return undefined;
      throw error;
    }
  }

  async #ask<T>(
    intent: Intent,
    path: string,
    send: (done: (error: Error | null | undefined, value?: T) => void) => void,
  ): Promise<T | undefined> {
    try {
      return await this.#session.request<T>(send);
    } catch (error) {
      if (error instanceof SshError || !(error instanceof Error) || !("code" in error)) throw error;
      throw new SftpRefusal(Number(error.code), intent, path, error.message, this.#session);
    }
  }
}

/** The part of a mode with the type of the file. Some servers leave it out. */
const TYPE_BITS = 0o170000;

function statusOf(stats: Stats): FileStatus {
  const isFile = stats.isFile() || (stats.mode & TYPE_BITS) === 0;
  const type = isFile ? "file" : stats.isDirectory() ? "folder" : stats.isSymbolicLink() ? "link" : "other";
  // A server may omit any attribute.
  const { uid, gid } = stats as { uid?: number; gid?: number };
  return { type, mode: stats.mode & 0o7777, uid, gid };
}

/** The attributes to change on a file; undefined when it has all of them. */
function changesTo({ mode, uid, gid }: Ownership, actual: Ownership): InputAttributes | undefined {
  const same = uid === undefined || gid === undefined || (uid === actual.uid && gid === actual.gid);
  if (same && mode === actual.mode) return undefined;
  return { ...(mode !== actual.mode && { mode }), ...(!same && { uid, gid }) } as InputAttributes;
}

type Intent = "read" | "write" | "rename";

const HINTS: Record<Intent, string> = {
  read: "",
  write: "; is the disk full or the quota used up? What was there before still is",
  rename: "; the new content could be written beside it and not be put in its place. What was there before still is",
};

class SftpRefusal extends SshError {
  constructor(
    readonly status: number,
    intent: Intent,
    path: string,
    reply: string,
    { address, target }: Session,
  ) {
    const verb = intent === "rename" ? "write" : intent;
    const text =
      status === PERMISSION_DENIED
        ? `${target.username} may not ${verb} ${path} on ${address}`
        : `cannot ${verb} ${path} on ${address} (it says: ${printable(reply)})${status === NO_SUCH_FILE ? "" : HINTS[intent]}`;
    const kind = status === PERMISSION_DENIED ? "permission" : intent === "read" ? "session" : "write";
    super(kind, text, { phase: "session" });
  }
}

function isRefusal(error: unknown): boolean {
  return error instanceof SftpRefusal;
}
