import { isDeepStrictEqual } from "node:util";

/** One value that an update changes, by its property path. */
export interface ChangedPath {
  path: string;
  kind: "add" | "delete" | "update";
  /** Whether the program's own earlier value differs, else the remote alone has changed. */
  isInputChange: boolean;
}

/** Values of one argument, from three sides. */
export interface Sides {
  declared: unknown;
  /** As the program had it at the last deployment. */
  before: unknown;
  /** As the state holds it. */
  actual: unknown;
}

/**
 * The innermost values of an argument that differ from the state: `compaction.hour`, `appendOnlyKeys[1]`. An engine
 * compares them with the paths of `replaceOnChanges`. The argument itself where no inner value differs.
 */
export function changedPaths(name: string, sides: Sides): ChangedPath[] {
  const leaves = [...leavesOf(name, sides)];
  return leaves.length > 0 ? leaves : [{ path: name, kind: "update", isInputChange: isInputChange(sides) }];
}

function* leavesOf(path: string, sides: Sides): Generator<ChangedPath> {
  const { declared, before, actual } = sides;
  if (isDeepStrictEqual(declared, actual)) return;
  if (isObject(declared) && isObject(actual)) {
    for (const name of new Set([...Object.keys(declared), ...Object.keys(actual)])) {
      const inner = {
        declared: declared[name],
        actual: actual[name],
        before: isObject(before) ? before[name] : undefined,
      };
      yield* leavesOf(path + step(name), inner);
    }
    return;
  }
  if (Array.isArray(declared) && Array.isArray(actual)) {
    yield* elementsOf(path, declared, isInputChange(sides) && Array.isArray(before) ? before : actual, sides);
    return;
  }
  const base = isInputChange(sides) ? before : actual;
  const kind = base === undefined ? "add" : declared === undefined ? "delete" : "update";
  yield { path, kind, isInputChange: isInputChange(sides) };
}

/** Elements by their value: the order of a list of plain values means nothing in any argument. */
function* elementsOf(path: string, declared: unknown[], old: unknown[], sides: Sides): Generator<ChangedPath> {
  if ([...declared, ...old].some(isObject)) {
    for (let index = 0; index < Math.max(declared.length, old.length); index++) {
      const at = (list: unknown) => (Array.isArray(list) ? list[index] : undefined);
      yield* leavesOf(`${path}[${index}]`, {
        declared: declared[index],
        actual: at(sides.actual),
        before: at(sides.before),
      });
    }
    return;
  }
  const added = indexesOf(declared, old);
  const removed = indexesOf(old, declared);
  for (const index of [...new Set([...added, ...removed])].sort((a, b) => a - b)) {
    const kind = !removed.includes(index) ? "add" : added.includes(index) ? "update" : "delete";
    yield { path: `${path}[${index}]`, kind, isInputChange: isInputChange(sides) };
  }
}

function indexesOf(list: unknown[], others: unknown[]): number[] {
  return [...list.keys()].filter((index) => !others.includes(list[index]));
}

function isInputChange({ declared, before }: Sides): boolean {
  return !isDeepStrictEqual(declared, before);
}

function step(name: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(name) ? `.${name}` : `["${name.replaceAll('"', '\\"')}"]`;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
