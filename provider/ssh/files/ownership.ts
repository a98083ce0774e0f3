import { posix } from "node:path";
import type { Extras, FileStatus, Ownership } from "./remoteFiles";

/** No sshd trusts a file that these may write (sshd_config(5), StrictModes). */
const OTHERS_WRITE = 0o022;
/** In such a folder everybody removes nothing but their own files; it is meant for all. */
const STICKY = 0o1000;

/**
 * What a rewritten or new file shall be like. An existing one keeps owner, group and mode, but for write access of
 * others where it belongs to the login.
 * @param login the owner of the login's new files; undefined where the server names none
 */
export function fileLike(
  path: string,
  old: Ownership | undefined,
  folder: Ownership,
  login: number | undefined,
): Ownership {
  if (old) return { uid: old.uid, gid: old.gid, mode: old.uid === login ? old.mode & ~OTHERS_WRITE : old.mode };
  return { mode: 0o600 | (readableBelow(path, folder) & 0o044), ...ownerBelow(folder, login) };
}

/** What a new folder shall be like, in the folder above it. */
export function folderLike(path: string, above: Ownership): Ownership {
  return { mode: 0o700 | readableBelow(path, above), ...ownerBelow(above, undefined) };
}

/** A home that is another's keeps to its owner; root's folders are for everybody who may be there. */
function ownerBelow({ uid, gid }: Ownership, login: number | undefined): { uid?: number; gid?: number } {
  return uid === undefined || gid === undefined || uid === 0 || uid === login ? {} : { uid, gid };
}

/** Central folders of keys belong to root, and sshd reads them as the account that logs in. */
function readableBelow(path: string, folder: Ownership): number {
  const central = posix.isAbsolute(path) && folder.uid === 0;
  return central ? (folder.mode & 0o011) * 5 : 0;
}

/** Whether a file has become what it shall be. Disks that know no modes give each file the same. */
export function isLike(has: Ownership, wanted: Ownership, old: Ownership | undefined): boolean {
  const owned = wanted.uid === undefined || (has.uid === wanted.uid && has.gid === wanted.gid);
  return owned && (has.mode === wanted.mode || has.mode === old?.mode);
}

/** The mode without write access of others; undefined where that is not the login's to take. */
export function tightened(status: FileStatus, login: number | undefined): number | undefined {
  if (status.uid !== login || (status.mode & OTHERS_WRITE) === 0 || (status.mode & STICKY) !== 0) return undefined;
  return status.mode & ~OTHERS_WRITE;
}

/** Why a file cannot be rewritten without losing something; undefined when it can. */
export function obstacle(extras: Extras): string | undefined {
  if ((extras.links ?? 1) > 1) {
    return `it has ${extras.links} names (hard links), and a rewrite would leave the others with the old content; make it a file of its own, or a symbolic link`;
  }
  return undefined;
}

/** For messages. */
export function describe({ uid, gid, mode }: Ownership): string {
  const bits = mode.toString(8).padStart(4, "0");
  return uid === undefined ? `mode ${bits}` : `owner ${uid}, group ${gid}, mode ${bits}`;
}
