/* Resource options that name properties, for hosts whose engine leaves them to the provider. */
import { type Failure, isKind } from "../errors";
import type { Properties } from "../lifecycle";
import { parsePropertyPath, withValueFrom } from "../lifecycle/propertyPath";

/**
 * The arguments, with the state's value wherever `ignoreChanges` names a path: the value that the remote has. An argument
 * that the remote does not have is left out.
 */
export function applyIgnoreChanges(inputs: Properties, state: Properties, paths: readonly string[]): Properties {
  const result = { ...inputs };
  for (const [root, ...rest] of paths.map(parsePropertyPath)) {
    for (const name of Object.keys(inputs).filter((each) => root === undefined || root === each)) {
      if (name in state) result[name] = withValueFrom(result[name], rest, state[name]);
      else if (rest.length === 0) delete result[name];
    }
  }
  return result;
}

/** Paths that cannot be followed, by option: reported by check, before anything changes. */
export function optionFailures(options: Record<string, readonly string[]>): Failure[] {
  return Object.entries(options).flatMap(([option, paths]) =>
    paths.flatMap((path) => {
      try {
        parsePropertyPath(path);
        return [];
      } catch (error) {
        if (!isKind(error, "input")) throw error;
        return [{ property: "", reason: `${option}: ${error.message}` }];
      }
    }),
  );
}
