import type { RemoteRepo } from "../../api";
import { type Failure, ProviderError } from "../../errors";
import { differences } from "../../lifecycle/compare";
import type { Context, Resource } from "../../lifecycle/resource";
import { defaultOf, type Input } from "../../schema/define";
import { hasBorgVersion, ignoringCase, type RepoInputs, type RepoState, repoSchema } from "../../schema/repo";
import { assertOwner, ownerOfAddition, rememberOwner } from "../account";
import { assertDeletable, assertReplaceable } from "./guard";
import { toArguments, toState } from "./remote";

/** What the API does not keep. */
function ownSettings({ forceDestroy = false, keepOnDelete = false }: Partial<RepoInputs>) {
  return { forceDestroy, keepOnDelete };
}

/** Brings a repository that is there to what the program says: one request with what differs, or none. */
async function ensure(remote: RemoteRepo, kept: Partial<RepoState>, inputs: RepoInputs, context: Context) {
  const actual = toState(remote, kept);
  const changes = await toArguments(inputs, await differences(await repoSchema.fields(), inputs, actual));
  const after = { ...kept, ...ownSettings({ ...kept, ...JSON.parse(JSON.stringify(inputs)) }) };
  if (Object.keys(changes).length === 0) return toState(remote, after);
  const { repos } = await context.api();
  return toState(await repos.edit(remote.id, changes), after);
}

/** The repository to take over. */
async function find(id: string, inputs: Partial<RepoInputs>, context: Context): Promise<RemoteRepo> {
  const { repos } = await context.api();
  const remote = await repos.get(id);
  if (!remote) throw new ProviderError("notFound", `The account has no repository ${id} to take over (existingId).`);
  assertAdoptable(remote, inputs);
  return remote;
}

/** Region and format are fixed at creation, so a repository that differs there cannot become what the program says. */
function assertAdoptable(remote: RemoteRepo, inputs: Partial<RepoInputs>): void {
  for (const name of ["region", "format"] as const) {
    const declared = inputs[name];
    if (declared === undefined || ignoringCase(declared, remote[name])) continue;
    throw new ProviderError(
      "refused",
      `The repository ${remote.id} to take over has the ${name} "${remote[name]}", which cannot be changed: give ${name}: "${remote[name]}", not "${declared}".`,
    );
  }
}

function rules({ format, borgVersion }: Partial<RepoInputs>): Failure[] {
  if (borgVersion === undefined || hasBorgVersion(format)) return [];
  return [
    { property: "borgVersion", reason: `is for borg repositories only, and format is "${format}": leave it out` },
  ];
}

/** What a repository is created with: the default stands where the program sets nothing. */
async function withDefaults(inputs: RepoInputs, context: Context): Promise<RepoInputs & { name: string }> {
  const wanted: Record<string, unknown> = JSON.parse(JSON.stringify(inputs));
  for (const [name, field] of Object.entries(await repoSchema.fields())) {
    wanted[name] ??= defaultOf(field as Input, { old: undefined, inputs: wanted, context });
  }
  return wanted as unknown as RepoInputs & { name: string };
}

/** A backup repository at BorgBase. */
export const repo: Resource<RepoInputs, RepoState> = {
  schema: repoSchema,
  drifts: true,
  rules,

  async previewAdoption(inputs, unknown, context) {
    if (inputs.existingId === undefined) return [];
    const remote = await find(inputs.existingId, inputs, context);
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
    const __account = await ownerOfAddition(context);
    const { repos } = await context.api();
    if (inputs.existingId !== undefined) {
      const remote = await find(inputs.existingId, inputs, context);
      return { id: remote.id, state: await ensure(remote, { ...(__account && { __account }) }, inputs, context) };
    }
    const wanted = await withDefaults(inputs, context);
    const args = await toArguments(wanted, Object.keys(wanted));
    const added = await repos.add({ ...args, name: wanted.name, region: inputs.region }, context.origin);
    const { item, recovered, possibleDuplicates } = added;
    const kept = { ...ownSettings(inputs), ...(__account && { __account }) };
    const state = recovered ? await ensure(item, kept, wanted, context) : toState(item, kept);
    return { id: item.id, state, recovered, possibleDuplicates };
  },

  async read(id, state, context) {
    const { repos } = await context.api();
    const remote = await repos.get(id);
    if (remote) {
      // It is there, so it is of the token's account, whatever that was called before.
      const __account = (await rememberOwner(context)) ?? state.__account;
      return toState(remote, { ...state, ...(__account && { __account }) });
    }
    await assertOwner(`repository ${id}`, state.__account, (await repos.all()).length, context);
    return undefined;
  },

  async update(id, state, inputs, context) {
    const { repos } = await context.api();
    const remote = await repos.get(id);
    if (remote) return ensure(remote, state, inputs, context);
    await assertOwner(`repository ${id}`, state.__account, (await repos.all()).length, context);
    throw new ProviderError(
      "notFound",
      `The repository ${id} is gone from BorgBase: run \`pulumi refresh\`, and the next \`pulumi up\` makes a new one.`,
    );
  },

  assertReplaceAllowed: assertReplaceable,

  async delete(id, state, context, circumstances) {
    if (state.keepOnDelete) {
      context.log(`leaves the repository ${id} and its backups in the account, as keepOnDelete says`);
      return;
    }
    const { repos } = await context.api();
    const remote = await repos.current(id);
    if (remote && !state.forceDestroy) assertDeletable(remote, circumstances);
    if (remote && (await repos.delete(id))) return;
    await assertOwner(`repository ${id}`, state.__account, (await repos.all()).length, context);
  },
};

function show(value: unknown): string {
  return value === undefined || (typeof value === "object" && Object.keys(value ?? {}).length === 0)
    ? "none"
    : JSON.stringify(value);
}
