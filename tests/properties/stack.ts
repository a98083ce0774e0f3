import type { ConsoleRepo } from "../support/account";
import type { Declared, Entry, Program } from "./engine";
import { ADOPTING_KEY, ADOPTING_REPO, type Edit, type KeyPlan, type RepoPlan } from "./scenario";

export interface Found {
  keys: { id: string; name: string; keyData: string }[];
  repos: ConsoleRepo[];
}

const LISTS = ["fullAccessKeys", "appendOnlyKeys", "rsyncKeys"] as const;

/** The program of a scenario after its edits. */
export class Source {
  readonly #keys = new Map<string, KeyPlan>();
  readonly #repos = new Map<string, RepoPlan>();
  /** Moved repositories: the name of the new resource to that of the former one. */
  readonly #moves = new Map<string, string>();
  /** Additional names of renamed resources, with the number of renames. */
  readonly #renamed = new Map<string, number>();

  /** @param lines the public keys that plans name by index */
  constructor(private readonly lines: string[]) {}

  edit(edit: Edit): void {
    if ("move" in edit) {
      const plan = this.#repos.get(edit.move);
      if (!plan) return;
      this.#moves.set(`moved-${edit.move}`, edit.move);
      this.#repos.set(`moved-${edit.move}`, plan);
      this.#repos.delete(edit.move);
    } else if ("rename" in edit) this.#renamed.set(edit.rename, (this.#renamed.get(edit.rename) ?? 0) + 1);
    else if ("key" in edit) set(this.#keys, edit.key, edit.plan);
    else set(this.#repos, edit.repo, edit.plan);
  }

  /**
   * The program to deploy now. A resource that adopts an object is omitted while no object exists, because its program
   * would fail.
   * @param unrelated ids of objects without a resource
   */
  program(entries: Entry[], found: Found, unrelated: ReadonlySet<string>): Program {
    const keys = [...this.#keys].flatMap(([name, plan]) => this.#key(name, plan, entries, found, unrelated));
    const known = new Set(keys.map(({ name }) => name));
    return [
      ...keys,
      ...[...this.#repos].flatMap(([name, plan]) => this.#repo(name, plan, known, entries, found, unrelated)),
    ];
  }

  /** Present and former names of a resource, newest first. */
  #names(slot: string): string[] {
    const times = this.#renamed.get(slot) ?? 0;
    return Array.from({ length: times + 1 }, (_, back) => (back < times ? `${slot}-${times - back}` : slot));
  }

  #key(slot: string, plan: KeyPlan, entries: Entry[], found: Found, unrelated: ReadonlySet<string>): Declared[] {
    const [name = slot, ...aliases] = this.#names(slot);
    const { deleteBeforeReplace } = plan;
    const make = (inputs: object): Declared[] => [
      { type: "SshKey", name, aliases, deleteBeforeReplace, after: [], inputs: () => ({ ...inputs }) },
    ];
    if (name !== ADOPTING_KEY) {
      const publicKey = `${this.lines[plan.line]}${plan.comment ? ` ${plan.comment}` : ""}`;
      return make({ publicKey, ...(plan.name && { name: plan.name }) });
    }
    const known = entries.find((entry) => entry.name === name && !entry.replaced);
    if (known) return make({ publicKey: known.inputs.publicKey, existingId: known.id });
    const key = found.keys.find(({ id }) => unrelated.has(id));
    return key ? make({ publicKey: key.keyData, existingId: key.id }) : [];
  }

  #repo(
    slot: string,
    plan: RepoPlan,
    keys: ReadonlySet<string>,
    entries: Entry[],
    found: Found,
    unrelated: ReadonlySet<string>,
  ): Declared[] {
    const [name = slot, ...aliases] = this.#names(slot);
    const current = (of: string) => entries.find((entry) => this.#names(of).includes(entry.name) && !entry.replaced);
    const from = this.#moves.get(slot);
    const adopts = name === ADOPTING_REPO || from !== undefined;
    // Two resources with one object are an invalid program: the former resource is removed.
    const known = current(slot);
    const isMoved = entries.some((entry) => entry !== known && !entry.replaced && entry.id === known?.id);
    if (!adopts && isMoved) return [];
    const free =
      from === undefined
        ? found.repos.find(({ id, format }) => unrelated.has(id) && format === "borg1")?.id
        : !this.#repos.has(from) && current(from)?.id;
    const target = adopts ? (known?.id ?? free) : undefined;
    const existing = target === undefined ? undefined : found.repos.find(({ id }) => id === target);
    if (adopts && !existing) return [];
    const { region, format } = existing ?? plan;
    const isRestic = format === "restic";
    const { borgVersion, deleteBeforeReplace, ...others } = plan;
    const inputs = {
      ...others,
      region,
      ...(format !== undefined && { format }),
      ...(borgVersion && !isRestic && { borgVersion }),
      ...(existing && { existingId: existing.id }),
    };
    const listed = (list: (typeof LISTS)[number]) =>
      (plan[list] ?? []).map((key) => this.#names(key)[0] ?? key).filter((key) => keys.has(key));
    const after = [...new Set(LISTS.flatMap(listed))];
    return [
      {
        type: "Repo",
        name,
        aliases,
        deleteBeforeReplace,
        after,
        inputs: (idOf) => {
          const ids = LISTS.filter((list) => plan[list]).map((list) => [list, listed(list).map(idOf)]);
          return { ...inputs, ...Object.fromEntries(ids) };
        },
      },
    ];
  }
}

function set<T>(map: Map<string, T>, name: string, plan: T | null): void {
  if (plan) map.set(name, plan);
  else map.delete(name);
}
