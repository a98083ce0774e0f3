import type { SFTPWrapper, Stats } from "ssh2";
import { printable, SshError } from "./error";
import type { FileStatus, RemoteFiles } from "./remoteFiles";
import type { Session } from "./session";

// Status codes of SFTP (draft-ietf-secsh-filexfer-02 §7).
const NO_SUCH_FILE = 2;
const PERMISSION_DENIED = 3;
const OP_UNSUPPORTED = 8;

/** Files over SFTP version 3, with OpenSSH's extensions where the server has them. */
export class SftpFiles implements RemoteFiles {
  readonly #session: Session;
  readonly #sftp: SFTPWrapper;

  constructor(session: Session, sftp: SFTPWrapper) {
    this.#session = session;
    this.#sftp = sftp;
  }

  async read(path: string): Promise<Buffer | undefined> {
    return this.#unlessMissing(() => this.#ask<Buffer>("read", path, (done) => this.#sftp.readFile(path, done)));
  }

  async status(path: string): Promise<FileStatus | undefined> {
    const stats = await this.#unlessMissing(() =>
      this.#ask<Stats>("read", path, (done) => this.#sftp.lstat(path, done)),
    );
    if (stats === undefined) return undefined;
    const type = stats.isFile() ? "file" : stats.isDirectory() ? "folder" : stats.isSymbolicLink() ? "link" : "other";
    return { type, mode: stats.mode & 0o7777 };
  }

  async realPath(path: string): Promise<string> {
    return (await this.#ask<string>("read", path, (done) => this.#sftp.realpath(path, done))) ?? path;
  }

  async makeFolder(path: string): Promise<void> {
    await this.#ask("write", path, (done) => this.#sftp.mkdir(path, { mode: 0o700 }, done));
    // Some servers do not look at the mode that a new folder is asked for with.
    if ((await this.status(path))?.mode !== 0o700) await this.chmod(path, 0o700);
  }

  async create(path: string, content: Buffer): Promise<boolean> {
    let handle: Buffer | undefined;
    for (let round = 1; handle === undefined; round++) {
      try {
        handle = await this.#ask<Buffer>("write", path, (done) => this.#sftp.open(path, "wx", 0o600, done));
        if (handle === undefined) throw this.#session.lost();
      } catch (error) {
        if (!isRefusal(error)) throw error;
        // SFTP 3 has no status for "exists already"; and what was in the way may be gone a moment later.
        if ((await this.status(path)) !== undefined) return false;
        if (round === 3) throw error;
      }
    }
    const file = handle;
    try {
      if (content.length > 0) {
        await this.#ask("write", path, (done) => this.#sftp.write(file, content, 0, content.length, 0, done));
      }
      await this.#extension(path, (done) => this.#sftp.ext_openssh_fsync(file, done));
      await this.#ask("write", path, (done) => this.#sftp.close(file, done));
    } catch (error) {
      if (isRefusal(error)) {
        await this.#ask("write", path, (done) => this.#sftp.close(file, () => done(null)));
        await this.remove(path).catch(() => {});
      }
      throw error;
    }
    return true;
  }

  async replace(from: string, to: string): Promise<void> {
    if (await this.#extension(to, (done) => this.#sftp.ext_openssh_rename(from, to, done))) return;
    const rename = (a: string, b: string) => this.#ask("write", to, (done) => this.#sftp.rename(a, b, done));
    try {
      await rename(from, to);
    } catch (error) {
      if (!isRefusal(error) || (await this.status(to)) === undefined) throw error;
      // SFTP 3 lets a server refuse to rename over a file. The old one stays beside until the new one is in place.
      const aside = asideOf(to);
      await this.remove(aside);
      await rename(to, aside);
      try {
        await rename(from, to);
      } catch (failed) {
        await rename(aside, to);
        throw failed;
      }
      await this.remove(aside);
    }
  }

  async chmod(path: string, mode: number): Promise<void> {
    await this.#ask("write", path, (done) => this.#sftp.chmod(path, mode, done));
  }

  async remove(path: string): Promise<void> {
    await this.#unlessMissing(() => this.#ask("write", path, (done) => this.#sftp.unlink(path, done)));
  }

  /** False when the server does not know the extension. */
  async #extension(path: string, send: (done: (error?: Error | null) => void) => void): Promise<boolean> {
    let known = true;
    try {
      await this.#ask("write", path, (done) => {
        try {
          send(done);
        } catch {
          // ssh2 throws at once when the server has not announced it.
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
    intent: "read" | "write",
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

/** Where the old file waits on servers that cannot rename over it; found there again after a lost link. */
export function asideOf(path: string): string {
  return `${path}.pulumi-borgbase.old`;
}

class SftpRefusal extends SshError {
  constructor(
    readonly status: number,
    intent: "read" | "write",
    path: string,
    said: string,
    { address, target }: Session,
  ) {
    const hint = intent === "write" ? "; is the disk full or the quota used up? What was there before still is" : "";
    const text =
      status === PERMISSION_DENIED
        ? `${target.username} may not ${intent} ${path} on ${address}`
        : `cannot ${intent} ${path} on ${address} (it says: ${printable(said)})${status === NO_SUCH_FILE ? "" : hint}`;
    const kind = status === PERMISSION_DENIED ? "permission" : intent === "read" ? "session" : "write";
    super(kind, text, { phase: "session" });
  }
}

function isRefusal(error: unknown): boolean {
  return error instanceof SftpRefusal;
}
