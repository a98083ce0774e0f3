import { open, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import type { StorageRepo } from "./types";

/** Encryption modes, in the words of `borg init -e`, by the first byte of a stored chunk (borg's crypto/key.py). */
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

/** A segment begins with 8 magic bytes; each entry begins with CRC and size (4 bytes each) and a tag (borg's repository.py). */
const MAGIC = "BORG_SEG";
const HEADER = 9;
const PUT = 0;
/** Id of the manifest, which exists in every repository. */
const MANIFEST = Buffer.alloc(32);

/** Limit of inspected entries: the manifest is the first entry of a new repository, and among the last after a change. */
const MAX_ENTRIES = 20_000;

/** The encryption mode of a borg repository, read from its data; "none" for an uninitialised one or another format. */
export async function encryption(repo: StorageRepo): Promise<string> {
  if (repo.format !== "borg1") return "none";
  const data = join(repo.dir, "repo", "data");
  const names = await readdir(data, { recursive: true }).catch(() => []);
  const segments = names.filter((name) => /^\d+[\\/]\d+$/.test(name)).map((name) => join(data, name));
  const numbered = segments.sort((one, other) => numberOf(one) - numberOf(other));
  const budget = { entries: MAX_ENTRIES };
  for (const segment of [...numbered.slice(0, 1), ...numbered.slice(1).reverse()]) {
    // A compaction may delete the segment meanwhile.
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
