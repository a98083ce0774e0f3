import { PartialFailure } from "../errors";
import { asProviderErrors } from "../ssh/toProviderError";
import { assign, objectKey, sharedWarning } from "./assignments";
import { applyDeletionSettings } from "./deletion";
import { diff } from "./diff";
import { hideUnmanagedDrift, stripMarks, withManagedFields } from "./managedFields";
import type { AnyResource, Context, Properties } from "./resource";

export async function create(resource: AnyResource, inputs: Properties, context: Context) {
  const created = await createOrSave(resource, inputs, context);
  const { id, state, possibleDuplicates = [], kept } = created;
  // A replacement may adopt the old object: the deletion that follows then leaves it.
  const holder = assign(resource, objectKey(resource, id, state), context);
  if (resource.objectKey && holder !== undefined) context.log(sharedWarning(holder, resource, id));
  context.memory?.recordCreate(resource.schema.type, context.origin, id);
  if (possibleDuplicates.length > 0) context.log(duplicateWarning(resource.schema.type, id, possibleDuplicates));
  if (kept) context.log(keptWarning(resource.schema.type, kept));
  else await context.memory?.retryDeferred();
  return { id, state: await withManagedFields(resource, inputs, state) };
}

/** A create that fails half-way is saved as a whole one: with its arguments, and the record of what is managed. */
async function createOrSave(resource: AnyResource, inputs: Properties, context: Context) {
  try {
    return await asProviderErrors(() => resource.create(stripMarks(inputs), context));
  } catch (error) {
    if (!(error instanceof PartialFailure)) throw error;
    const { id, state } = error.saved;
    throw new PartialFailure(error, { id, inputs, state: await withManagedFields(resource, inputs, state) });
  }
}

function duplicateWarning(type: string, id: string, possibleDuplicates: string[]): string {
  return (
    `made the ${type} ${id}, and the account had an unused one just like it before: ${possibleDuplicates.join(", ")}. ` +
    "If an interrupted run on another machine left it, delete it."
  );
}

function keptWarning(type: string, { id, reason }: { id: string; reason: string }): string {
  return `keeps the ${type} ${id} of an earlier run, as ${reason}`;
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
  await context.memory?.retryDeferred();
  return withManagedFields(resource, inputs, updated);
}

/** An update of a resource that another host has managed so far. It asks the remote nothing where all values are equal. */
export async function moveState(
  resource: AnyResource,
  id: string,
  state: Properties,
  inputs: Properties,
  context: Context,
) {
  const { changed } = await diff(resource, id, state, inputs, context);
  if (changed.length === 0) return withManagedFields(resource, inputs, state);
  return update(resource, id, state, inputs, context);
}

export async function remove(resource: AnyResource, id: string, state: Properties, context: Context) {
  const { type } = resource.schema;
  const applied = await applyDeletionSettings(resource, id, state, context);
  if (!context.memory?.isAssigned(type, objectKey(resource, id, state))) {
    await asProviderErrors(() => resource.delete(id, applied.state, context, applied.deletion));
  }
  context.memory?.recordDelete(type, id);
}
