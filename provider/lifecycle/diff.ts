import { ProviderError } from "../errors";
import { alreadyAssigned, assign, objectKey, sharedWarning } from "./assignments";
import { holdsUnknown, isChangedAt, isEqual } from "./compare";
import { deletionSettings, immediateSettings } from "./deletion";
import { mayBeStale } from "./managedFields";
import { parsePropertyPath } from "./propertyPath";
import type { AnyFields, AnyResource, Context, Properties } from "./resource";

export interface DiffResult {
  /** Managed arguments that differ from the state. */
  changed: string[];
  /** Those of them that replace the object. */
  replaces: string[];
}

/** Compares the managed arguments with the state. */
export async function diff(
  resource: AnyResource,
  id: string,
  state: Properties,
  inputs: Properties,
  context: Context,
): Promise<DiffResult> {
  const { type } = resource.schema;
  const fields = await resource.schema.fields();
  context.memory?.recordDiff(type, context.origin, id, state.__account);

  assertSameIdentity(resource, fields, id, inputs);
  const { changed, replaces, isCertain } = await changes(fields, state, inputs, context);
  if (changed.some((name) => holdsUnknown(inputs[name]))) context.memory?.recordDependent(type, id);
  if (isCertain) {
    if (adopts(fields, inputs)) throw adoptionConflict(resource, id, replaces);
    const args = { ...state, ...immediateSettings(fields, deletionSettings(fields, inputs)) };
    await resource.assertReplaceAllowed?.({ id, args }, replaces, context);
  }
  // No other entry may delete an object that stays. A refresh compares before the program has run.
  if (replaces.length === 0 && context.memory?.isDeclared(type, context.origin)) {
    const object = objectKey(resource, id, state);
    const holder = assign(resource, object, context);
    const isUnique = Object.values(fields).some(({ adoptId }) => adoptId);
    if (resource.objectKey && holder !== undefined && changed.length > 0) {
      context.log(sharedWarning(holder, resource, id));
    }
    if (isUnique && holder !== undefined)
      throw new ProviderError("refused", `${alreadyAssigned(holder, resource, id)}.`);
    // An unknown value may turn out to be equal: the deployment asks again.
    if (!changed.some((name) => holdsUnknown(inputs[name]))) {
      context.memory.recordKept(type, context.origin, object, { id, inputs: state, changed });
    }
  }
  return { changed, replaces };
}

/** `isCertain`: known values require the replacement. Otherwise the deployment calls diff again. */
async function changes(
  fields: AnyFields,
  state: Properties,
  inputs: Properties,
  context: Context,
): Promise<DiffResult & { isCertain: boolean }> {
  const changed: string[] = [];
  const replaces: string[] = [];
  const replaceOn = context.replaceOnChanges?.map(parsePropertyPath) ?? [];
  const whole = { inputs, state };
  let isCertain = false;
  for (const [name, field] of Object.entries(fields)) {
    const desired = inputs[name];
    if (desired === undefined || field.connectionOnly || field.adoptId) continue;
    const unknown = holdsUnknown(desired);
    const same = !unknown && (await isEqual(field, desired, state[name], whole));
    if (same && !mayBeStale(field, name, state)) continue;
    changed.push(name);
    if (
      field.forceNew ||
      field.replacesIf?.(desired, state[name]) ||
      (await isChangedAt(replaceOn, name, field, desired, whole))
    ) {
      replaces.push(name);
      isCertain ||= !unknown;
    }
  }
  return { changed, replaces, isCertain };
}

function adopts(fields: AnyFields, inputs: Properties): boolean {
  return Object.keys(fields).some((name) => fields[name]?.adoptId && inputs[name] !== undefined);
}

function assertSameIdentity(resource: AnyResource, fields: AnyFields, id: string, inputs: Properties): void {
  for (const name of Object.keys(fields).filter((each) => fields[each]?.adoptId)) {
    const desired = inputs[name];
    if (desired === undefined || holdsUnknown(desired) || desired === id) continue;
    throw new ProviderError(
      "refused",
      `This ${resource.schema.type} is ${id}, and ${name} now says ${desired}: a resource cannot become another object. ` +
        `Put ${name} back or remove it, or declare ${desired} as a resource of its own.`,
    );
  }
}

/** The replacement would adopt the object that it replaces, which the engine then deletes. */
function adoptionConflict(resource: AnyResource, id: string, replaces: string[]): ProviderError {
  return new ProviderError(
    "refused",
    `A change of ${replaces.join(", ")} needs a new ${resource.schema.type}, but existingId says to take over ${id}: remove existingId first.`,
  );
}
