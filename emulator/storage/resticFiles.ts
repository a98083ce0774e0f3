import { createHash, randomUUID } from "node:crypto";
import { createWriteStream } from "node:fs";
import { link, mkdir, open, readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { StorageRepo } from "./types";
import { measure } from "./usage";

export const TYPES = ["data", "index", "keys", "locks", "snapshots"] as const;
export type ResticType = (typeof TYPES)[number];

/** A file of a restic repository: its `config`, or a file named after the hash of its content. */
export type ResticFile = { type: "config" } | { type: ResticType; name: string };

/** A rejected upload; the message is for the client. */
export class UploadError extends Error {
  constructor(
    readonly status: 400 | 403 | 404 | 413,
    message: string,
  ) {
    super(message);
  }
}

/** Bytes reserved by running uploads, by repository. */
const uploading = new Map<string, number>();
/** The last exclusive action, by repository. */
const queues = new Map<string, Promise<unknown>>();
/** The cleanup of interrupted uploads, by repository. */
const cleanups = new Map<string, Promise<void>>();

/** Must be called after a repository is removed, so that memory does not grow. */
export function forgetRepo(dir: string): void {
  for (const map of [uploading, queues, cleanups]) map.delete(dir);
}

/** Path of a file, in restic's layout of a local folder: `restic -r DIR` can read it too. */
export function pathOf(repo: StorageRepo, file: ResticFile): string {
  if (file.type === "config") return join(repo.dir, "config");
  if (file.type === "data") return join(repo.dir, "data", file.name.slice(0, 2), file.name);
  return join(repo.dir, file.type, file.name);
}

/** Creates the missing folders of a repository. */
export async function createFolders(repo: StorageRepo): Promise<void> {
  const prefixes = Array.from({ length: 256 }, (_, i) => join("data", i.toString(16).padStart(2, "0")));
  for (const folder of [...TYPES, "tmp", ...prefixes]) {
    await mkdir(join(repo.dir, folder), { recursive: true, mode: 0o700 });
  }
}

/** Name and size in bytes of each file of a type; undefined before `restic init`. */
export async function list(repo: StorageRepo, type: ResticType): Promise<{ name: string; size: number }[] | undefined> {
  const root = join(repo.dir, type);
  try {
    const found = await readdir(root, { recursive: type === "data", withFileTypes: true });
    const files = found.filter((entry) => entry.isFile());
    const sized = files.map(async ({ name, parentPath }) => ({
      name,
      size: (await stat(join(parentPath, name))).size,
    }));
    // A file that was deleted meanwhile is omitted.
    return (await Promise.allSettled(sized)).flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/**
 * Saves a file atomically. A draft is written and checked against its name, the SHA-256 of its content. Then it is synced
 * and linked to its path. An existing file is never overwritten.
 *
 * @param declaredSize bytes, from Content-Length; undefined without this header.
 * @throws {UploadError} for an exceeded quota, a wrong name, an existing file, or a missing repository.
 */
export async function save(
  repo: StorageRepo,
  file: ResticFile,
  body: Readable,
  declaredSize: number | undefined,
): Promise<void> {
  if (await stat(pathOf(repo, file)).catch(() => undefined)) throw new UploadError(403, "The file exists.");
  await removeDrafts(repo.dir);
  const reservation = await reserve(repo, declaredSize);
  const draft = join(repo.dir, "tmp", randomUUID());
  try {
    const hash = createHash("sha256");
    let size = 0;
    await pipeline(
      body,
      async function* (chunks: AsyncIterable<Buffer>) {
        for await (const chunk of chunks) {
          size += chunk.length;
          if (size > reservation.bytes) throw overQuota(repo);
          hash.update(chunk);
          yield chunk;
        }
      },
      createWriteStream(draft, { flags: "wx", mode: 0o600, flush: true }),
    );
    if (file.type !== "config" && hash.digest("hex") !== file.name) {
      throw new UploadError(400, "The content does not match its name, the SHA-256 of the content.");
    }
    await runExclusive(repo.dir, async () => {
      await link(draft, pathOf(repo, file));
      reservation.release();
    });
    await syncFolder(join(pathOf(repo, file), ".."));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") throw new UploadError(404, "There is no restic repository here yet: run restic init.");
    if (code === "EEXIST") throw new UploadError(403, "The file exists.");
    throw error;
  } finally {
    reservation.release();
    await rm(draft, { force: true });
  }
}

/**
 * Reserves space for one upload. Uploads run side by side, so the space of running uploads counts as used. A file is linked
 * exclusively, so that a measurement counts it once: as stored or as reserved.
 */
function reserve(repo: StorageRepo, size: number | undefined): Promise<{ bytes: number; release(): void }> {
  const { dir, quotaMb } = repo;
  if (quotaMb === null) return Promise.resolve({ bytes: Number.POSITIVE_INFINITY, release() {} });
  return runExclusive(dir, async () => {
    const used = (await measure(dir)).bytes;
    const free = quotaMb * 1e6 - used - (uploading.get(dir) ?? 0);
    const bytes = size ?? free;
    if (bytes > free || free <= 0) throw overQuota(repo);
    let reserved = bytes;
    uploading.set(dir, (uploading.get(dir) ?? 0) + reserved);
    return {
      bytes,
      release() {
        uploading.set(dir, (uploading.get(dir) ?? 0) - reserved);
        reserved = 0;
      },
    };
  });
}

/** Runs the actions on a repository one after the other. */
function runExclusive<T>(dir: string, action: () => Promise<T>): Promise<T> {
  const turn = (queues.get(dir) ?? Promise.resolve()).then(action);
  queues.set(
    dir,
    turn.catch(() => {}),
  );
  return turn;
}

function overQuota(repo: StorageRepo): UploadError {
  return new UploadError(413, `The quota of ${repo.quotaMb} MB is exceeded.`);
}

/** Deletes, once per process, the drafts of uploads that an earlier process left when it was killed. */
function removeDrafts(dir: string): Promise<void> {
  const begun = cleanups.get(dir) ?? removeFiles(join(dir, "tmp"));
  cleanups.set(dir, begun);
  return begun;
}

async function removeFiles(folder: string): Promise<void> {
  const names = await readdir(folder).catch(() => []);
  await Promise.all(names.map((name) => rm(join(folder, name), { force: true })));
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r");
  await folder.sync().finally(() => folder.close());
}
