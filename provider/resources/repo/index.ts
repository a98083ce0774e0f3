import type { RemoteRepo } from "../../api";
import { ProviderError } from "../../errors";
import { differences } from "../../lifecycle";
import type { Context, Resource } from "../../resource";
import { assertOwner, ownerOfAddition, rememberOwner } from "../account";
import { fields, ignoringCase, type RepoInputs, rules, withDefaults } from "./arguments";
import { assertDeletable, assertReplaceable } from "./guard";
import { type RepoState, toArguments, toState } from "./remote";

export type { Compaction, RepoInputs } from "./arguments";
export type { RepoServer, RepoState } from "./remote";

/** What the API does not keep. */
function ownSettings({ forceDestroy = false, keepOnDelete = false }: Partial<RepoInputs>) {
  return { forceDestroy, keepOnDelete };
}

/** Brings a repository that is there to what the program says: one request with what differs, or none. */
async function ensure(remote: RemoteRepo, kept: Partial<RepoState>, inputs: RepoInputs, context: Context) {
  const actual = toState(remote, kept);
  const changes = toArguments(inputs, await differences(await fields(), inputs, actual));
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

/** A backup repository at BorgBase. */
export const repo: Resource<RepoInputs, RepoState> = {
  type: "Repo",
  drifts: true,
  fields,
  rules,

  async adoption(inputs, unknown, context) {
    if (inputs.existingId === undefined) return [];
    const remote = await find(inputs.existingId, inputs, context);
    const actual = toState(remote, {});
    const changed = await differences(await fields(), inputs as RepoInputs, actual);
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
    const wanted = withDefaults(inputs, context);
    const args = toArguments(wanted, Object.keys(wanted));
    const added = await repos.add({ ...args, name: wanted.name, region: inputs.region }, context.origin);
    const { item, recovered, lookalikes } = added;
    const kept = { ...ownSettings(inputs), ...(__account && { __account }) };
    const state = recovered ? await ensure(item, kept, wanted, context) : toState(item, kept);
    return { id: item.id, state, recovered, lookalikes };
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

  beforeReplace: assertReplaceable,

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
