import type { Input } from "../schema/define";
import type { AnyResource, Properties } from "./resource";

/*
 * Arguments that a program leaves unset are not managed. The state records which ones it sets, as an engine that
 * refreshes does not pass the inputs to every host.
 */

/** Names of the arguments that the program sets, joined by commas. In the outputs. */
const MANAGED = "__declared";

/** Names of the arguments restored to their default, joined by commas. In the inputs only. */
export const RESET = "__reset";

/** Names of the arguments that an earlier check has restored to their default. */
export function resetIn(inputs: Properties | undefined): Set<string> {
  return new Set(String(inputs?.[RESET] ?? "").split(","));
}

/** Arguments without the marks of this file. */
export function stripMarks({ [RESET]: _, ...inputs }: Properties): Properties {
  return inputs;
}

/** Records in the state which arguments the program sets. */
export async function withManagedFields(
  resource: AnyResource,
  inputs: Properties,
  state: Properties,
): Promise<Properties> {
  if (!resource.drifts) return state;
  const fields = Object.keys(await resource.schema.fields());
  return { ...state, [MANAGED]: fields.filter((name) => inputs[name] !== undefined).join() };
}

/** Keeps the old value of an unmanaged argument, so that a change of it never shows as drift. */
export async function hideUnmanagedDrift(
  resource: AnyResource,
  state: Properties,
  actual: Properties,
): Promise<Properties> {
  const managed = managedIn(state);
  if (!managed) return actual;
  const shown: Properties = { ...actual, [MANAGED]: state[MANAGED] };
  for (const name of Object.keys(await resource.schema.fields())) {
    if (managed.has(name)) continue;
    if (state[name] === undefined) delete shown[name];
    else shown[name] = state[name];
  }
  return shown;
}

/** Whether the state may hold an old value of the argument, because the program sets it only from now on. */
export function mayBeStale(field: Input, name: string, state: Properties): boolean {
  const managed = managedIn(state);
  return managed !== undefined && !managed.has(name) && !field.forceNew;
}

function managedIn(state: Properties): Set<string> | undefined {
  const managed = state[MANAGED];
  return typeof managed === "string" ? new Set(managed.split(",")) : undefined;
}
