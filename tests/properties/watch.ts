import type { LoggedRequest } from "../../emulator";
import type { ConsoleRepo } from "../support/account";
import { type Engine, isOf, type Program } from "./engine";

const LISTS = ["fullAccessKeys", "appendOnlyKeys", "rsyncKeys"] as const;

/** Account and state before a deployment. */
export interface Before {
  repos: ConsoleRepo[];
  /** Ids of repositories that hold data. */
  full: ReadonlySet<string>;
  /** Ids of repositories whose deletion an earlier deployment allowed. */
  forced: ReadonlySet<string>;
  /** Ids of repositories whose key lists may have drifted from the state. */
  drifted: ReadonlySet<string>;
}

/** Ids that may be deleted with their data, by their state or by the program after an earlier replacement. */
export function forcedIn(engine: Engine, program: Program): Set<string> {
  const forced = program.filter(({ inputs }) => inputs((name) => name).forceDestroy === true);
  const mayGo = engine.entries.filter(
    ({ state, replaced, names }) =>
      state.forceDestroy === true || (replaced && forced.some((one) => names.some((name) => isOf(one, name)))),
  );
  return new Set(mayGo.map(({ id }) => id));
}

/**
 * Checks the requests of a deployment in order.
 * @param works whether faults that allow both came after the work
 * @param declares whether the program declares keys for this list of this repository
 * @returns the violated rules, in words
 */
export function violations(
  log: readonly LoggedRequest[],
  works: boolean,
  before: Before,
  declares: (id: string, list: string) => boolean,
): string[] {
  const found: string[] = [];
  const lists = new Map<string, { id: string; list: string; keys: string[] }>();
  for (const repo of before.repos) {
    for (const list of LISTS) {
      const keys = repo[list] ?? [];
      if (keys.length > 0 && declares(repo.id, list) && !before.drifted.has(repo.id)) {
        lists.set(`${repo.id} ${list}`, { id: repo.id, list, keys });
      }
    }
  }
  for (const request of log) {
    if (!wasDone(request, works)) continue;
    const { id, ...changes } = request.variables as { id?: string | number } & Record<string, unknown>;
    const what = request.operations[0];
    if (what === "repoDelete" && before.full.has(String(id)) && !before.forced.has(String(id))) {
      found.push(`the repository ${id} was deleted with its data`);
    }
    if (what === "repoDelete") for (const list of LISTS) lists.delete(`${id} ${list}`);
    for (const list of lists.values()) {
      if (what === "repoEdit" && list.id === id) list.keys = (changes[list.list] as string[] | undefined) ?? list.keys;
      if (what === "sshDelete") list.keys = list.keys.filter((key) => key !== String(id));
      if (list.keys.length === 0) found.push(`${list.list} of the repository ${list.id} became empty by ${what}`);
    }
  }
  return found;
}

function wasDone({ fault, errors, status }: LoggedRequest, works: boolean): boolean {
  switch (fault) {
    case null:
      return errors.length === 0 && status === 200;
    case "reset":
    case "expire":
      return false;
    case "silence":
    case "foreign":
      return works;
    case "status":
      return works && status !== 429;
    default:
      return true;
  }
}
