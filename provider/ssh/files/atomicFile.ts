import { randomBytes } from "node:crypto";
import { posix } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Session } from "../connection/session";
import { SshError } from "../error";
import { assertTrustedLinks, ensureFolder, removeFolders } from "./folders";
import { Lock } from "./lock";
import { isMountPoint } from "./mounts";
import {
  describeOwnership,
  fixedMode,
  hasOwnership,
  newFileOwnership,
  rewriteProblem,
  WRITABLE_BY_OTHERS,
} from "./ownership";
import { plainPath } from "./paths";
import type { ExtraAttributes, FileStatus, RemoteFile, RemoteFiles } from "./remoteFiles";
import { backupPathOf, temporaryPathOf } from "./sidecars";

const ROUNDS = 8;
const EMPTY = Buffer.alloc(0);

/** Result of an edit. */
export interface Edited {
  /** The content before the change. */
  before: Buffer;
  changed: boolean;
  /** Whether the file existed before. */
  existed: boolean;
  /** Folders that the edit made, the outermost first. */
  folders: string[];
}

/** The file to rewrite: every link followed, with attributes read before the lock. */
interface RewriteTarget {
  path: string;
  folder: FileStatus;
  extras: ExtraAttributes;
}

/** One file of an account, changed as a whole or not at all. */
export class AtomicFile {
  readonly #session: Session;
  readonly #files: RemoteFiles;
  readonly path: string;

  constructor(session: Session, files: RemoteFiles, path: string) {
    this.#session = session;
    this.#files = files;
    this.path = plainPath(path);
  }

  /** The content; empty for a missing file. Changes nothing. */
  async read(): Promise<Buffer> {
    return (await this.#readOrBackup())?.content ?? EMPTY;
  }

  /**
   * Replaces the content by the result of `change`. Owner, group and mode stay; otherwise nothing is written.
   * `change` may run several times: concurrent edits, with this lock or without, lose nothing.
   * @param change returns equal bytes for "no change"
   * @param removeEmpty whether to remove the file when it ends up empty
   * @throws SshError `conflict` for endless concurrent changes, `permission`, `write`, `session`, `timeout`
   */
  async edit(change: (content: Buffer) => Buffer, { removeEmpty = false } = {}): Promise<Edited> {
    const found = await this.#readOrBackup();
    const before = found?.content ?? EMPTY;
    const existed = found !== undefined;
    if (change(before).equals(before) && !(removeEmpty && existed && before.length === 0)) {
      return { before, changed: false, existed, folders: [] };
    }
    const refuse = (where: string, reason: string) => this.#refusal(where, reason);
    const [path] = await Promise.all([
      this.#followLink(found?.status),
      assertTrustedLinks(this.#files, posix.dirname(this.path), refuse),
    ]);
    // A link to /dev/null closes an account, and a rename would replace that device.
    if (found && found.status.type !== "file") {
      throw refuse(
        path,
        "it is no regular file but a device, a pipe or a socket; name another file as authorizedKeysPath",
      );
    }
    const folders: string[] = [];
    try {
      const [folder, extras] = await Promise.all([
        ensureFolder(this.#files, posix.dirname(path), folders, refuse),
        found ? this.#files.extraAttributes(path, found.status) : {},
      ]);
      const problem = rewriteProblem(extras);
      if (problem !== undefined) throw this.#refusal(path, problem);
      const target = { path, folder, extras };
      const result = await this.#locked(path, (lock) => this.#rewrite(target, lock, change, removeEmpty));
      return { ...result, changed: true, folders };
    } catch (error) {
      if (this.#session.alive) await this.removeFolders(folders).catch(() => {});
      throw error;
    }
  }

  /** Removes the folders that an edit made, as far as they are unused. */
  removeFolders(folders: string[]): Promise<void> {
    return removeFolders(this.#files, folders, () => this.#session.alive);
  }

  /** Removes write access of others from the file and its folder, as far as the login owns them. */
  async fixPermissions(): Promise<void> {
    const paths = [this.path, posix.dirname(this.path)];
    const found = await Promise.all(paths.map((path) => this.#files.status(path, { follow: true })));
    if (!found.some((status) => status && status.mode & WRITABLE_BY_OTHERS)) return;
    // No request reveals the login's uid. The owner of its start folder is the login, unless the login is root.
    const login = (await this.#files.status("."))?.uid;
    for (const [index, status] of found.entries()) {
      const mode = status && found[0] && fixedMode(status, login);
      if (mode !== undefined) await this.#files.chmod(paths[index] ?? this.path, mode);
    }
  }

  /** Runs `work` with a marker beside the file: {@link hasMarker} finds it through any account of the same file. */
  async withMarker<T>(work: (token: string) => Promise<T>): Promise<T> {
    const token = randomBytes(9).toString("hex");
    const marker = await this.#markerPath(token);
    await this.#files.create(marker, Buffer.from(token), { mode: 0o644 });
    try {
      return await work(token);
    } finally {
      if (this.#session.alive) await this.#files.remove(marker).catch(() => {});
    }
  }

  async hasMarker(token: string): Promise<boolean> {
    return (await this.#files.read(await this.#markerPath(token)))?.content.toString("latin1") === token;
  }

  async #markerPath(token: string): Promise<string> {
    return temporaryPathOf(await this.#followLink(undefined), token);
  }

  async #readOrBackup(): Promise<RemoteFile | undefined> {
    return (await this.#files.read(this.path)) ?? (await this.#files.read(backupPathOf(this.path)));
  }

  async #rewrite(
    target: RewriteTarget,
    lock: Lock,
    change: (content: Buffer) => Buffer,
    removeEmpty: boolean,
  ): Promise<{ before: Buffer; existed: boolean }> {
    const { path } = target;
    const { temporary } = lock;
    await this.#fixFolder(target, lock);
    for (let round = 0; round < ROUNDS; round++) {
      const old = (await this.#files.read(path)) ?? (await this.#restoreBackup(path));
      const before = old?.content ?? EMPTY;
      const existed = old !== undefined;
      const after = change(before);
      if (removeEmpty && after.length === 0 && existed) {
        if (await this.#removeFile(path, temporary, lock, before)) return { before, existed };
        continue;
      }
      if (after.equals(before)) return { before, existed };
      let renamed = false;
      try {
        await this.#writeTemporary(target, lock, after, old);
        // The file is read last, so that a change during the other two requests is seen.
        const [written, , now] = await Promise.all([this.#files.read(temporary), lock.check(), this.#files.read(path)]);
        if (!written?.content.equals(after)) {
          const text = `${this.#session.address} did not keep what was written to ${temporary}; is the disk full?`;
          throw new SshError("write", text, { phase: "session" });
        }
        // An editor without this lock changed the file: start again.
        if (!(now?.content ?? EMPTY).equals(before) || (now === undefined) === existed) continue;
        await this.#renameOver(temporary, path);
        renamed = true;
      } finally {
        if (!renamed && this.#session.alive) await this.#files.remove(temporary).catch(() => {});
      }
      const result = (await this.#files.read(path))?.content;
      if (result?.equals(after) || (result && change(result).equals(result))) return { before, existed };
    }
    throw this.#conflict();
  }

  /** Writes the new content beside the file with its owner and mode, or leaves nothing. */
  async #writeTemporary(
    { path, folder, extras }: RewriteTarget,
    lock: Lock,
    content: Buffer,
    old: RemoteFile | undefined,
  ): Promise<void> {
    const wanted = newFileOwnership(path, old?.status, folder, lock.login);
    const made = await this.#files.create(lock.temporary, content, wanted);
    if (made === undefined) throw this.#conflict();
    if (!hasOwnership(made, wanted, old?.status)) {
      const login = this.#session.target.username;
      throw this.#refusal(
        path,
        old
          ? `it has ${describeOwnership(old.status)}, and what ${login} writes there gets ${describeOwnership(made)}; log in as its owner or as root`
          : `a new file needs ${describeOwnership(wanted)}, as its folder, and what ${login} writes there gets ${describeOwnership(made)}; log in as that owner or as root`,
      );
    }
    if (extras.acl && !(await this.#files.copyAcl(path, lock.temporary))) {
      throw this.#refusal(
        path,
        "it has an access control list, which cannot be given to a new file in this way; set useSftpMode: false where the host has a shell with getfacl and setfacl, or take the list off with setfacl -b",
      );
    }
  }

  async #renameOver(from: string, to: string): Promise<void> {
    try {
      await this.#files.replace(from, to);
    } catch (error) {
      if (!(error instanceof SshError) || error.kind !== "write" || !(await this.#isMountPoint(to))) throw error;
      throw this.#refusal(
        to,
        "it is mounted by itself, as containers do with single files, so nothing can take its place; mount its folder instead",
      );
    }
  }

  async #isMountPoint(path: string): Promise<boolean> {
    try {
      return await isMountPoint(this.#files, path);
    } catch (error) {
      if (error instanceof SshError && this.#session.alive) return false;
      throw error;
    }
  }

  /** Renames the file before its removal, so that a concurrent write to it is noticed and kept. */
  async #removeFile(path: string, temporary: string, lock: Lock, expected: Buffer): Promise<boolean> {
    await lock.check();
    await this.#files.replace(path, temporary);
    if ((await this.#files.read(temporary))?.content.equals(expected)) {
      await this.#files.remove(temporary);
      return true;
    }
    await this.#files.replace(temporary, path);
    return false;
  }

  /** Restores the backup that a lost connection left on a server that cannot rename over a file. */
  async #restoreBackup(path: string): Promise<RemoteFile | undefined> {
    const backupPath = backupPathOf(path);
    const backup = await this.#files.read(backupPath);
    if (backup !== undefined) await this.#files.replace(backupPath, path);
    return backup;
  }

  #conflict(): SshError {
    const text = `others keep changing ${this.path} of ${this.#session.target.username} on ${this.#session.address}; try again`;
    return new SshError("conflict", text, { phase: "session" });
  }

  #refusal(path: string, reason: string): SshError {
    return new SshError("write", `${path} on ${this.#session.address} is not changed: ${reason}`, { phase: "session" });
  }

  async #fixFolder({ path, folder }: RewriteTarget, lock: Lock): Promise<void> {
    const mode = folder.type === "folder" ? fixedMode(folder, lock.login) : undefined;
    if (mode !== undefined) await this.#files.chmod(posix.dirname(path), mode);
  }

  /** The path behind a symbolic link: a rename over the link would replace the link itself. */
  async #followLink(found: FileStatus | undefined): Promise<string> {
    const link = await this.#files.status(this.path);
    if (link?.type !== "link") return this.path;
    const path = await this.#files.realPath(this.path);
    const linked = found ?? (await this.#files.status(posix.dirname(path), { follow: true }));
    // An account could otherwise make root rewrite any file.
    if (link.uid !== linked?.uid && link.uid !== 0) {
      throw this.#refusal(
        this.path,
        `it is a symbolic link of owner ${link.uid} to ${path} of owner ${linked?.uid ?? "unknown"}; if that is right, give that path as authorizedKeysPath`,
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
