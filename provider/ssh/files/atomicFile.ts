import { randomBytes } from "node:crypto";
import { posix } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Session } from "../connection/session";
import { SshError } from "../error";
import { Lock } from "./lock";
import { describe, fileLike, folderLike, isLike, obstacle, tightened } from "./ownership";
import { plainPath } from "./paths";
import type { Extras, FileStatus, RemoteFile, RemoteFiles } from "./remoteFiles";
import { asideOf } from "./sftpFiles";

const ROUNDS = 8;
const EMPTY = Buffer.alloc(0);

/** What an edit found and made. */
export interface Edited {
  /** The bytes before the change that took effect. */
  before: Buffer;
  changed: boolean;
  /** Whether there was a file before. */
  existed: boolean;
  /** Folders that were made for it, the outermost first. */
  folders: string[];
}

/** The file that is rewritten, all links followed, and what is known of it beforehand. */
interface Place {
  path: string;
  folder: FileStatus;
  extras: Extras;
}

/** The `authorized_keys` of one account, changed as a whole or not at all. */
export class AccountFile {
  readonly #session: Session;
  readonly #files: RemoteFiles;
  readonly path: string;

  constructor(session: Session, files: RemoteFiles, path = ".ssh/authorized_keys") {
    this.#session = session;
    this.#files = files;
    this.path = plainPath(path);
  }

  /** Its bytes; empty when there is no such file. Changes nothing. */
  async read(): Promise<Buffer> {
    return (await this.#find())?.content ?? EMPTY;
  }

  /**
   * Replaces the file by what `change` makes of it. `change` may run several times: whoever else edits the file at the
   * same time, under the same lock or without one, loses nothing. Owner, group and mode stay; where they cannot, nothing
   * is written.
   * @param change must give the same bytes back when nothing is to be done
   * @param goes whether a file that is left empty goes
   * @throws SshError `conflict` when others change the file without end, `permission`, `write`, `session`, `timeout`
   */
  async edit(change: (content: Buffer) => Buffer, { goes = false } = {}): Promise<Edited> {
    const seen = await this.#find();
    const before = seen?.content ?? EMPTY;
    const existed = seen !== undefined;
    if (change(before).equals(before) && !(goes && existed && before.length === 0)) {
      return { before, changed: false, existed, folders: [] };
    }
    const path = await this.#follow(seen?.status);
    const folders: string[] = [];
    try {
      const [folder, extras] = await Promise.all([
        this.#prepareFolder(posix.dirname(path), folders),
        seen ? this.#files.extras(path, seen.status) : {},
      ]);
      const reason = obstacle(extras);
      if (reason !== undefined) throw this.#refused(path, reason);
      const result = await this.#locked(path, (lock) => this.#replace({ path, folder, extras }, lock, change, goes));
      return { ...result, changed: true, folders };
    } catch (error) {
      if (this.#session.alive) await this.removeFolders(folders).catch(() => {});
      throw error;
    }
  }

  /** Takes folders away that an edit made, as far as nobody uses them. */
  async removeFolders(folders: string[]): Promise<void> {
    for (const folder of folders.toReversed()) {
      try {
        await this.#files.removeFolder(folder);
      } catch (error) {
        if (error instanceof SshError && this.#session.alive) return;
        throw error;
      }
    }
  }

  /** Takes the right to write from others, where the login owns it: sshd trusts no file that they could have written. */
  async tighten(): Promise<void> {
    const paths = [this.path, posix.dirname(this.path)];
    const found = await Promise.all(paths.map((path) => this.#files.status(path, { follow: true })));
    if (!found.some((status) => status && status.mode & 0o022)) return;
    // Nothing names the login itself; the folder that it starts in is its own, or it is not root.
    const login = (await this.#files.status("."))?.uid;
    for (const [index, status] of found.entries()) {
      const mode = status && found[0] && tightened(status, login);
      if (mode !== undefined) await this.#files.chmod(paths[index] ?? this.path, mode);
    }
  }

  /** Leaves a mark beside the file while `work` runs: `hasMark` sees it only through an account with the very same file. */
  async withMark<T>(work: (token: string) => Promise<T>): Promise<T> {
    const token = randomBytes(9).toString("hex");
    const mark = await this.#markOf(token);
    await this.#files.create(mark, Buffer.from(token), { mode: 0o644 });
    try {
      return await work(token);
    } finally {
      if (this.#session.alive) await this.#files.remove(mark).catch(() => {});
    }
  }

  async hasMark(token: string): Promise<boolean> {
    return (await this.#files.read(await this.#markOf(token)))?.content.toString("latin1") === token;
  }

  async #markOf(token: string): Promise<string> {
    return `${await this.#follow(undefined)}.pulumi-borgbase.${token}`;
  }

  async #find(): Promise<RemoteFile | undefined> {
    return (await this.#files.read(this.path)) ?? (await this.#files.read(asideOf(this.path)));
  }

  async #replace(
    place: Place,
    lock: Lock,
    change: (content: Buffer) => Buffer,
    goes: boolean,
  ): Promise<{ before: Buffer; existed: boolean }> {
    const { path } = place;
    const temporary = lock.temporary;
    await this.#tightenFolder(place, lock);
    for (let round = 0; round < ROUNDS; round++) {
      const old = (await this.#files.read(path)) ?? (await this.#recover(path));
      const before = old?.content ?? EMPTY;
      const existed = old !== undefined;
      const after = change(before);
      if (goes && after.length === 0 && existed) {
        if (await this.#removeFile(path, temporary, lock, before)) return { before, existed };
        continue;
      }
      if (after.equals(before)) return { before, existed };
      let placed = false;
      try {
        await this.#write(place, lock, after, old);
        // The last of the three is the file: whoever changed it while the others were looked at is seen.
        const [written, , now] = await Promise.all([this.#files.read(temporary), lock.check(), this.#files.read(path)]);
        if (!written?.content.equals(after)) {
          const text = `${this.#session.address} did not keep what was written to ${temporary}; is the disk full?`;
          throw new SshError("write", text, { phase: "session" });
        }
        // Somebody without our lock was faster.
        if (!(now?.content ?? EMPTY).equals(before) || (now === undefined) === existed) continue;
        await this.#putInPlace(temporary, path);
        placed = true;
      } finally {
        if (!placed && this.#session.alive) await this.#files.remove(temporary).catch(() => {});
      }
      const result = (await this.#files.read(path))?.content;
      if (result?.equals(after) || (result && change(result).equals(result))) return { before, existed };
    }
    throw this.#conflict();
  }

  /** Writes the new content beside the file, with the owner and mode that it shall have, or leaves nothing. */
  async #write({ path, folder, extras }: Place, lock: Lock, content: Buffer, old: RemoteFile | undefined) {
    const wanted = fileLike(path, old?.status, folder, lock.login);
    const made = await this.#files.create(lock.temporary, content, wanted);
    if (made === undefined) throw this.#conflict();
    if (!isLike(made, wanted, old?.status)) {
      const login = this.#session.target.username;
      throw this.#refused(
        path,
        old
          ? `it has ${describe(old.status)}, and what ${login} writes there gets ${describe(made)}; log in as its owner or as root`
          : `a new file needs ${describe(wanted)}, as its folder, and what ${login} writes there gets ${describe(made)}; log in as that owner or as root`,
      );
    }
    if (extras.acl && !(await this.#files.copyAcl(path, lock.temporary))) {
      throw this.#refused(
        path,
        "it has an access control list, which cannot be given to a new file in this way; set useSftpMode: false where the host has a shell with getfacl and setfacl, or take the list off with setfacl -b",
      );
    }
  }

  async #putInPlace(from: string, to: string): Promise<void> {
    try {
      await this.#files.replace(from, to);
    } catch (error) {
      if (!(error instanceof SshError) || error.kind !== "write" || !(await this.#isMount(to))) throw error;
      throw this.#refused(
        to,
        "it is mounted by itself, as containers do with single files, so nothing can take its place; mount its folder instead",
      );
    }
  }

  /** A mounted file cannot be replaced; Linux lists what is mounted. */
  async #isMount(path: string): Promise<boolean> {
    try {
      const mounts = (await this.#files.read("/proc/self/mountinfo"))?.content.toString("latin1") ?? "";
      const real = await this.#files.realPath(path);
      // proc_pid_mountinfo(5): the fifth word is where, with blanks as octal escapes.
      return mounts.split("\n").some((line) => unescaped(line.split(" ")[4] ?? "") === real);
    } catch (error) {
      if (error instanceof SshError && this.#session.alive) return false;
      throw error;
    }
  }

  /** Moved away first, so that what somebody writes into it meanwhile is not lost. */
  async #removeFile(path: string, away: string, lock: Lock, expected: Buffer): Promise<boolean> {
    await lock.check();
    await this.#files.replace(path, away);
    if ((await this.#files.read(away))?.content.equals(expected)) {
      await this.#files.remove(away);
      return true;
    }
    await this.#files.replace(away, path);
    return false;
  }

  /** A link was lost while a server that cannot rename over a file had the old one put aside. */
  async #recover(path: string): Promise<RemoteFile | undefined> {
    const aside = asideOf(path);
    const old = await this.#files.read(aside);
    if (old !== undefined) await this.#files.replace(aside, path);
    return old;
  }

  #conflict(): SshError {
    const text = `others keep changing ${this.path} of ${this.#session.target.username} on ${this.#session.address}; try again`;
    return new SshError("conflict", text, { phase: "session" });
  }

  #refused(path: string, reason: string): SshError {
    return new SshError("write", `${path} on ${this.#session.address} is not changed: ${reason}`, { phase: "session" });
  }

  async #tightenFolder({ path, folder }: Place, lock: Lock): Promise<void> {
    const mode = folder.type === "folder" ? tightened(folder, lock.login) : undefined;
    if (mode !== undefined) await this.#files.chmod(posix.dirname(path), mode);
  }

  /** The folder, made where it is missing, with those above it; `made` gets their names. */
  async #prepareFolder(folder: string, made: string[]): Promise<FileStatus> {
    const missing: string[] = [];
    let above: FileStatus | undefined;
    for (let each = folder; above === undefined; each = posix.dirname(each)) {
      above = await this.#files.status(each, { follow: true });
      if (above === undefined && (each === "." || each === "/")) above = { type: "folder", mode: 0o700 };
      else if (above === undefined) missing.unshift(each);
    }
    for (const each of missing) above = await this.#makeFolder(each, above, made);
    return above;
  }

  async #makeFolder(path: string, above: FileStatus, made: string[]): Promise<FileStatus> {
    const wanted = folderLike(path, above);
    try {
      await this.#files.makeFolder(path, wanted);
      made.push(path);
    } catch (error) {
      // Another deployment may have made it meanwhile.
      const there = await this.#files.status(path, { follow: true });
      if (there?.type !== "folder") throw error;
      return there;
    }
    const has = await this.#files.status(path);
    if (has && (wanted.uid === undefined || has.uid === wanted.uid)) return has;
    throw this.#refused(
      path,
      `a new folder needs ${describe(wanted)}, as the one above it, and gets ${has ? describe(has) : "nothing"}; make it on the host first`,
    );
  }

  /** Renaming over a symbolic link would replace the link: the file that it leads to is edited instead. */
  async #follow(target: FileStatus | undefined): Promise<string> {
    const link = await this.#files.status(this.path);
    if (link?.type !== "link") return this.path;
    const path = await this.#files.realPath(this.path);
    const there = target ?? (await this.#files.status(posix.dirname(path), { follow: true }));
    // Else an account could have root rewrite any file for it.
    if (link.uid !== there?.uid && link.uid !== 0) {
      throw this.#refused(
        this.path,
        `it is a symbolic link of owner ${link.uid} to ${path} of owner ${there?.uid ?? "unknown"}; if that is right, give that path as authorizedKeysPath`,
      );
    }
    return path;
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

function unescaped(word: string): string {
  return word.replace(/\\([0-7]{3})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 8)));
}
