import { holdsUnknown } from "./compare";
import type { DeletionFacts } from "./deploymentMemory";
import type { AnyFields, AnyResource, Context, DeleteContext, Properties } from "./resource";

/** Known values of the arguments that steer a deletion. */
export function deletionSettings(fields: AnyFields, inputs: Properties): Properties {
  const names = Object.keys(fields).filter((name) => fields[name]?.steersDeletion && inputs[name] !== undefined);
  return Object.fromEntries(names.filter((name) => !holdsUnknown(inputs[name])).map((name) => [name, inputs[name]]));
}

/** Deletion settings that take effect in the run that sets them. A default always does: it permits no more than before. */
export function immediateSettings(fields: AnyFields, settings: Properties): Properties {
  const isImmediate = ([name, value]: [string, unknown]) =>
    fields[name]?.steersDeletion === "now" || fields[name]?.default === value;
  return Object.fromEntries(Object.entries(settings).filter(isImmediate));
}

/** Defaults of the unset settings that take effect in later runs only. */
export function unsetLaterSettings(fields: AnyFields, inputs: Properties): Properties {
  const names = Object.keys(fields).filter((name) => fields[name]?.steersDeletion === "next" && !(name in inputs));
  return Object.fromEntries(names.map((name) => [name, fields[name]?.default]));
}

const NOT_DECLARED: DeletionFacts = { isPendingDelete: false };

/**
 * State and context of a deletion. The state of a pending deletion keeps the arguments of its last deployment: those of
 * the running program override them.
 */
export async function applyDeletionSettings(
  resource: AnyResource,
  id: string,
  state: Properties,
  { memory, origin }: Context,
): Promise<{ state: Properties; deletion: DeleteContext }> {
  const { settings, replacedBy, successor, isPendingDelete } =
    memory?.deletionOf(resource.schema.type, origin, id) ?? NOT_DECLARED;
  const fields = await resource.schema.fields();
  return {
    state: { ...state, ...(isPendingDelete ? settings : immediateSettings(fields, settings ?? {})) },
    deletion: { isDeclared: settings !== undefined, replacedBy, successor, settings: settings ?? {} },
  };
}
