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

/** A file of a restic repository: its `config`, or one named after its content. */
export type ResticFile = { type: "config" } | { type: ResticType; name: string };

/** Why a file was not saved; the message is for the client. */
export class Refused extends Error {
  constructor(
    readonly status: 400 | 403 | 404 | 413,
    message: string,
  ) {
    super(message);
  }
}

/** Bytes that uploads have reserved and not yet put into place, by repository. */
const uploading = new Map<string, number>();
const turns = new Map<string, Promise<unknown>>();
const swept = new Map<string, Promise<void>>();

/** To be called when a repository is gone, so that memory does not grow with each that ever was. */
export function forgetRepo(dir: string): void {
  for (const known of [uploading, turns, swept]) known.delete(dir);
}

/** Where a file lies: restic's own layout of a local folder, so that `restic -r DIR` reads it too. */
export function pathOf(repo: StorageRepo, file: ResticFile): string {
  if (file.type === "config") return join(repo.dir, "config");
  if (file.type === "data") return join(repo.dir, "data", file.name.slice(0, 2), file.name);
  return join(repo.dir, file.type, file.name);
}

/** Makes the folders of a repository; does nothing where they are. */
export async function createFolders(repo: StorageRepo): Promise<void> {
  const prefixes = Array.from({ length: 256 }, (_, i) => join("data", i.toString(16).padStart(2, "0")));
  for (const folder of [...TYPES, "tmp", ...prefixes]) {
    await mkdir(join(repo.dir, folder), { recursive: true, mode: 0o700 });
  }
}

/** Name and size in bytes of each file of a type; undefined for a repository that was never created. */
export async function list(repo: StorageRepo, type: ResticType): Promise<{ name: string; size: number }[] | undefined> {
  const root = join(repo.dir, type);
  try {
    const found = await readdir(root, { recursive: type === "data", withFileTypes: true });
    const files = found.filter((entry) => entry.isFile());
    const sized = files.map(async ({ name, parentPath }) => ({
      name,
      size: (await stat(join(parentPath, name))).size,
    }));
    // One that is deleted meanwhile is no longer listed.
    return (await Promise.allSettled(sized)).flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/**
 * Saves a file whole or not at all: it is written aside, checked against its name (the SHA-256 of its content), and linked
 * into place when it is safely on the disk. Nothing that exists is ever overwritten.
 *
 * @param declaredSize bytes, from Content-Length; undefined when the client does not say.
 * @throws {Refused} over quota, content that does not fit the name, a file that exists, a repository not created.
 */
export async function save(
  repo: StorageRepo,
  file: ResticFile,
  body: Readable,
  declaredSize: number | undefined,
): Promise<void> {
  if (await stat(pathOf(repo, file)).catch(() => undefined)) throw new Refused(403, "The file exists.");
  await sweep(repo.dir);
  const room = await reserve(repo, declaredSize);
  const draft = join(repo.dir, "tmp", randomUUID());
  try {
    const hash = createHash("sha256");
    let size = 0;
    await pipeline(
      body,
      async function* (chunks: AsyncIterable<Buffer>) {
        for await (const chunk of chunks) {
          size += chunk.length;
          if (size > room.bytes) throw overQuota(repo);
          hash.update(chunk);
          yield chunk;
        }
      },
      createWriteStream(draft, { flags: "wx", mode: 0o600, flush: true }),
    );
    if (file.type !== "config" && hash.digest("hex") !== file.name) {
      throw new Refused(400, "The content does not match its name, the SHA-256 of the content.");
    }
    await inTurn(repo.dir, async () => {
      await link(draft, pathOf(repo, file));
      room.release();
    });
    await syncFolder(join(pathOf(repo, file), ".."));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") throw new Refused(404, "There is no restic repository here yet: run restic init.");
    if (code === "EEXIST") throw new Refused(403, "The file exists.");
    throw error;
  } finally {
    room.release();
    await rm(draft, { force: true });
  }
}

/**
 * Room for one upload; uploads run side by side, so what others still write counts as used. A file is put into place in a
 * turn of its own, so that a measurement finds it either there or reserved.
 */
function reserve(repo: StorageRepo, size: number | undefined): Promise<{ bytes: number; release(): void }> {
  const { dir, quotaMb } = repo;
  if (quotaMb === null) return Promise.resolve({ bytes: Number.POSITIVE_INFINITY, release() {} });
  return inTurn(dir, async () => {
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

/** Does one thing after the other with a repository. */
function inTurn<T>(dir: string, action: () => Promise<T>): Promise<T> {
  const turn = (turns.get(dir) ?? Promise.resolve()).then(action);
  turns.set(
    dir,
    turn.catch(() => {}),
  );
  return turn;
}

function overQuota(repo: StorageRepo): Refused {
  return new Refused(413, `The quota of ${repo.quotaMb} MB is exceeded.`);
}

/** Clears away, once per process, what uploads left when an earlier process was killed. */
function sweep(dir: string): Promise<void> {
  const begun = swept.get(dir) ?? clear(join(dir, "tmp"));
  swept.set(dir, begun);
  return begun;
}

async function clear(folder: string): Promise<void> {
  const names = await readdir(folder).catch(() => []);
  await Promise.all(names.map((name) => rm(join(folder, name), { force: true })));
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r");
  await folder.sync().finally(() => folder.close());
}
