import { ProviderError } from "../errors";

/** Path to a value within a resource's arguments, outermost name first. Empty: all arguments. */
export type PropertyPath = readonly string[];

const STEP = /\.?(\*|[A-Za-z_$][\w$]*)|\[(?:(\d+|\*)|"((?:\\"|[^"])*)")\]/y;

/**
 * Parses a path in Pulumi's syntax: `compaction`, `compaction.hour`, `compaction["hour"]`, `compaction.*`. A list only as
 * a whole: all lists here are sets, so an index has no meaning.
 * @throws `input`
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
 * Returns `target` with the value of `source` at the path, or without it where `source` lacks one. Unchanged where either
 * side lacks the enclosing object: then they differ by more than the path.
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
