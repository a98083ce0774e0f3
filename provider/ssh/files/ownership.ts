import { posix } from "node:path";
import type { ExtraAttributes, FileStatus, Ownership } from "./remoteFiles";

/** Write access of group and others. sshd trusts no file that others may write (sshd_config(5), StrictModes). */
export const WRITABLE_BY_OTHERS = 0o022;
/** The sticky bit marks a folder for everybody, where each user removes only their own files. */
const STICKY = 0o1000;

/**
 * Owner and mode for a rewritten or new file. An existing file keeps both.
 * A file of the login loses write access of others.
 * @param login the uid of files that the login creates; undefined when the server reports none
 */
export function newFileOwnership(
  path: string,
  old: Ownership | undefined,
  folder: Ownership,
  login: number | undefined,
): Ownership {
  if (old) return { uid: old.uid, gid: old.gid, mode: old.uid === login ? old.mode & ~WRITABLE_BY_OTHERS : old.mode };
  return { mode: 0o600 | (readAccessBelow(path, folder) & 0o044), ...ownerBelow(folder, login) };
}

/** Owner and mode for a new folder. */
export function newFolderOwnership(path: string, parent: Ownership): Ownership {
  return { mode: 0o700 | readAccessBelow(path, parent), ...ownerBelow(parent, undefined) };
}

/** The owner of new entries in a folder: its own owner, unless that is root or the login. */
function ownerBelow({ uid, gid }: Ownership, login: number | undefined): { uid?: number; gid?: number } {
  return uid === undefined || gid === undefined || uid === 0 || uid === login ? {} : { uid, gid };
}

/** Central key folders belong to root, and sshd reads them as the account that logs in. */
function readAccessBelow(path: string, folder: Ownership): number {
  const central = posix.isAbsolute(path) && folder.uid === 0;
  return central ? (folder.mode & 0o011) * 5 : 0;
}

/** Whether a file got the wanted owner and mode. File systems without modes give every file the same mode. */
export function hasOwnership(actual: Ownership, wanted: Ownership, old: Ownership | undefined): boolean {
  const owned = wanted.uid === undefined || (actual.uid === wanted.uid && actual.gid === wanted.gid);
  return owned && (actual.mode === wanted.mode || actual.mode === old?.mode);
}

/** The mode without write access of others. Undefined when nothing changes, or the login may not change it. */
export function fixedMode(status: FileStatus, login: number | undefined): number | undefined {
  if (status.uid !== login || (status.mode & WRITABLE_BY_OTHERS) === 0 || (status.mode & STICKY) !== 0)
    return undefined;
  return status.mode & ~WRITABLE_BY_OTHERS;
}

/** The reason why a rewrite of a file would lose data; undefined when it would not. */
export function rewriteProblem({ links = 1 }: ExtraAttributes): string | undefined {
  if (links <= 1) return undefined;
  return `it has ${links} names (hard links), and a rewrite would leave the others with the old content; make it a file of its own, or a symbolic link`;
}

/** Owner and mode for messages. */
export function describeOwnership({ uid, gid, mode }: Ownership): string {
  const bits = describeMode({ mode });
  return uid === undefined ? `mode ${bits}` : `owner ${uid}, group ${gid}, mode ${bits}`;
}

/** Mode in octal digits, for messages. */
export function describeMode({ mode }: Ownership): string {
  return mode.toString(8).padStart(4, "0");
}
