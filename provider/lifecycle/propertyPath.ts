import { ProviderError } from "../errors";

/** The way to a value within a resource's arguments, by names from the outside in. None: all of them. */
export type PropertyPath = readonly string[];

const STEP = /\.?(\*|[A-Za-z_$][\w$]*)|\[(?:(\d+|\*)|"((?:\\"|[^"])*)")\]/y;

/**
 * Reads a path in Pulumi's syntax: `compaction`, `compaction.hour`, `compaction["hour"]`. A `*` at its end stands for all
 * that is there. A list can only be named as a whole: the elements of ours have no place, as their order means nothing.
 */
export function parsePropertyPath(text: string): PropertyPath {
  const path: string[] = [];
  STEP.lastIndex = 0;
  do {
    const step = STEP.exec(text);
    if (!step) throw new ProviderError("input", `"${text}" is no property path as "compaction.hour" is one`);
    const [, name, index, quoted] = step;
    if (path.includes("*") || (index !== undefined && index !== "*")) {
      const whole = path.filter((each) => each !== "*").join(".");
      throw new ProviderError("input", `"${text}" leads into a list or beyond a wildcard: name "${whole}" as a whole`);
    }
    path.push(name ?? index ?? (quoted as string).replaceAll('\\"', '"'));
  } while (STEP.lastIndex < text.length);
  if (path.at(-1) === "*") path.pop();
  return path;
}

/**
 * `target` with what `source` holds at the path, or without it where `source` has none. Unchanged where the object around
 * it is missing on one side: then more differs than the path names.
 */
export function withValueFrom(target: unknown, path: PropertyPath, source: unknown): unknown {
  const [name, ...rest] = path;
  if (name === undefined) return source;
  if (!isNonEmptyObject(target) || !isNonEmptyObject(source)) return target;
  const { [name]: inner, ...others } = target;
  if (!Object.hasOwn(source, name)) return rest.length > 0 ? target : others;
  return { ...others, [name]: withValueFrom(inner, rest, source[name]) };
}

function isNonEmptyObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value) && Object.keys(value).length > 0;
}
