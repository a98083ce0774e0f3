import { distance } from "fastest-levenshtein";
import type { z } from "zod";
import type { Failure } from "../errors";
import { defaultOf, type Input } from "../schema/define";
import { alreadyAssigned, assign } from "./assignments";
import { holdsUnknown } from "./compare";
import { deletionSettings, immediateSettings, unsetLaterSettings } from "./deletion";
import { RESET, resetIn, stripMarks } from "./managedFields";
import type { AnyFields, AnyResource, Context, Properties } from "./resource";

export interface CheckResult {
  inputs: Properties;
  failures: Failure[];
}

/**
 * Validates all arguments before anything changes. A removed argument returns to its default. An argument that was
 * never set is not managed. Only check sees the old arguments.
 */
export async function check(
  resource: AnyResource,
  olds: Properties | undefined,
  news: Properties,
  context: Context,
): Promise<CheckResult> {
  const fields = await resource.schema.fields();
  const inputs: Properties = {};
  const failures: Failure[] = unknownArguments(resource, fields, news);
  const valid: Properties = {};
  const unknown = new Set<string>();
  const wasReset = resetIn(olds);
  const reset: string[] = [];

  for (const [name, field] of Object.entries(fields)) {
    const value = news[name] ?? undefined;
    if (value === undefined) {
      const restored = restoredDefault(field, olds?.[name], wasReset.has(name), news, context);
      if (restored !== undefined) {
        inputs[name] = restored;
        reset.push(name);
      } else if (field.managedDefault !== undefined) inputs[name] = field.managedDefault;
      else if (field.required) failures.push({ property: name, reason: `${name} is required` });
    } else if (holdsUnknown(value)) {
      inputs[name] = value;
      unknown.add(name);
    } else {
      const parsed = field.schema.safeParse(value);
      // The engine prints the value of an invalid argument beside the reason.
      inputs[name] = parsed.success ? parsed.data : value;
      if (parsed.success) valid[name] = parsed.data;
      // Assigned here, as deleteBeforeReplace deletes the old entry of the same object before create.
      const holder = parsed.success && field.adoptId ? assign(resource, String(parsed.data), context) : undefined;
      if (holder !== undefined)
        failures.push({ property: name, reason: alreadyAssigned(holder, resource, parsed.data) });
      if (!parsed.success) {
        unknown.add(name);
        failures.push(failure(name, field, reasonOf(parsed.error)));
      }
    }
  }
  for (const found of (await resource.rules?.(valid, unknown, context)) ?? []) {
    failures.push(failure(found.property, fields[found.property], found.reason));
  }
  if (reset.length > 0) inputs[RESET] = reset.join();
  const isNew = !olds || Object.keys(olds).length === 0;
  // Without old arguments, an argument that the program has just removed is not restored above.
  const settings = { ...(isNew && unsetLaterSettings(fields, inputs)), ...deletionSettings(fields, inputs) };
  const { type } = resource.schema;
  const replaced = context.memory?.recordCheck(
    type,
    context.origin,
    isNew ? undefined : stripMarks(olds),
    settings,
    inputs,
  );
  if (isNew && failures.length === 0) {
    for (const line of (await resource.previewAdoption?.(valid, unknown, context)) ?? []) context.log(line);
    // The engine sends no diff that asks for a replacement of its own: this check is the last call before create.
    const adopts = Object.keys(fields).some((name) => fields[name]?.adoptId && inputs[name] !== undefined);
    if (replaced && !adopts) {
      const declared = context.memory?.deletionSettings(type, context.origin) ?? settings;
      const args = { ...replaced.inputs, ...immediateSettings(fields, declared) };
      await resource.assertReplaceAllowed?.({ id: replaced.id, args }, [...(replaced.changed ?? [])], context);
    }
  }
  return { inputs, failures };
}

/** Default of a removed argument. A restored one stays: after a rename with an alias the default name would differ. */
function restoredDefault(field: Input, old: unknown, wasReset: boolean, inputs: Properties, context: Context): unknown {
  if (wasReset) return old;
  return old === undefined ? undefined : defaultOf(field, { old, inputs, context });
}

/** Reported on the whole resource: the engine prints the value of a property, and it may be a misspelt secret. */
function unknownArguments(resource: AnyResource, fields: AnyFields, news: Properties): Failure[] {
  return Object.keys(news)
    .filter((name) => !Object.hasOwn(fields, name) && news[name] !== undefined)
    .map((name) => ({ property: "", reason: unknownArgument(name, resource, fields) }));
}

function unknownArgument(name: string, resource: AnyResource, fields: AnyFields): string {
  const similar = Object.keys(fields).find((field) => distance(field.toLowerCase(), name.toLowerCase()) <= 2);
  return `${resource.schema.type} has no argument ${name}${similar ? `: did you mean ${similar}?` : ""}`;
}

/** The engine prints the value of the property in a failure, so the reason alone names a secret argument. */
function failure(name: string, field: Input | undefined, reason: string): Failure {
  if (!field?.secret) return { property: name, reason };
  return { property: "", reason: reason.includes(name) ? reason : `${name}: ${reason}` };
}

function reasonOf(error: z.ZodError): string {
  return error.issues
    .map((issue) => (issue.path.length ? `${issue.path.join(".")} ${issue.message}` : issue.message))
    .join("; ");
}
