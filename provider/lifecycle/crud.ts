import { asProviderErrors } from "../ssh/toProviderError";
import { steerDeletion } from "./deletion";
import { hold, objectOf } from "./holders";
import { hideUnmanagedDrift, stripMarks, withManagedFields } from "./managedFields";
import type { AnyResource, Context, Properties } from "./resource";

export async function create(resource: AnyResource, inputs: Properties, context: Context) {
  const created = await asProviderErrors(() => resource.create(stripMarks(inputs), context));
  const { id, state, possibleDuplicates = [] } = created;
  // Should the engine take it for the replaced one, it still stays what it is.
  hold(resource, objectOf(resource, id, state), context);
  context.memory?.made(resource.schema.type, context.origin, id);
  if (possibleDuplicates.length > 0) context.log(alsoThere(resource.schema.type, id, possibleDuplicates));
  return { id, state: await withManagedFields(resource, inputs, state) };
}

function alsoThere(type: string, id: string, possibleDuplicates: string[]): string {
  return (
    `made the ${type} ${id}, and the account had an unused one just like it before: ${possibleDuplicates.join(", ")}. ` +
    "If an interrupted run on another machine left it, delete it."
  );
}

export async function read(resource: AnyResource, id: string, state: Properties, context: Context) {
  const actual = await asProviderErrors(() => resource.read(id, state, context));
  return actual && hideUnmanagedDrift(resource, state, actual);
}

export async function update(
  resource: AnyResource,
  id: string,
  state: Properties,
  inputs: Properties,
  context: Context,
) {
  const updated = await asProviderErrors(() => resource.update(id, state, stripMarks(inputs), context));
  return withManagedFields(resource, inputs, updated);
}

export async function remove(resource: AnyResource, id: string, state: Properties, context: Context) {
  const { type } = resource.schema;
  const steered = await steerDeletion(resource, id, state, context);
  if (!context.memory?.isHeld(type, objectOf(resource, id, state))) {
    await asProviderErrors(() => resource.delete(id, steered.state, context, steered.circumstances));
  }
  context.journal?.settleId(type, id);
}
