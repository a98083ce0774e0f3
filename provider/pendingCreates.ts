import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

/** A create whose object the state may lack. The keys are the file's format. */
export interface PendingCreate {
  /** Resource that the object is for: `PROJECT/STACK/NAME`, below parents `PROJECT/STACK/PARENTS::NAME`. */
  origin: string;
  /** Type of the resource. */
  kind: string;
  /** Arguments of the create. Contain no secret. */
  args: { name: string };
  /** Ids of older objects with the same name: none of them is the result. */
  before: string[];
  /** Id of the created object; absent without an answer. */
  id?: string;
}

/** The service whose objects a kind of resource is. Each has its own pending creates. */
export function serviceOf(kind: string): "borgBase" | "borgUi" {
  return kind.startsWith("borgui.") ? "borgUi" : "borgBase";
}

/**
 * Idempotency journal: records each create on this machine until the state contains its object. A process killed between
 * the remote's answer and the engine's checkpoint would otherwise leave an orphan, and the next run a duplicate.
 * One file per create in `$PULUMI_HOME/borgbase`, default `~/.pulumi/borgbase`. Without write access nothing is recorded.
 *
 * An entry ends when
 * - the create failed for certain ({@link resolve});
 * - a diff or a delete shows that the state contains the object ({@link resolveByObject});
 * - the program has ended and the engine has saved all its objects ({@link acknowledge}).
 */
export class PendingCreates {
  readonly #folder: string;
  #entries: Map<string, PendingCreate> | undefined;
  /** Keys of the entries without an answer. */
  readonly #unanswered = new Set<string>();
  /** Keys of the entries with an answer, by `KIND ID`. */
  readonly #byObject = new Map<string, string>();
  /** Objects, `KIND ID`, that the state contains, as far as this process has seen it. */
  readonly #idsInState = new Set<string>();

  /** @param account separates accounts: the address of the service */
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
      // Renaming is atomic: a process killed here leaves the old entry or the new one.
      writeFileSync(`${path}.new`, JSON.stringify(pending));
      renameSync(`${path}.new`, path);
    } catch {}
  }

  /** As {@link resolve}, without loading the entries: for the program, which sees only that the state is saved. */
  acknowledge(kind: string, origin: string): void {
    rmSync(join(this.#folder, keyOf(kind, origin)), { force: true });
  }

  /** The object belongs to another create: it is not the result of any unanswered one of this name. */
  markNotOurs(kind: string, name: string, id: string): void {
    const entries = this.#load();
    for (const key of this.#unanswered) {
      const pending = entries.get(key) as PendingCreate;
      if (pending.kind === kind && pending.args.name === name) {
        this.record({ ...pending, before: [...pending.before, id] });
      }
    }
  }

  /** Ends the entry: nothing was created, or the state contains the object. */
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

  /** Ends the entry of the object, as the state contains it or it is deleted. */
  resolveByObject(kind: string, id: string): void {
    const object = `${kind} ${id}`;
    this.#idsInState.add(object);
    const entries = this.#load();
    const pending = entries.get(this.#byObject.get(object) ?? "");
    if (pending?.id === id) this.resolve(kind, pending.origin);
  }

  /** Whether the state or an answered create contains the object: then it is not the result of an unanswered one. */
  isAccountedFor(kind: string, id: string): boolean {
    this.#load();
    const object = `${kind} ${id}`;
    return this.#idsInState.has(object) || this.#byObject.has(object);
  }

  /** Pending creates of one stack: possible orphans. */
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
