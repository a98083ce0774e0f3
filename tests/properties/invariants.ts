import { strict as assert } from "node:assert";
import type { Properties } from "../../provider/lifecycle";
import type { PendingCreate } from "../../provider/pendingCreates";
import type { ConsoleRepo } from "../support/account";
import { type Engine, type Entry, isOf, type Program } from "./engine";
import type { Found } from "./stack";

/** The settings of a repository created without optional arguments. */
const DEFAULTS = {
  quota: 0,
  alertDays: 0,
  fullAccessKeys: [],
  appendOnlyKeys: [],
  rsyncKeys: [],
  appendOnly: false,
  sftpEnabled: false,
  borgVersion: "LATEST",
  compaction: null,
};

/** Facts about the account beside the state: unmanaged objects, and the last known settings of each repository. */
export class Known {
  readonly #added = new Set<string>();
  /** Ids of orphans of an interrupted run that a person has edited since. */
  readonly touched = new Set<string>();
  /** Names of resources whose replacement by the engine was interrupted. A later run does not repeat it. */
  readonly interrupted = new Set<string>();
  readonly #looks = new Map<string, Properties>();
  /** `ID ARGUMENT` of arguments that a failed deployment may have changed. */
  readonly #open = new Set<string>();

  /** Ids of objects without a resource. */
  unrelated(found: Found, engine: Engine): Set<string> {
    const taken = new Set(engine.entries.map(({ id }) => id));
    return new Set(
      [...found.keys, ...found.repos].map(({ id }) => id).filter((id) => this.#added.has(id) && !taken.has(id)),
    );
  }

  /** Records an object that a person created. */
  add(before: { id: string }[], after: { id: string }[]): void {
    for (const object of after) {
      if (before.some(({ id }) => id === object.id)) continue;
      this.#added.add(object.id);
      if ("region" in object) this.see(object as ConsoleRepo);
    }
  }

  /** Records the settings of a repository after a person's change. */
  see(repo: ConsoleRepo | undefined): void {
    if (!repo) return;
    this.#looks.set(repo.id, look(repo));
    this.touched.add(repo.id);
  }

  /** Marks the arguments that a deployment may change before the state records it. */
  deploying(engine: Engine, program: Program): void {
    for (const declared of program) {
      const given = declared.inputs((key) => key);
      const entry = engine.entries.find((entry) => isOf(declared, entry.name) && !entry.replaced);
      const id = given.existingId ?? entry?.id;
      for (const argument of Object.keys(DEFAULTS).concat("name")) {
        const mayChange = given[argument] !== undefined || entry?.inputs[argument] !== undefined;
        if (id !== undefined && (mayChange || !this.#looks.has(String(id)))) this.#open.add(`${id} ${argument}`);
      }
    }
  }

  /** The expected value of an undeclared argument; undefined if unknown. A deleted key is in no list. */
  left(id: string, argument: string, name: string, found: Found): unknown {
    if (this.#open.has(`${id} ${argument}`)) return undefined;
    const left = (this.#looks.get(id) ?? { ...DEFAULTS, name })[argument];
    return Array.isArray(left) ? left.filter((key) => found.keys.some(({ id }) => id === key)) : left;
  }

  settled(repos: ConsoleRepo[]): void {
    this.#open.clear();
    for (const repo of repos) this.#looks.set(repo.id, look(repo));
  }
}

/** Compares the account with the program after a successful deployment. */
export function assertAsDeclared(
  engine: Engine,
  program: Program,
  found: Found,
  known: Known,
  journal: PendingCreate[],
) {
  assert.deepEqual(
    engine.entries.map(({ name }) => name).sort(),
    program.map(({ name }) => name).sort(),
    "the state holds each resource of the program once",
  );
  const ids = engine.entries.map(({ id }) => id);
  assert.equal(new Set(ids).size, ids.length, `no two resources are one object: ${ids}`);

  const unrelated = known.unrelated(found, engine);
  const there = [
    ...found.keys.map((key) => ({ ...key, kind: "SshKey" })),
    ...found.repos.map((repo) => ({ ...repo, kind: "Repo" })),
  ];
  for (const entry of engine.entries) {
    assert.ok(
      there.some(({ id }) => id === entry.id),
      `${entry.name} (${entry.id}) is there`,
    );
  }
  const orphans = there.filter(
    ({ id, name, kind }) =>
      !ids.includes(id) &&
      !unrelated.has(id) &&
      !known.touched.has(id) &&
      !journal.some((note) => mayName(note, { id, name, kind }, engine.entries, known)),
  );
  assert.deepEqual(
    orphans.map(({ kind, id, name }) => `${kind} ${id} ${name}`),
    [],
    "nothing is there twice or left over",
  );

  for (const { name, inputs } of program) {
    const entry = engine.entries.find((each) => each.name === name) as Entry;
    const declared = inputs((key) => engine.entries.find((each) => each.name === key)?.id);
    const repo = found.repos.find(({ id }) => id === entry.id);
    if (repo) assertRepo(entry, declared, repo, found, known);
    const key = found.keys.find(({ id }) => id === entry.id);
    if (key) {
      assert.equal(key.keyData, String(declared.publicKey).split(" ").slice(0, 2).join(" "), `the key of ${name}`);
      // A renamed resource keeps its former default name.
      const names = declared.name === undefined ? entry.names : [declared.name];
      if (declared.existingId === undefined) assert.ok(names.includes(key.name), `${name} is named ${key.name}`);
    }
  }
  for (const repo of found.repos.filter(({ id }) => unrelated.has(id))) {
    for (const [argument, actual] of Object.entries(look(repo))) {
      const left = known.left(repo.id, argument, repo.name, found);
      if (left !== undefined) assert.deepEqual(actual, left, `${argument} of ${repo.id}, which is nobody's`);
    }
  }
  // An orphan is not known as it was left: the resource that recovers it resets what it does not declare.
  known.settled(found.repos.filter(({ id }) => ids.includes(id) || unrelated.has(id)));
}

function assertRepo(entry: Entry, declared: Properties, repo: ConsoleRepo, found: Found, known: Known): void {
  const actual = { ...look(repo), region: repo.region, format: repo.format } as Properties;
  for (const [argument, value] of Object.entries(actual)) {
    const where = `${argument} of ${entry.name} (${entry.id})`;
    const given = declared[argument];
    if (given !== undefined) assert.deepEqual(canonical(value), canonical(given), `declared: ${where}`);
    // A removed argument returns to its default, which check has put into the inputs.
    else if (entry.inputs[argument] !== undefined) {
      const back: Properties = { ...DEFAULTS, format: "borg1" };
      if (argument === "name") assert.ok(entry.names.includes(String(value)), `removed: ${where} is ${value}`);
      else assert.deepEqual(value, back[argument], `removed: ${where}`);
    } else if (argument in DEFAULTS || argument === "name") {
      const left = known.left(entry.id, argument, entry.names[0] ?? entry.name, found);
      if (left !== undefined) assert.deepEqual(value, left, `not declared: ${where}`);
    }
  }
  assert.equal(entry.state.forceDestroy, declared.forceDestroy ?? false);
}

/**
 * Whether a pending create explains the object: its run was killed, and no later deployment declared the resource.
 * The engine then never calls the provider for it, so the pending create stays recorded.
 */
function mayName(
  note: PendingCreate,
  object: { id: string; name: string; kind: string },
  entries: Entry[],
  { interrupted }: Known,
): boolean {
  const args = note.args as Properties;
  if (note.kind !== object.kind || (note.id ?? object.id) !== object.id || args.name !== object.name) return false;
  const entry = entries.find(({ name }) => note.origin.endsWith(`/${name}`));
  // A resource with the declaration of the pending create should have adopted the object, where it was created again.
  return (
    !entry ||
    [...interrupted].some((name) => note.origin.endsWith(`/${name}`)) ||
    ["region", "format", "keyData"].some(
      (name) => args[name] !== undefined && args[name] !== entry.inputs[name === "keyData" ? "publicKey" : name],
    )
  );
}

/** One form for equivalent values. */
function canonical(value: unknown): unknown {
  if (Array.isArray(value)) return [...value].sort();
  if (typeof value !== "object" || value === null || !("timezone" in value)) return value;
  return { ...value, timezone: String(value.timezone).replace("Etc/", "") };
}

/** A repository's settings as arguments of a program. */
function look(repo: ConsoleRepo): Properties {
  return {
    name: repo.name,
    quota: repo.quotaEnabled ? repo.quota : 0,
    alertDays: repo.alertDays ?? 0,
    fullAccessKeys: [...(repo.fullAccessKeys ?? [])].sort(),
    appendOnlyKeys: [...(repo.appendOnlyKeys ?? [])].sort(),
    rsyncKeys: [...(repo.rsyncKeys ?? [])].sort(),
    appendOnly: repo.appendOnly,
    sftpEnabled: repo.sftpEnabled,
    borgVersion: repo.borgVersion,
    compaction: repo.compactionEnabled
      ? {
          interval: repo.compactionInterval,
          unit: repo.compactionIntervalUnit,
          hour: repo.compactionHour,
          timezone: repo.compactionHourTimezone,
        }
      : null,
  };
}
