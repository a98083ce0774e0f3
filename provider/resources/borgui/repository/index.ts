import type { BorgUi, ServerRepository } from "../../../borgui";
import { type Failure, ProviderError } from "../../../errors";
import { differences } from "../../../lifecycle/compare";
import type { Context, Resource } from "../../../lifecycle/resource";
import { type RepositoryInputs, type RepositoryState, repositorySchema } from "../../../schema/borgui/repository";
import { adoptionLines, assertMade, assertUnchangeable } from "../adoption";
import { assertSameServer, serverOf } from "../sameServer";
import { assertDeletable, assertReplaceable } from "./guard";
import { makeRepository } from "./make";
import { connectionOf, type Local, toEdit, toSchedule, toState } from "./remote";

function rules(
  { encryption, passphrase, adopt, existingId }: Partial<RepositoryInputs>,
  unknown: ReadonlySet<string>,
): Failure[] {
  const failures: Failure[] = [];
  const isMissing = passphrase === undefined && !unknown.has("passphrase") && !unknown.has("encryption");
  if (isMissing && encryption !== "none" && existingId === undefined) {
    failures.push({ property: "", reason: 'passphrase is required, unless encryption is "none"' });
  }
  if (passphrase !== undefined && encryption === "none") {
    failures.push({ property: "", reason: 'passphrase: a repository with encryption "none" has none' });
  }
  if (adopt && existingId !== undefined) {
    failures.push({
      property: "adopt",
      reason: "is for a repository that Borg UI does not have yet; existingId names one that it has",
    });
  }
  return failures;
}

/** The state, with what only further calls tell: its connection, and its checks where the program manages them. */
async function stateOf(ui: BorgUi, row: ServerRepository, local: Local, withChecks: boolean): Promise<RepositoryState> {
  const connectionId = await connectionOf(ui, row, local.connectionId);
  const { connectionId: _, ...others } = local;
  const checks = withChecks ? await ui.repositories.checkSchedule(row.id) : undefined;
  return toState(row, { ...others, ...(connectionId !== undefined && { connectionId }) }, checks);
}

/** Brings the repository to what the program says, and believes what it reads alone. */
async function reconcile(ui: BorgUi, row: ServerRepository, inputs: RepositoryInputs, local: Local) {
  const fields = await repositorySchema.fields();
  const after: Local = { ...local, ...JSON.parse(JSON.stringify(inputs)) };
  const manages = inputs.checkSchedule !== undefined;
  const before = await stateOf(ui, row, after, manages);
  const changed = await differences(fields, inputs, before);
  const edit = toEdit(inputs, changed);
  if (edit === undefined && !changed.includes("checkSchedule")) return before;
  const edited = edit ? await ui.repositories.update(row.id, edit) : row;
  if (changed.includes("checkSchedule")) await ui.repositories.setCheckSchedule(row.id, toSchedule(inputs));
  const state = await stateOf(ui, edited, after, manages);
  await assertMade(`repository ${row.id}`, fields, inputs, state);
  return state;
}

async function findAdoptable(
  id: string,
  inputs: Partial<RepositoryInputs>,
  context: Context,
): Promise<ServerRepository> {
  const { ui } = await serverOf(context);
  const row = await ui.repositories.get(id);
  if (!row) throw new ProviderError("notFound", `Borg UI has no repository ${id} to take over (existingId).`);
  const actual = await stateOf(ui, row, given(inputs), false);
  await assertUnchangeable(`repository ${id}`, await repositorySchema.fields(), inputs, actual);
  return row;
}

/** Arguments that describe a place, in the program's form. */
function given({ connectionId, path }: Partial<RepositoryInputs>): Local {
  return { ...(connectionId !== undefined && { connectionId }), ...(path !== undefined && { path }) };
}

/** A repository that a Borg UI server backs up to. */
export const repository: Resource<RepositoryInputs, RepositoryState> = {
  schema: repositorySchema,
  drifts: true,
  deletesBeforeReplace: true,
  rules,

  async previewAdoption(inputs, unknown, context) {
    if (inputs.existingId === undefined) return [];
    const { ui } = await serverOf(context);
    const row = await findAdoptable(inputs.existingId, inputs, context);
    const actual = await stateOf(ui, row, given(inputs), inputs.checkSchedule !== undefined);
    return adoptionLines(`repository ${row.id}`, await repositorySchema.fields(), inputs, actual, unknown);
  },

  async create(inputs, context) {
    const { ui, mark } = await serverOf(context);
    if (inputs.existingId !== undefined) {
      const row = await findAdoptable(inputs.existingId, inputs, context);
      return { id: row.id, state: await reconcile(ui, row, inputs, mark) };
    }
    const { item, recovered } = await makeRepository(ui, inputs, context);
    return { id: item.id, state: await reconcile(ui, item, inputs, mark), recovered };
  },

  async read(id, state, context) {
    const { ui, mark } = await serverOf(context);
    const row = await ui.repositories.get(id);
    assertSameServer(`repository ${id}`, state, ui, row?.path === state.url);
    const withChecks = state.checkSchedule !== undefined || state.url === undefined;
    return row && stateOf(ui, row, { ...state, ...mark }, withChecks);
  },

  async update(id, state, inputs, context) {
    const { ui, mark } = await serverOf(context);
    const row = await ui.repositories.get(id);
    assertSameServer(`repository ${id}`, state, ui, row?.path === state.url);
    if (row) return reconcile(ui, row, inputs, { ...state, ...mark });
    throw new ProviderError(
      "notFound",
      `The repository ${id} is gone from Borg UI: run \`pulumi refresh\`. The next \`pulumi up\` takes it up again with adopt: true, as its archives stay.`,
    );
  },

  async list(context) {
    return (await serverOf(context)).ui.repositories.refetchCoalesced();
  },

  assertReplaceAllowed: assertReplaceable,

  async delete(id, state, context, deletion) {
    const { ui } = await serverOf(context);
    const row = await ui.repositories.getUncached(id);
    assertSameServer(`repository ${id}`, state, ui, row?.path === state.url);
    if (row === undefined) return;
    await assertDeletable(ui, row, deletion);
    if (state.forceDestroy && row.target === undefined) return ui.repositories.erase(row);
    await ui.repositories.delete(id);
    ui.repositories.released.add(row.path);
    context.log(`takes the repository "${row.name}" out of Borg UI; its archives stay at ${row.path}`);
  },
};
