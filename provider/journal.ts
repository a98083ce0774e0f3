import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

/** An addition at the remote that the engine's state may not know of. */
export interface Addition {
  /** The resource it is for: project, stack and name. */
  origin: string;
  /** Type of the resource. */
  kind: string;
  /** What was asked for. Holds no secret. */
  args: object;
  /** Ids that were there before and could be mistaken for it. */
  before: string[];
  /** What it became; absent while no answer has come. */
  id?: string;
}

/**
 * Remembers additions on this machine until the engine has shown that its state knows them: between the remote's answer
 * and the engine's checkpoint a killed process would otherwise leave an object that nobody knows, and the next run would
 * make a second one. One small file per addition, in `$PULUMI_HOME/borgbase` (default `~/.pulumi/borgbase`).
 * A machine where it cannot write works without that safety.
 */
export class Journal {
  readonly #folder: string;
  #entries: Map<string, Addition> | undefined;

  /** @param account what tells accounts apart: additions at one address are no business of another's */
  constructor(account: string, home = process.env.PULUMI_HOME || join(homedir(), ".pulumi")) {
    this.#folder = join(home, "borgbase", digest(account));
  }

  find(kind: string, origin: string): Addition | undefined {
    return this.#load().get(keyOf(kind, origin));
  }

  write(addition: Addition): void {
    const key = keyOf(addition.kind, addition.origin);
    this.#load().set(key, addition);
    try {
      mkdirSync(this.#folder, { recursive: true });
      const path = join(this.#folder, key);
      // By way of a rename: a process killed here leaves the old entry or the new one, never half of one.
      writeFileSync(`${path}.new`, JSON.stringify(addition));
      renameSync(`${path}.new`, path);
    } catch {}
  }

  /** As {@link settle}, for a process that has seen the engine save the state and knows nothing else of the journal. */
  confirm(kind: string, origin: string): void {
    rmSync(join(this.#folder, keyOf(kind, origin)), { force: true });
  }

  /** The object is what became of a known addition: whatever else still waits for an answer, it is not that. */
  exclude(kind: string, id: string): void {
    for (const addition of this.#load().values()) {
      if (addition.kind === kind && addition.id === undefined) {
        this.write({ ...addition, before: [...addition.before, id] });
      }
    }
  }

  /** Nothing was added, or the state knows it. */
  settle(kind: string, origin: string): void {
    const key = keyOf(kind, origin);
    if (this.#load().delete(key)) rmSync(join(this.#folder, key), { force: true });
  }

  /** The state knows the object, or it is deleted. */
  settleId(kind: string, id: string): void {
    for (const addition of this.#load().values()) {
      if (addition.kind === kind && addition.id === id) this.settle(kind, addition.origin);
    }
  }

  #load(): Map<string, Addition> {
    if (this.#entries) return this.#entries;
    this.#entries = new Map();
    for (const key of filesIn(this.#folder)) {
      try {
        this.#entries.set(key, JSON.parse(readFileSync(join(this.#folder, key), "utf8")));
      } catch {}
    }
    return this.#entries;
  }
}

function filesIn(folder: string): string[] {
  try {
    return readdirSync(folder).filter((name) => !name.endsWith(".new"));
  } catch {
    return [];
  }
}

function keyOf(kind: string, origin: string): string {
  return digest(`${kind}\n${origin}`);
}

function digest(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 32);
}
