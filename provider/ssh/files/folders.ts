import { posix } from "node:path";
import { SshError } from "../error";
import { describeOwnership, newFolderOwnership } from "./ownership";
import type { FileStatus, RemoteFiles } from "./remoteFiles";

/** Makes the error for a path that cannot be changed without damage. */
export type Refuse = (path: string, reason: string) => SshError;

/**
 * Makes a folder and the missing ones above it.
 * @param made gets the path of each folder that was made, the outermost first
 */
export async function ensureFolder(
  files: RemoteFiles,
  folder: string,
  made: string[],
  refuse: Refuse,
): Promise<FileStatus> {
  const missing: string[] = [];
  let parent: FileStatus | undefined;
  for (let path = folder; parent === undefined; path = posix.dirname(path)) {
    parent = await files.status(path, { follow: true });
    if (parent === undefined && (path === "." || path === "/")) parent = { type: "folder", mode: 0o700 };
    else if (parent === undefined) missing.unshift(path);
  }
  for (const path of missing) parent = await makeFolder(files, path, parent, made, refuse);
  return parent;
}

async function makeFolder(
  files: RemoteFiles,
  path: string,
  parent: FileStatus,
  made: string[],
  refuse: Refuse,
): Promise<FileStatus> {
  const wanted = newFolderOwnership(path, parent);
  try {
    await files.makeFolder(path, wanted);
    made.push(path);
  } catch (error) {
    // Another deployment may have made the folder meanwhile.
    const existing = await files.status(path, { follow: true });
    if (existing === undefined && (await files.status(path))?.type === "link") {
      throw refuse(path, "it is a symbolic link that leads nowhere; make its folder on the host first");
    }
    if (existing?.type !== "folder") throw error;
    return existing;
  }
  const actual = await files.status(path);
  if (actual && (wanted.uid === undefined || actual.uid === wanted.uid)) return actual;
  throw refuse(
    path,
    `a new folder needs ${describeOwnership(wanted)}, as the one above it, and gets ${actual ? describeOwnership(actual) : "nothing"}; make it on the host first`,
  );
}

/**
 * Refuses a folder behind a link of another owner: an account could otherwise make root write anywhere.
 * Links of root are trusted, and a relative path starts in the login's own home.
 */
export async function assertTrustedLinks(files: RemoteFiles, folder: string, refuse: Refuse): Promise<void> {
  if (!posix.isAbsolute(folder) || (await hasNoLinks(files, folder))) return;
  const paths: string[] = [];
  for (let path = folder; path !== "/"; path = posix.dirname(path)) paths.push(path);
  const statuses = await Promise.all(paths.map((path) => files.status(path)));
  for (const [index, link] of statuses.entries()) {
    const path = paths[index];
    if (path === undefined || link?.type !== "link" || link.uid === 0) continue;
    const linked = await files.status(path, { follow: true });
    if (linked === undefined || linked.uid === link.uid) continue;
    throw refuse(
      path,
      `it is a symbolic link of owner ${link.uid} to ${await files.realPath(path)} of owner ${linked.uid ?? "unknown"}; if that is right, give the path there as authorizedKeysPath`,
    );
  }
}

async function hasNoLinks(files: RemoteFiles, folder: string): Promise<boolean> {
  try {
    return (await files.realPath(folder)) === folder;
  } catch (error) {
    // A server may know no real path of a missing folder.
    if (error instanceof SshError) return false;
    throw error;
  }
}

/**
 * Removes folders that an edit made. A folder in use stays, with those above it.
 * @param isAlive whether the connection still stands
 */
export async function removeFolders(files: RemoteFiles, folders: string[], isAlive: () => boolean): Promise<void> {
  for (const folder of folders.toReversed()) {
    try {
      await files.removeFolder(folder);
    } catch (error) {
      if (error instanceof SshError && isAlive()) return;
      throw error;
    }
  }
}
