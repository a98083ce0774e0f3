import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

/** An addition at the remote that the engine's state may not know of. */
export interface PendingCreate {
  /** The resource it is for: project, stack and name. */
  origin: string;
  /** Type of the resource. */
  kind: string;
  /** What was asked for. Holds no secret. */
  args: { name: string };
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
export class PendingCreates {
  readonly #folder: string;
  #entries: Map<string, PendingCreate> | undefined;
  /** Keys of the entries that wait for an answer. */
  readonly #unanswered = new Set<string>();
  /** Keys of the others, by their object. */
  readonly #byObject = new Map<string, string>();
  /** Objects that the state has shown in this process. */
  readonly #idsInState = new Set<string>();

  /** @param account what tells accounts apart: additions at one address are no business of another's */
  constructor(account: string, home = process.env.PULUMI_HOME || join(homedir(), ".pulumi")) {
    this.#folder = join(home, "borgbase", digest(account));
  }

  find(kind: string, origin: string): PendingCreate | undefined {
    return this.#load().get(keyOf(kind, origin));
  }

  record(pending: PendingCreate): void {
    const key = keyOf(pending.kind, pending.origin);
    this.#index(this.#load(), key, pending);
    try {
      mkdirSync(this.#folder, { recursive: true });
      const path = join(this.#folder, key);
      // By way of a rename: a process killed here leaves the old entry or the new one, never half of one.
      writeFileSync(`${path}.new`, JSON.stringify(pending));
      renameSync(`${path}.new`, path);
    } catch {}
  }

  /** As {@link resolve}, for a process that has seen the engine save the state and knows nothing else of the journal. */
  acknowledge(kind: string, origin: string): void {
    rmSync(join(this.#folder, keyOf(kind, origin)), { force: true });
  }

  /** The object is what became of a known addition: whatever else still waits for one of this name, it is not that. */
  markNotOurs(kind: string, name: string, id: string): void {
    const entries = this.#load();
    for (const key of this.#unanswered) {
      const pending = entries.get(key) as PendingCreate;
      if (pending.kind === kind && pending.args.name === name) {
        this.record({ ...pending, before: [...pending.before, id] });
      }
    }
  }

  /** Nothing was added, or the state knows it. */
  resolve(kind: string, origin: string): void {
    const key = keyOf(kind, origin);
    const entries = this.#load();
    const pending = entries.get(key);
    if (!pending) return;
    entries.delete(key);
    this.#unanswered.delete(key);
    this.#byObject.delete(`${kind} ${pending.id}`);
    rmSync(join(this.#folder, key), { force: true });
  }

  /** The state knows the object, or it is deleted. */
  resolveByObject(kind: string, id: string): void {
    const object = `${kind} ${id}`;
    this.#idsInState.add(object);
    const entries = this.#load();
    const pending = entries.get(this.#byObject.get(object) ?? "");
    if (pending?.id === id) this.resolve(kind, pending.origin);
  }

  /** Whether the object is in the state or what became of an addition: then it is none whose answer nobody saw. */
  isAccountedFor(kind: string, id: string): boolean {
    this.#load();
    const object = `${kind} ${id}`;
    return this.#idsInState.has(object) || this.#byObject.has(object);
  }

  /** What is open of one stack: it may be at the remote without the state's knowledge. */
  pendingIn(project: string, stack: string): PendingCreate[] {
    return [...this.#load().values()].filter(({ origin }) => origin.startsWith(`${project}/${stack}/`));
  }

  #index(entries: Map<string, PendingCreate>, key: string, pending: PendingCreate): void {
    entries.set(key, pending);
    if (pending.id === undefined) this.#unanswered.add(key);
    else {
      this.#unanswered.delete(key);
      this.#byObject.set(`${pending.kind} ${pending.id}`, key);
    }
  }

  #load(): Map<string, PendingCreate> {
    if (this.#entries) return this.#entries;
    this.#entries = new Map();
    for (const key of filesIn(this.#folder)) {
      try {
        this.#index(this.#entries, key, JSON.parse(readFileSync(join(this.#folder, key), "utf8")));
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
