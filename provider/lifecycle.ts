import { isDeepStrictEqual } from "node:util";
import type { z } from "zod";
import type { Deletion } from "./deploymentMemory";
import { type Failure, ProviderError } from "./errors";
import { type PropertyPath, parsePropertyPath, withValueFrom } from "./propertyPath";
import { type Context, type Fields, type Resource, UNKNOWN } from "./resource";
import type { DefaultContext, Input } from "./schema/define";

/** Arguments or outputs by name; values may hold {@link UNKNOWN}. */
export type Properties = Record<string, unknown>;

export interface CheckResult {
  inputs: Properties;
  failures: Failure[];
}

export interface DiffResult {
  /** Declared arguments that the state does not meet. */
  changed: string[];
  /** Those of them that need a new object. */
  replaces: string[];
}

// A resource's own types end here: engines hand over untyped values, which `check` has held against the schema.
type AnyResource = Resource<Properties, Properties>;
type AnyFields = Fields<Properties>;

/**
 * Holds the arguments against their schema and rules, all of them before anything is changed. Only here old arguments
 * are seen: one that was given and is removed goes back to its default; one that never was is not managed.
 */
export async function check(
  resource: AnyResource,
  olds: Properties | undefined,
  news: Properties,
  context: Context,
): Promise<CheckResult> {
  const fields = await resource.schema.fields();
  const inputs: Properties = {};
  const failures: Failure[] = [];
  const known: Properties = {};
  const unknown = new Set<string>();
  const wasReset = new Set(String(olds?.[RESET] ?? "").split(","));
  const reset: string[] = [];

  for (const name of Object.keys(news)) {
    // Reported on the whole resource, as its value is printed otherwise: it may be a misspelt secret.
    if (!Object.hasOwn(fields, name) && news[name] !== undefined)
      failures.push({ property: "", reason: unknownArgument(name, resource, fields) });
  }
  for (const [name, field] of Object.entries(fields)) {
    const old = olds?.[name];
    const value = news[name] ?? undefined;
    if (value === undefined) {
      // What a removal went back to once stays: a default name is that of the moment, also after a rename with an alias.
      const back = wasReset.has(name)
        ? old
        : old === undefined
          ? undefined
          : defaultOf(field, { old, inputs: news, context });
      if (back !== undefined) {
        inputs[name] = back;
        reset.push(name);
      } else if (field.managedDefault !== undefined) inputs[name] = field.managedDefault;
      else if (field.required) failures.push({ property: name, reason: `${name} is required` });
    } else if (holdsUnknown(value)) {
      inputs[name] = value;
      unknown.add(name);
    } else {
      const parsed = field.schema.safeParse(value);
      // An argument that failed stays as it was given: the engine shows it beside the reason.
      inputs[name] = parsed.success ? parsed.data : value;
      if (parsed.success) known[name] = parsed.data;
      // From now on, as with deleteBeforeReplace the old resource of the same object goes before the new one is made.
      const holder = parsed.success && field.adoptId ? hold(resource, String(parsed.data), context) : undefined;
      if (holder !== undefined) failures.push({ property: name, reason: heldBy(holder, resource, parsed.data) });
      if (!parsed.success) {
        unknown.add(name);
        failures.push(failure(name, field, reasonOf(parsed.error)));
      }
    }
  }
  for (const found of (await resource.rules?.(known, unknown)) ?? []) {
    failures.push(failure(found.property, fields[found.property], found.reason));
  }
  if (reset.length > 0) inputs[RESET] = reset.join();
  const isNew = !olds || Object.keys(olds).length === 0;
  const wishes = steering(fields, inputs);
  const replaced = context.memory?.checked(
    resource.schema.type,
    context.origin,
    isNew ? undefined : withoutMarks(olds),
    wishes,
  );
  if (isNew && failures.length === 0) {
    for (const line of (await resource.adoption?.(known, unknown, context)) ?? []) context.log(line);
    const takesOver = Object.keys(fields).some((name) => fields[name]?.adoptId && inputs[name] !== undefined);
    // A value of the past counts for the engine's own decision as it does for a diff's.
    const args = { ...replaced?.inputs, ...atOnce(fields, wishes) };
    if (replaced && !takesOver) await resource.beforeReplace?.({ id: replaced.id, args }, [], context);
  }
  return { inputs, failures };
}

/** Makes the object the resource's in this run. Returns the name of the resource that has it already, if there is one. */
function hold(resource: AnyResource, object: string, context: Context): string | undefined {
  return context.memory?.hold(resource.schema.type, object, context.origin)?.replace(/^[^/]*\/[^/]*\//, "");
}

function heldBy(holder: string, resource: AnyResource, id: unknown): string {
  return (
    `${resource.schema.type} ${id} is the resource "${holder}" of this program already, and can be one resource only: ` +
    "remove one of the two, or give it another existingId"
  );
}

/** What the program says of a deletion, as far as it is known. */
function steering(fields: AnyFields, inputs: Properties): Properties {
  const names = Object.keys(fields).filter((name) => fields[name]?.steersDeletion && inputs[name] !== undefined);
  return Object.fromEntries(names.filter((name) => !holdsUnknown(inputs[name])).map((name) => [name, inputs[name]]));
}

/** Those wishes that count in the very run that brings them. */
function atOnce(fields: AnyFields, wishes: Properties): Properties {
  return Object.fromEntries(Object.entries(wishes).filter(([name]) => fields[name]?.steersDeletion === "now"));
}

/** Names the arguments that went back to their default; in the inputs only, and no business of a resource. */
const RESET = "__reset";

function withoutMarks({ [RESET]: _, ...inputs }: Properties): Properties {
  return inputs;
}

/** Compares what is declared with the state. What was never declared never differs. */
export async function diff(
  resource: AnyResource,
  id: string,
  state: Properties,
  inputs: Properties,
  context: Context,
): Promise<DiffResult> {
  // Added objects must not go to another account than those that are there already.
  if (typeof state.__account === "string") context.memory?.meetAccount(state.__account);
  const fields = await resource.schema.fields();
  context.memory?.diffed(resource.schema.type, context.origin, id);
  context.journal?.settleId(resource.schema.type, id);
  const changed: string[] = [];
  const replaces: string[] = [];
  const replaceOn = context.replaceOnChanges?.map(parsePropertyPath) ?? [];
  let replacementIsCertain = false;
  let adopted = false;

  for (const [name, field] of Object.entries(fields)) {
    const declared = inputs[name];
    if (declared === undefined || field.connectionOnly) continue;
    const unknown = holdsUnknown(declared);
    if (field.adoptId) {
      adopted = true;
      if (!unknown && declared !== id) throw otherIdentity(resource, name, id, declared);
      continue;
    }
    if (!unknown && (await isSame(field, declared, state[name], { inputs, state })) && !isMasked(field, name, state))
      continue;
    changed.push(name);
    if (field.forceNew || (await isNamed(replaceOn, name, field, declared, { inputs, state }))) {
      replaces.push(name);
      replacementIsCertain ||= !unknown;
    }
  }
  if (adopted && replacementIsCertain) throw replacesAdopted(resource, id, replaces);
  // A value that may turn out to be the old one is no ground for a refusal: the deployment asks again.
  const args = { ...state, ...atOnce(fields, steering(fields, inputs)) };
  if (replacementIsCertain) await resource.beforeReplace?.({ id, args }, replaces, context);
  // What stays is no other entry's to delete. A refresh compares before the program has said what stays.
  if (replaces.length === 0 && context.memory?.isDeclared(resource.schema.type, context.origin)) {
    const holder = hold(resource, objectOf(resource, id, state), context);
    const isOne = Object.values(fields).some(({ adoptId }) => adoptId);
    if (isOne && holder !== undefined) throw new ProviderError("refused", `${heldBy(holder, resource, id)}.`);
  }
  return { changed, replaces };
}

/** What the object is to others: two entries of the state may be one. */
function objectOf(resource: AnyResource, id: string, state: Properties): string {
  return resource.object?.(state) ?? id;
}

export async function create(resource: AnyResource, inputs: Properties, context: Context) {
  const created = await expected(() => resource.create(withoutMarks(inputs), context));
  const { id, state, lookalikes = [] } = created;
  // Should the engine take it for what is to be replaced, it stays what it is.
  hold(resource, objectOf(resource, id, state), context);
  context.memory?.made(resource.schema.type, context.origin, id);
  if (lookalikes.length > 0) context.log(alsoThere(resource.schema.type, id, lookalikes));
  return { id, state: await declaring(resource, inputs, state) };
}

function alsoThere(type: string, id: string, lookalikes: string[]): string {
  return (
    `made the ${type} ${id}, and the account had an unused one just like it before: ${lookalikes.join(", ")}. ` +
    "If an interrupted run on another machine left it, delete it."
  );
}

export async function read(resource: AnyResource, id: string, state: Properties, context: Context) {
  const actual = await expected(() => resource.read(id, state, context));
  return actual && masked(resource, state, actual);
}

export async function update(
  resource: AnyResource,
  id: string,
  state: Properties,
  inputs: Properties,
  context: Context,
) {
  return declaring(resource, inputs, await expected(() => resource.update(id, state, withoutMarks(inputs), context)));
}

/**
 * An entry that waits for its deletion keeps the arguments of its time, while people change those of the program: what
 * these say of the deletion counts, as far as a program has run.
 */
export async function remove(resource: AnyResource, id: string, state: Properties, context: Context) {
  const { memory } = context;
  const { wishes, successor, isLeftOver } = memory?.deletion(resource.schema.type, context.origin, id) ?? NOT_DECLARED;
  const fields = await resource.schema.fields();
  const steered = { ...state, ...(isLeftOver ? wishes : atOnce(fields, wishes ?? {})) };
  const circumstances = { isDeclared: wishes !== undefined, successor, asked: wishes ?? {} };
  if (!memory?.isHeld(resource.schema.type, objectOf(resource, id, state))) {
    await expected(() => resource.delete(id, steered, context, circumstances));
  }
  context.journal?.settleId(resource.schema.type, id);
}

const NOT_DECLARED: Deletion = { isLeftOver: false };

/** Which arguments the program declares, kept in the state: an engine that refreshes tells nothing of the inputs. */
const DECLARED = "__declared";

async function declaring(resource: AnyResource, inputs: Properties, state: Properties): Promise<Properties> {
  if (!resource.drifts) return state;
  const fields = Object.keys(await resource.schema.fields());
  return { ...state, [DECLARED]: fields.filter((name) => inputs[name] !== undefined).join() };
}

function declaredIn(state: Properties): Set<string> | undefined {
  const declared = state[DECLARED];
  return typeof declared === "string" ? new Set(declared.split(",")) : undefined;
}

/** What was never declared keeps its old value in the state, so that a change of it never shows. */
async function masked(resource: AnyResource, state: Properties, actual: Properties): Promise<Properties> {
  const declared = declaredIn(state);
  if (!declared) return actual;
  const shown: Properties = { ...actual, [DECLARED]: state[DECLARED] };
  for (const name of Object.keys(await resource.schema.fields())) {
    if (declared.has(name)) continue;
    if (state[name] === undefined) delete shown[name];
    else shown[name] = state[name];
  }
  return shown;
}

/** Whether the state may hold an old value of an argument because it is declared only from now on. */
function isMasked(field: Input, name: string, state: Properties): boolean {
  const declared = declaredIn(state);
  return declared !== undefined && !declared.has(name) && !field.forceNew;
}

/** SSH knows nothing of the provider's kinds of errors: its failures become those of a host here, once for all. */
async function expected<T>(operation: () => Promise<T>): Promise<T> {
  try {
    return await operation();
  } catch (error) {
    if (error instanceof Error && error.name === "SshError") {
      throw new ProviderError("host", error.message, { cause: error });
    }
    throw error;
  }
}

function otherIdentity(resource: AnyResource, name: string, id: string, declared: unknown): ProviderError {
  return new ProviderError(
    "refused",
    `This ${resource.schema.type} is ${id}, and ${name} now says ${declared}: a resource cannot become another object. ` +
      `Put ${name} back or remove it, or declare ${declared} as a resource of its own.`,
  );
}

/** Whether one of the paths names the argument, or something in it that differs. */
async function isNamed(
  paths: readonly PropertyPath[],
  name: string,
  field: Input,
  declared: unknown,
  whole: { inputs: object; state: Properties },
): Promise<boolean> {
  for (const [root, ...rest] of paths) {
    if (root === undefined || (root === name && rest.length === 0)) return true;
    if (root !== name) continue;
    const actual = whole.state[name];
    const changed = withValueFrom(actual, rest, declared);
    if (holdsUnknown(changed) || (changed !== actual && !(await isSame(field, changed, actual, whole)))) return true;
  }
  return false;
}

/** The replacement would take over the very object that it is to replace, which is then deleted. */
function replacesAdopted(resource: AnyResource, id: string, replaces: string[]): ProviderError {
  return new ProviderError(
    "refused",
    `A change of ${replaces.join(", ")} needs a new ${resource.schema.type}, but existingId says to take over ${id}: remove existingId first.`,
  );
}

/** The declared arguments that the state does not meet: what an update has to change. Inputs are known by then. */
export async function differences<Inputs extends object, State extends object>(
  fields: Fields<Inputs>,
  inputs: Inputs,
  state: State,
): Promise<(keyof Inputs & string)[]> {
  const found: (keyof Inputs & string)[] = [];
  for (const name of Object.keys(fields) as (keyof Inputs & string)[]) {
    const field: Input = fields[name] as Input;
    if (inputs[name] === undefined || field.connectionOnly || field.adoptId) continue;
    if (!(await isSame(field, inputs[name], state[name as string as keyof State], { inputs, state }))) found.push(name);
  }
  return found;
}

/** The value that an unset argument gets: at creation, and when it is removed from the program. */
export function defaultOf(field: Input, unset: DefaultContext): unknown {
  return typeof field.default === "function" ? field.default(unset) : field.default;
}

async function isSame(
  field: Input,
  declared: unknown,
  actual: unknown,
  whole: { inputs: object; state: object },
): Promise<boolean> {
  return field.equals ? field.equals(declared, actual, whole) : isDeepStrictEqual(declared, actual);
}

export function holdsUnknown(value: unknown): boolean {
  if (value === UNKNOWN) return true;
  if (Array.isArray(value)) return value.some(holdsUnknown);
  return typeof value === "object" && value !== null && Object.values(value).some(holdsUnknown);
}

/** The engine prints the value of a property that it is told of: a secret one is named in the reason alone. */
function failure(name: string, field: Input | undefined, reason: string): Failure {
  if (!field?.secret) return { property: name, reason };
  return { property: "", reason: reason.includes(name) ? reason : `${name}: ${reason}` };
}

function reasonOf(error: z.ZodError): string {
  return error.issues
    .map((issue) => (issue.path.length ? `${issue.path.join(".")} ${issue.message}` : issue.message))
    .join("; ");
}

function unknownArgument(name: string, resource: AnyResource, fields: AnyFields): string {
  const near = Object.keys(fields).find((field) => distance(field.toLowerCase(), name.toLowerCase()) <= 2);
  return `${resource.schema.type} has no argument ${name}${near ? `: did you mean ${near}?` : ""}`;
}

/** Levenshtein's distance of two words. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const substituted = (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(substituted, (row[j] as number) + 1, (next[j - 1] as number) + 1));
    }
    row = next;
  }
  return row[b.length] as number;
}
