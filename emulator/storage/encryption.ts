import { open, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import type { StorageRepo } from "./types";

/** The first byte of what borg stores is the type of its key (borg's crypto/key.py); names as in `borg init -e`. */
const MODES = [
  "keyfile",
  "keyfile",
  "none",
  "repokey",
  "keyfile-blake2",
  "repokey-blake2",
  "authenticated-blake2",
  "authenticated",
];

/** Segments begin with a magic of 8 bytes; an entry with CRC and size of 4 bytes each and a tag (borg's repository.py). */
const MAGIC = "BORG_SEG";
const HEADER = 9;
const PUT = 0;
/** The id of the manifest, which every repository has. */
const MANIFEST = Buffer.alloc(32);

/** Entries to look at: the manifest is the first of a new repository, and among the last after each change. */
const MOST_ENTRIES = 20_000;

/** How a borg repository is encrypted, read from its data; "none" for one that was never initialised or is of another kind. */
export async function encryption(repo: StorageRepo): Promise<string> {
  if (repo.format !== "borg1") return "none";
  const data = join(repo.dir, "repo", "data");
  const names = await readdir(data, { recursive: true }).catch(() => []);
  const segments = names.filter((name) => /^\d+[\\/]\d+$/.test(name)).map((name) => join(data, name));
  const numbered = segments.sort((one, other) => numberOf(one) - numberOf(other));
  const budget = { entries: MOST_ENTRIES };
  for (const segment of [...numbered.slice(0, 1), ...numbered.slice(1).reverse()]) {
    // A compaction may take it away meanwhile.
    const type = await manifestType(segment, budget).catch(() => undefined);
    if (type !== undefined) return MODES[type] ?? "unknown";
    if (budget.entries <= 0) break;
  }
  return "none";
}

function numberOf(segment: string): number {
  return Number(/\d+$/.exec(segment)?.[0]);
}

async function manifestType(segment: string, budget: { entries: number }): Promise<number | undefined> {
  const { size } = await stat(segment);
  const file = await open(segment, "r");
  try {
    const entry = Buffer.alloc(HEADER + MANIFEST.length + 1);
    await file.read(entry, 0, MAGIC.length, 0);
    if (entry.toString("latin1", 0, MAGIC.length) !== MAGIC) return undefined;
    for (let at = MAGIC.length; at < size && budget.entries-- > 0; ) {
      const { bytesRead } = await file.read(entry, 0, entry.length, at);
      const length = entry.readUInt32LE(4);
      const isPut = bytesRead === entry.length && entry[8] === PUT;
      if (isPut && entry.subarray(HEADER, HEADER + MANIFEST.length).equals(MANIFEST)) return entry.at(-1);
      // Damaged: no entry is shorter than its header.
      if (bytesRead < HEADER || length < HEADER) return undefined;
      at += length;
    }
    return undefined;
  } finally {
    await file.close();
  }
}
