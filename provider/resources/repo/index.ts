import type { ApiRepo } from "../../api";
import { type Failure, PartialFailure, ProviderError } from "../../errors";
import { differences } from "../../lifecycle/compare";
import type { Context, Resource } from "../../lifecycle/resource";
import { defaultOf, type Input } from "../../schema/define";
import { hasBorgVersion, ignoringCase, type RepoInputs, type RepoState, repoSchema } from "../../schema/repo";
import { assertSameOwner, ownerForCreate, readableOwner } from "../ownership";
import { assertDeletable, assertReplaceable } from "./guard";
import { toMutationVars, toState } from "./remote";

/** Settings that the API does not store. */
function localSettings({ forceDestroy = false, keepOnDelete = false }: Partial<RepoInputs>) {
  return { forceDestroy, keepOnDelete };
}

/** Updates an existing repository to match the program: one request with the differences, or none. */
async function reconcile(remote: ApiRepo, local: Partial<RepoState>, inputs: RepoInputs, context: Context) {
  const actual = toState(remote, local);
  const changes = await toMutationVars(inputs, await differences(await repoSchema.fields(), inputs, actual));
  const after = { ...local, ...localSettings({ ...local, ...JSON.parse(JSON.stringify(inputs)) }) };
  if (Object.keys(changes).length === 0) return toState(remote, after);
  const { repos } = await context.api();
  return toState(await repos.update(remote.id, changes), after);
}

/**
 * The repository to adopt.
 * @throws `notFound`, `refused`
 */
async function findAdoptable(id: string, inputs: Partial<RepoInputs>, context: Context): Promise<ApiRepo> {
  const { repos } = await context.api();
  const remote = await repos.get(id);
  if (!remote) throw new ProviderError("notFound", `The account has no repository ${id} to take over (existingId).`);
  assertAdoptable(remote, inputs);
  return remote;
}

/** Region and format cannot be changed, so they must match. */
function assertAdoptable(remote: ApiRepo, inputs: Partial<RepoInputs>): void {
  for (const name of ["region", "format"] as const) {
    const desired = inputs[name];
    if (desired === undefined || ignoringCase(desired, remote[name])) continue;
    throw new ProviderError(
      "refused",
      `The repository ${remote.id} to take over has the ${name} "${remote[name]}", which cannot be changed: give ${name}: "${remote[name]}", not "${desired}".`,
    );
  }
}

function rules({ format, borgVersion }: Partial<RepoInputs>): Failure[] {
  if (borgVersion === undefined || hasBorgVersion(format)) return [];
  return [
    { property: "borgVersion", reason: `is for borg repositories only, and format is "${format}": leave it out` },
  ];
}

/** Arguments of a create, with defaults for the unset ones. */
async function withDefaults(inputs: RepoInputs, context: Context): Promise<RepoInputs & { name: string }> {
  const complete: Record<string, unknown> = JSON.parse(JSON.stringify(inputs));
  for (const [name, field] of Object.entries(await repoSchema.fields())) {
    complete[name] ??= defaultOf(field as Input, { old: undefined, inputs: complete, context });
  }
  return complete as unknown as RepoInputs & { name: string };
}

/** A backup repository at BorgBase. */
export const repo: Resource<RepoInputs, RepoState> = {
  schema: repoSchema,
  drifts: true,
  rules,

  async previewAdoption(inputs, unknown, context) {
    if (inputs.existingId === undefined) return [];
    const remote = await findAdoptable(inputs.existingId, inputs, context);
    const actual = toState(remote, {});
    const changed = await differences(await repoSchema.fields(), inputs as RepoInputs, actual);
    const line = (name: string, value: string) => `  ${name}: ${show(actual[name as keyof RepoState])} => ${value}`;
    const lines = [
      ...changed.map((name) => line(name, show(inputs[name]))),
      ...[...unknown].map((name) => line(name, "not known before the deployment")),
    ];
    return [
      `takes over the repository ${remote.id}; it changes ${lines.length ? "" : "nothing of it"}`.trim(),
      ...lines,
    ];
  },

  async create(inputs, context) {
    const __account = await ownerForCreate(context);
    const { repos } = await context.api();
    if (inputs.existingId !== undefined) {
      const remote = await findAdoptable(inputs.existingId, inputs, context);
      return { id: remote.id, state: await reconcile(remote, { ...(__account && { __account }) }, inputs, context) };
    }
    const complete = await withDefaults(inputs, context);
    const args = await toMutationVars(complete, Object.keys(complete));
    const { item, ...found } = await repos.create(
      { ...args, name: complete.name, region: inputs.region },
      context.origin,
      async () => (inputs.keepOnDelete ? "keepOnDelete is set" : undefined),
    );
    const local = { ...localSettings(inputs), ...(__account && { __account }) };
    const created = toState(item, local);
    if (!found.recovered) return { id: item.id, state: created, ...found };
    try {
      return { id: item.id, state: await reconcile(item, local, complete, context), ...found };
    } catch (error) {
      if (!(error instanceof ProviderError)) throw error;
      throw new PartialFailure(error, { id: item.id, state: created });
    }
  },

  async read(id, state, context) {
    const { repos } = await context.api();
    const [remote, owner] = await Promise.all([repos.get(id), readableOwner(context)]);
    if (remote) {
      // The token's account owns it: a rename of the account updates the name here.
      const __account = owner ?? state.__account;
      return toState(remote, { ...state, ...(__account && { __account }) });
    }
    await assertSameOwner(`repository ${id}`, state.__account, (await repos.all()).length, context);
    return undefined;
  },

  async update(id, state, inputs, context) {
    const { repos } = await context.api();
    const remote = await repos.get(id);
    if (remote) return reconcile(remote, state, inputs, context);
    await assertSameOwner(`repository ${id}`, state.__account, (await repos.all()).length, context);
    throw new ProviderError(
      "notFound",
      `The repository ${id} is gone from BorgBase: run \`pulumi refresh\`, and the next \`pulumi up\` makes a new one.`,
    );
  },

  async list(context) {
    return (await context.api()).repos.refetchCoalesced();
  },

  assertReplaceAllowed: assertReplaceable,

  async delete(id, state, context, deletion) {
    if (state.keepOnDelete) {
      context.log(`leaves the repository ${id} and its backups in the account, as keepOnDelete says`);
      return;
    }
    const { repos } = await context.api();
    const remote = await repos.getUncached(id);
    if (remote && !state.forceDestroy) assertDeletable(remote, deletion);
    if (remote && (await repos.delete(id))) return;
    await assertSameOwner(`repository ${id}`, state.__account, (await repos.all()).length, context);
  },
};

function show(value: unknown): string {
  return value === undefined || (typeof value === "object" && Object.keys(value ?? {}).length === 0)
    ? "none"
    : JSON.stringify(value);
}
