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
