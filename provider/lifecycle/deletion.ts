import { holdsUnknown } from "./compare";
import type { DeletionFacts } from "./deploymentMemory";
import type { AnyFields, AnyResource, Context, DeleteContext, Properties } from "./resource";

/** Arguments of the program that steer a deletion, as far as their values are known. */
export function deletionSettings(fields: AnyFields, inputs: Properties): Properties {
  const names = Object.keys(fields).filter((name) => fields[name]?.steersDeletion && inputs[name] !== undefined);
  return Object.fromEntries(names.filter((name) => !holdsUnknown(inputs[name])).map((name) => [name, inputs[name]]));
}

/** Those of them that count in the run that sets them. */
export function immediateSettings(fields: AnyFields, settings: Properties): Properties {
  return Object.fromEntries(Object.entries(settings).filter(([name]) => fields[name]?.steersDeletion === "now"));
}

const NOT_DECLARED: DeletionFacts = { isPendingDelete: false };

/**
 * State and circumstances of a deletion. A pending deletion keeps the arguments of its time, while people change those
 * of the program: the program's settings count, as far as one has run.
 */
export async function applyDeletionSettings(
  resource: AnyResource,
  id: string,
  state: Properties,
  { memory, origin }: Context,
): Promise<{ state: Properties; circumstances: DeleteContext }> {
  const { settings, replacedBy, isPendingDelete } =
    memory?.deletionOf(resource.schema.type, origin, id) ?? NOT_DECLARED;
  const fields = await resource.schema.fields();
  return {
    state: { ...state, ...(isPendingDelete ? settings : immediateSettings(fields, settings ?? {})) },
    circumstances: { isDeclared: settings !== undefined, replacedBy, settings: settings ?? {} },
  };
}
