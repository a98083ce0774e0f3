import { isDeepStrictEqual } from "node:util";
import type { Input, Whole } from "../schema/define";
import { type PropertyPath, withValueFrom } from "./propertyPath";
import { type Fields, type Properties, UNKNOWN } from "./resource";

/** Names of the managed arguments that differ from the state: the changes of an update. */
export async function differences<Inputs extends object, State extends object>(
  fields: Fields<Inputs>,
  inputs: Inputs,
  state: State,
): Promise<(keyof Inputs & string)[]> {
  const found: (keyof Inputs & string)[] = [];
  for (const name of Object.keys(fields) as (keyof Inputs & string)[]) {
    const field: Input = fields[name] as Input;
    if (inputs[name] === undefined || field.connectionOnly || field.adoptId) continue;
    const actual = state[name as string as keyof State];
    if (!(await isEqual(field, inputs[name], actual, { inputs, state }))) found.push(name);
  }
  return found;
}

export async function isEqual(field: Input, desired: unknown, actual: unknown, whole: Whole): Promise<boolean> {
  if (field.equals) return field.equals(desired, actual, whole);
  // The call alone costs more than most values: a refresh of a thousand repositories compares fifteen thousand.
  return Object.is(desired, actual) || isDeepStrictEqual(desired, actual);
}

/** Whether a path covers the argument, or a part of it that differs. */
export async function isChangedAt(
  paths: readonly PropertyPath[],
  name: string,
  field: Input,
  desired: unknown,
  whole: { inputs: object; state: Properties },
): Promise<boolean> {
  for (const [root, ...rest] of paths) {
    if (root === undefined || (root === name && rest.length === 0)) return true;
    if (root !== name) continue;
    const actual = whole.state[name];
    const changed = withValueFrom(actual, rest, desired);
    if (holdsUnknown(changed) || (changed !== actual && !(await isEqual(field, changed, actual, whole)))) return true;
  }
  return false;
}

export function holdsUnknown(value: unknown): boolean {
  if (value === UNKNOWN) return true;
  if (Array.isArray(value)) return value.some(holdsUnknown);
  return typeof value === "object" && value !== null && Object.values(value).some(holdsUnknown);
}
