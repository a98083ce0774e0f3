import { defaultOf, type Field, type Input } from "../schema/define";
import { isEqual } from "./compare";
import { RESET } from "./managedFields";
import type { AnyResource, Context, Properties } from "./resource";

/**
 * Arguments that a program would need for the object as it is: the required ones, and those that differ from their
 * default. An import turns them into code. Secrets and connection settings are not among them.
 */
export async function inputsOfImport(resource: AnyResource, state: Properties, context: Context): Promise<Properties> {
  const inputs: Properties = {};
  for (const [name, field] of await inputFields(resource)) {
    const actual = state[name];
    if (actual === undefined || field.secret || field.connectionOnly || field.adoptId) continue;
    const unset = defaultOf(field, { old: undefined, inputs: state, context });
    const isDefault = unset !== undefined && (await isEqual(field, unset, actual, { inputs: {}, state }));
    if (field.required || !isDefault) inputs[name] = actual;
  }
  return inputs;
}

/** Declared arguments with the values that a refresh has found. A value that is equal keeps the program's form. */
export async function inputsOfRefresh(
  resource: AnyResource,
  declared: Properties,
  state: Properties,
): Promise<Properties> {
  const inputs: Properties = {};
  const whole = { inputs: declared, state };
  for (const [name, field] of await inputFields(resource)) {
    const value = declared[name];
    if (value === undefined) continue;
    const isKept = field.connectionOnly || field.adoptId || field.output === "never";
    const found = isKept || (await isEqual(field, value, state[name], whole)) ? value : state[name];
    if (found !== undefined) inputs[name] = found;
  }
  return { ...inputs, ...(declared[RESET] !== undefined && { [RESET]: declared[RESET] }) };
}

async function inputFields(resource: AnyResource): Promise<[string, Input][]> {
  return Object.entries(await resource.schema.allFields()).filter(isInput);
}

function isInput(entry: [string, Field]): entry is [string, Input] {
  return entry[1].kind === "input";
}
