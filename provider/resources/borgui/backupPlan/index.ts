import type { BorgUi, PlanSummary, ServerPlan } from "../../../borgui";
import { type Failure, ProviderError } from "../../../errors";
import { differences } from "../../../lifecycle/compare";
import type { Context, Resource } from "../../../lifecycle/resource";
import { type BackupPlanInputs, type BackupPlanState, backupPlanSchema } from "../../../schema/borgui/backupPlan";
import { adoptionLines, assertMade } from "../adoption";
import { assertSameServer, type OfServer, serverOf } from "../sameServer";
import { toEdit, toState } from "./remote";

function rules({ repositoryIds, scriptHooks }: Partial<BackupPlanInputs>): Failure[] {
  const failures: Failure[] = [];
  if (repositoryIds && new Set(repositoryIds).size < repositoryIds.length) {
    failures.push({ property: "repositoryIds", reason: "names a repository twice" });
  }
  // Borg UI lists all hooks of one kind before those of the other.
  const kinds = (scriptHooks ?? []).map(({ when }) => when);
  if (kinds.indexOf("post-backup") !== -1 && kinds.lastIndexOf("pre-backup") > kinds.indexOf("post-backup")) {
    failures.push({ property: "", reason: 'scriptHooks: name those with when: "pre-backup" first' });
  }
  return failures;
}

/** Brings the plan to what the program says, and believes what it reads alone. */
async function reconcile(
  ui: BorgUi,
  plan: ServerPlan,
  inputs: BackupPlanInputs,
  mark: OfServer,
): Promise<BackupPlanState> {
  const fields = await backupPlanSchema.fields();
  const changed = await differences(fields, inputs, toState(plan, mark));
  if (changed.length === 0) return withOwnHooks(toState(plan, mark), inputs, changed);
  await ui.plans.update(plan, toEdit(inputs, changed));
  const state = toState(await readPlan(ui, plan.id), mark);
  await assertMade(`backup plan ${plan.id}`, fields, inputs, state);
  return withOwnHooks(state, inputs, []);
}

/** The program's hooks where they are those of the server: the server masks passwords. */
function withOwnHooks(
  state: BackupPlanState,
  { scriptHooks }: Partial<BackupPlanState>,
  changed: readonly string[],
): BackupPlanState {
  if (scriptHooks === undefined || state.scriptHooks === undefined || changed.includes("scriptHooks")) return state;
  return { ...state, scriptHooks };
}

async function readPlan(ui: BorgUi, id: string): Promise<ServerPlan> {
  const plan = await ui.plans.read(id);
  if (plan) return plan;
  throw new ProviderError(
    "notFound",
    `The backup plan ${id} is gone from Borg UI: run \`pulumi refresh\`, and the next \`pulumi up\` makes a new one.`,
  );
}

async function findAdoptable(id: string, context: Context): Promise<ServerPlan> {
  const { ui } = await serverOf(context);
  const plan = await ui.plans.read(id);
  if (plan) return plan;
  throw new ProviderError("notFound", `Borg UI has no backup plan ${id} to take over (existingId).`);
}

function assertFree(name: string, all: PlanSummary[]): void {
  const existing = all.find((plan) => plan.name === name);
  if (existing === undefined) return;
  throw new ProviderError(
    "refused",
    `Borg UI has a backup plan "${name}" already: ${existing.id}. Take it over with existingId: "${existing.id}", or give another name.`,
  );
}

/** A backup plan of a Borg UI server. */
export const backupPlan: Resource<BackupPlanInputs, BackupPlanState> = {
  schema: backupPlanSchema,
  drifts: true,
  rules,

  async previewAdoption(inputs, unknown, context) {
    if (inputs.existingId === undefined) return [];
    const plan = await findAdoptable(inputs.existingId, context);
    return adoptionLines(`backup plan ${plan.id}`, await backupPlanSchema.fields(), inputs, toState(plan, {}), unknown);
  },

  async create(inputs, context) {
    const { ui, mark } = await serverOf(context);
    if (inputs.existingId !== undefined) {
      const plan = await findAdoptable(inputs.existingId, context);
      return { id: plan.id, state: await reconcile(ui, plan, inputs, mark) };
    }
    const name = inputs.name ?? context.name;
    const edit = { ...toEdit(inputs, Object.keys(inputs)), name };
    const { item, recovered } = await ui.plans.create(edit, (all) => assertFree(name, all), context.origin);
    return { id: item.id, state: await reconcile(ui, await readPlan(ui, item.id), inputs, mark), recovered };
  },

  async read(id, state, context) {
    const { ui, mark } = await serverOf(context);
    const plan = await ui.plans.read(id);
    assertSameServer(`backup plan ${id}`, state, ui, plan?.name === state.name);
    if (plan === undefined) return undefined;
    const actual = toState(plan, mark);
    const fields = await backupPlanSchema.fields();
    const known = { scriptHooks: state.scriptHooks } as BackupPlanInputs;
    return withOwnHooks(actual, state, await differences(fields, known, actual));
  },

  async update(id, state, inputs, context) {
    const { ui, mark } = await serverOf(context);
    const plan = await readPlan(ui, id);
    assertSameServer(`backup plan ${id}`, state, ui, plan.name === state.name);
    return reconcile(ui, plan, inputs, mark);
  },

  async list(context) {
    return (await serverOf(context)).ui.plans.refetchCoalesced();
  },

  async delete(id, state, context) {
    const { ui } = await serverOf(context);
    const plan = await ui.plans.read(id);
    assertSameServer(`backup plan ${id}`, state, ui, plan?.name === state.name);
    if (plan) await ui.plans.delete(id);
  },
};
