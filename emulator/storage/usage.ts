import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import type { StorageRepo, Usage } from "./types";

/** Locks and running uploads are no content. */
const VOLATILE = new Set(["lock.roster", "lock.exclusive", "locks", "tmp"]);

/** Bytes below a folder, and the newest change of a file in ms since 1970. 0 and null without any file. */
export async function measure(dir: string): Promise<{ bytes: number; newest: number | null }> {
  const total = { bytes: 0, newest: null as number | null };
  const entries = await readdir(dir, { withFileTypes: true }).catch(ifAbsent([]));
  for (const entry of entries) {
    if (VOLATILE.has(entry.name)) continue;
    const path = join(dir, entry.name);
    if (entry.isDirectory()) {
      const below = await measure(path);
      total.bytes += below.bytes;
      if (below.newest !== null) total.newest = Math.max(total.newest ?? 0, below.newest);
      continue;
    }
    const file = await stat(path).catch(ifAbsent(undefined));
    if (!file) continue;
    total.bytes += file.size;
    total.newest = Math.max(total.newest ?? 0, file.mtimeMs);
  }
  return total;
}

/** Handles files that vanish after a listing, as borg and restic keep working meanwhile. */
function ifAbsent<T>(fallback: T): (error: NodeJS.ErrnoException) => T {
  return (error) => {
    if (error.code === "ENOENT") return fallback;
    throw error;
  };
}

/** Used space of a repository, read from disk at each call. Reading a backup does not change it. */
export async function usage(repo: StorageRepo): Promise<Usage> {
  const { bytes, newest } = await measure(repo.dir);
  return { currentUsageMb: bytes / 1e6, lastModified: newest === null ? null : new Date(newest) };
}
