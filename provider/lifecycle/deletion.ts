import { holdsUnknown } from "./compare";
import type { Deletion } from "./deploymentMemory";
import type { AnyFields, AnyResource, Circumstances, Context, Properties } from "./resource";

/** Arguments of the program that steer a deletion, as far as their values are known. */
export function deletionSettings(fields: AnyFields, inputs: Properties): Properties {
  const names = Object.keys(fields).filter((name) => fields[name]?.steersDeletion && inputs[name] !== undefined);
  return Object.fromEntries(names.filter((name) => !holdsUnknown(inputs[name])).map((name) => [name, inputs[name]]));
}

/** Those of them that count in the run that sets them. */
export function immediate(fields: AnyFields, settings: Properties): Properties {
  return Object.fromEntries(Object.entries(settings).filter(([name]) => fields[name]?.steersDeletion === "now"));
}

const NOT_DECLARED: Deletion = { isLeftOver: false };

/**
 * State and circumstances of a deletion. A pending deletion keeps the arguments of its time, while people change those
 * of the program: the program's settings count, as far as one has run.
 */
export async function steerDeletion(
  resource: AnyResource,
  id: string,
  state: Properties,
  { memory, origin }: Context,
): Promise<{ state: Properties; circumstances: Circumstances }> {
  const { wishes, successor, isLeftOver } = memory?.deletion(resource.schema.type, origin, id) ?? NOT_DECLARED;
  const fields = await resource.schema.fields();
  return {
    state: { ...state, ...(isLeftOver ? wishes : immediate(fields, wishes ?? {})) },
    circumstances: { isDeclared: wishes !== undefined, successor, asked: wishes ?? {} },
  };
}
