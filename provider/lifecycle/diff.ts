import { ProviderError } from "../errors";
import { alreadyAssigned, assign, objectKey } from "./assignments";
import { holdsUnknown, isChangedAt, isEqual } from "./compare";
import { deletionSettings, immediateSettings } from "./deletion";
import { mayBeStale } from "./managedFields";
import { parsePropertyPath } from "./propertyPath";
import type { AnyFields, AnyResource, Context, Properties } from "./resource";

export interface DiffResult {
  /** Arguments that the program sets and the state does not meet. */
  changed: string[];
  /** Those of them that need a new object. */
  replaces: string[];
}

/** Compares the program's arguments with the state. An argument that was never set never differs. */
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
  if (isCertain) {
    if (adopts(fields, inputs)) throw adoptionConflict(resource, id, replaces);
    const args = { ...state, ...immediateSettings(fields, deletionSettings(fields, inputs)) };
    await resource.assertReplaceAllowed?.({ id, args }, replaces, context);
  }
  // An object that stays is no other entry's to delete. A refresh compares before the program has run.
  if (replaces.length === 0 && context.memory?.isDeclared(type, context.origin)) {
    const holder = assign(resource, objectKey(resource, id, state), context);
    const isUnique = Object.values(fields).some(({ adoptId }) => adoptId);
    if (isUnique && holder !== undefined)
      throw new ProviderError("refused", `${alreadyAssigned(holder, resource, id)}.`);
  }
  return { changed, replaces };
}

/** `isCertain`: a replacement is due whatever the unknown values turn out to be. Else the deployment asks again. */
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
    const declared = inputs[name];
    if (declared === undefined || field.connectionOnly || field.adoptId) continue;
    const unknown = holdsUnknown(declared);
    const same = !unknown && (await isEqual(field, declared, state[name], whole));
    if (same && !mayBeStale(field, name, state)) continue;
    changed.push(name);
    if (field.forceNew || (await isChangedAt(replaceOn, name, field, declared, whole))) {
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
    const declared = inputs[name];
    if (declared === undefined || holdsUnknown(declared) || declared === id) continue;
    throw new ProviderError(
      "refused",
      `This ${resource.schema.type} is ${id}, and ${name} now says ${declared}: a resource cannot become another object. ` +
        `Put ${name} back or remove it, or declare ${declared} as a resource of its own.`,
    );
  }
}

/** The replacement would adopt the very object that it is to replace, which is then deleted. */
function adoptionConflict(resource: AnyResource, id: string, replaces: string[]): ProviderError {
  return new ProviderError(
    "refused",
    `A change of ${replaces.join(", ")} needs a new ${resource.schema.type}, but existingId says to take over ${id}: remove existingId first.`,
  );
}
