import { isoTime } from "../../../clock";
import { notPermitted, signedIn } from "../../auth/signedIn";
import type { Context } from "../../context";
import { nextTime } from "../../cron";
import { HttpError, refusal } from "../../errors";
import { idParam, readBody } from "../../input";
import { factory, router } from "../../router";
import type { Plan, SourceLocation } from "../../store/rows";
import { olderFields } from "../repositories/sources";
import { type PlanInput, planInput } from "./input";
import { detailed, listed } from "./shapes";
import { validate } from "./validate";

/** Requires a user that may change plans. */
export const operator = factory.createMiddleware(async (c, next) => {
  if (c.var.user.role === "viewer") throw notPermitted();
  await next();
});

export const plans = router()
  .get("/api/backup-plans/", signedIn, (c) => {
    const { context } = c.var;
    const rows = context.store.plans.all().sort((a, b) => (a.name < b.name ? -1 : 1));
    const repository = c.req.query("repository_id");
    if (repository === undefined) return c.json({ backup_plans: rows.map(listed) });
    const using = rows.filter((plan) =>
      plan.repositories.some(({ repository_id, enabled }) => enabled && repository_id === Number(repository)),
    );
    return c.json({ backup_plans: using.map((plan) => detailed(context, plan)) });
  })
  .post("/api/backup-plans/", signedIn, operator, async (c) => {
    const { context } = c.var;
    const input = await readBody(c, planInput);
    const locations = validate(context, input);
    refuseTaken(context, input, null);
    const now = isoTime(context.clock.now());
    const values = valuesOf(context, input, locations, []);
    const plan = context.store.plans.insert({ ...values, last_run: null, created_at: now });
    return c.json(detailed(context, plan), 201);
  })
  .get("/api/backup-plans/:plan_id", signedIn, (c) => {
    const { context } = c.var;
    return c.json(detailed(context, planOf(context, idParam(c, "plan_id"))));
  })
  /** Replaces every field but the hooks, which null keeps. */
  .put("/api/backup-plans/:plan_id", signedIn, operator, async (c) => {
    const { context } = c.var;
    const id = idParam(c, "plan_id");
    const input = await readBody(c, planInput);
    const plan = planOf(context, id);
    const locations = validate(context, input);
    refuseTaken(context, input, id);
    Object.assign(plan, valuesOf(context, input, locations, plan.script_hooks));
    context.store.plans.save(plan);
    return c.json(detailed(context, plan));
  })
  /** Also while the plan runs; the run goes on. */
  .delete("/api/backup-plans/:plan_id", signedIn, operator, (c) => {
    const { context } = c.var;
    const { id } = planOf(context, idParam(c, "plan_id"));
    for (const run of context.store.runs.all()) {
      if (run.backup_plan_id !== id) continue;
      run.backup_plan_id = null;
      context.store.runs.save(run);
    }
    context.store.plans.delete(id);
    return c.json({ message: "backend.success.backupPlans.deleted" });
  })
  .post("/api/backup-plans/:plan_id/toggle", signedIn, operator, (c) => {
    const { context } = c.var;
    const plan = planOf(context, idParam(c, "plan_id"));
    plan.enabled = !plan.enabled;
    plan.next_run = plan.enabled ? nextRun(context, plan) : null;
    plan.updated_at = isoTime(context.clock.now());
    context.store.plans.save(plan);
    return c.json(detailed(context, plan));
  });

/** @throws 404 */
export function planOf({ store }: Context, id: number): Plan {
  const plan = store.plans.get(id);
  if (!plan) throw refusal(404, "backupPlans.notFound");
  return plan;
}

/** @throws 409 */
function refuseTaken({ store }: Context, { name }: PlanInput, ownId: number | null): void {
  const taken = store.plans.find((plan) => plan.name === name.trim() && plan.id !== ownId);
  if (taken) throw refusal(409, "backupPlans.nameExists");
}

type Values = Omit<Plan, "id" | "last_run" | "created_at">;

/** The stored form of an input: trimmed texts, "" as null, both forms of the sources. */
function valuesOf(
  context: Context,
  input: PlanInput,
  locations: SourceLocation[],
  hooks: Plan["script_hooks"],
): Values {
  const { store, clock } = context;
  const isCron = input.schedule_enabled && input.schedule_mode === "cron";
  const schedule = {
    schedule_enabled: input.schedule_enabled,
    schedule_mode: input.schedule_mode,
    cron_expression: isCron ? (input.cron_expression ?? null) : null,
    timezone: input.timezone,
  };
  return {
    ...input,
    ...schedule,
    ...olderFields(locations),
    name: input.name.trim(),
    description: input.description ? input.description.trim() : null,
    source_locations: locations,
    exclude_patterns: input.exclude_patterns ?? [],
    archive_name_template: input.archive_name_template.trim() || "{plan_name}-{now}",
    custom_flags: input.custom_flags?.trim() || null,
    check_extra_flags: input.check_extra_flags?.trim() || null,
    prune_keep_within: input.prune_keep_within?.trim() || null,
    next_run: nextRun(context, schedule),
    updated_at: isoTime(clock.now()),
    script_hooks:
      input.script_hooks?.map(({ agent_script_name: _, script_id, parameter_values, ...hook }) => ({
        ...hook,
        id: store.newPartId(),
        script_id: script_id ?? 0,
        continue_on_error: hook.continue_on_error ?? false,
        skip_on_failure: hook.skip_on_failure ?? false,
        parameter_values: knownValues(context, script_id, parameter_values ?? {}),
      })) ?? hooks,
    repositories: input.repositories
      .map((link, index) => ({
        ...link,
        id: store.newPartId(),
        execution_order: link.execution_order || index + 1,
        compression_override: link.compression_source === "custom" ? link.compression_override : null,
      }))
      .sort((a, b) => a.execution_order - b.execution_order),
  };
}

/** The values of declared parameters; others are dropped without a word. @throws 400 for a missing one. */
function knownValues({ store }: Context, scriptId: number | null, values: Record<string, unknown>) {
  const declared = store.scripts.get(scriptId)?.parameters ?? [];
  const missing = declared.find(({ name, required }) => required && !Object.hasOwn(values, String(name)));
  if (missing) throw new HttpError(400, `Missing required script parameter: ${missing.name}`);
  const names = declared.map(({ name }) => String(name)).filter((name) => Object.hasOwn(values, name));
  return Object.fromEntries(names.map((name) => [name, values[name]]));
}

type Schedule = Pick<Plan, "schedule_enabled" | "schedule_mode" | "cron_expression" | "timezone">;

/** The next time of a plan; null without a schedule. */
export function nextRun({ clock }: Context, plan: Schedule): string | null {
  if (!plan.schedule_enabled) return null;
  if (plan.schedule_mode === "availability") return isoTime(clock.now());
  const next = plan.cron_expression ? nextTime(plan.cron_expression, plan.timezone, clock.now()) : null;
  return next && isoTime(next);
}
