import { isDeepStrictEqual } from "node:util";
import { defaultOf, type Field, type Input } from "../schema/define";
import type { AnyResource, Context, Properties } from "./resource";

/*
 * Outputs as far as they are known before a deployment. An output that is left out is unknown, and so is everything that
 * depends on it.
 */

export async function previewCreate(resource: AnyResource, inputs: Properties, context: Context): Promise<Properties> {
  const outputs: Properties = {};
  for (const [name, field] of Object.entries(await resource.schema.allFields())) {
    if (field.kind === "input" && isShown(field, inputs[name], inputs, context)) outputs[name] = inputs[name];
  }
  return outputs;
}

/** @param changed names of the arguments that the update changes */
export async function previewUpdate(
  resource: AnyResource,
  state: Properties,
  inputs: Properties,
  changed: readonly string[],
  context: Context,
): Promise<Properties> {
  const outputs = { ...state };
  for (const [name, field] of Object.entries(await resource.schema.allFields())) {
    if (changesWith(field, changed)) delete outputs[name];
    if (field.kind !== "input" || !changed.includes(name)) continue;
    delete outputs[name];
    if (isShown(field, inputs[name], inputs, context)) outputs[name] = inputs[name];
  }
  return outputs;
}

/** Whether the argument is an output in the same form. A value that stands for "unset" is no output. */
function isShown(field: Input, value: unknown, inputs: Properties, context: Context): boolean {
  if (value === undefined || field.output === "never" || field.normalized) return false;
  if (field.output !== "whenSet") return true;
  const unset = field.managedDefault ?? defaultOf(field, { old: undefined, inputs, context });
  return unset === undefined || !isDeepStrictEqual(value, unset);
}

function changesWith(field: Field, changed: readonly string[]): boolean {
  return field.changesWith?.some((name) => changed.includes(name)) ?? false;
}
