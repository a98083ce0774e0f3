import { isoTime } from "../../clock";
import { olderFields } from "../api/repositories/sources";
import { refreshStats } from "../api/repositories/stats";
import type { Context } from "../context";
import type { Plan, PlanRepository, Run } from "../store/rows";
import { backUp, type Child } from "./backUp";
import { runHooks } from "./hooks";

const ACTIVE = new Set(["pending", "running"]);
const GOOD = new Set(["completed", "completed_with_warnings"]);

export function activeRun({ store }: Context, { id }: Plan): Run | undefined {
  return store.runs.find((run) => run.backup_plan_id === id && ACTIVE.has(run.status));
}

/** Starts a run, which goes on after the answer, also without its plan. */
export function startRun(context: Context, plan: Plan, trigger: "manual" | "schedule"): Run {
  const { store, clock } = context;
  const links = plan.repositories.filter((link) => link.enabled);
  const run = store.runs.insert({
    backup_plan_id: plan.id,
    trigger,
    status: "pending",
    started_at: null,
    completed_at: null,
    error_message: null,
    created_at: isoTime(clock.now()),
    script_executions: [],
    repositories: links.map(({ repository_id }) => ({
      id: store.newPartId(),
      repository_id,
      status: "pending",
      started_at: null,
      completed_at: null,
      error_message: null,
      job: null,
    })),
  });
  const stop = new AbortController();
  context.stops.set(run.id, stop);
  // The answer shows the run before its first step.
  const work = new Promise<void>((resolve) => setImmediate(resolve)).then(() =>
    execute(context, run, plan, links, stop.signal),
  );
  context.runsUnderWay.add(work);
  void work.finally(() => {
    context.runsUnderWay.delete(work);
    context.stops.delete(run.id);
  });
  return run;
}

/** Stops a run. Parts that have ended stay as they are. */
export function cancelRun({ store, clock, stops }: Context, run: Run): void {
  const now = isoTime(clock.now());
  for (const child of run.repositories.filter(({ status }) => ACTIVE.has(status))) {
    Object.assign(child, { status: "cancelled", completed_at: now });
    if (child.job && ACTIVE.has(child.job.status)) Object.assign(child.job, { status: "cancelled", completed_at: now });
  }
  Object.assign(run, { status: "cancelled", completed_at: now, error_message: "A user has cancelled the run." });
  store.runs.save(run);
  stops.get(run.id)?.abort();
}

async function execute(
  context: Context,
  run: Run,
  plan: Plan,
  links: PlanRepository[],
  signal: AbortSignal,
): Promise<void> {
  const { store, clock } = context;
  if (signal.aborted) return;
  const now = () => isoTime(clock.now());
  run.status = "running";
  run.started_at = now();
  plan.last_run = run.started_at;
  if (store.plans.get(plan.id)) store.plans.save(plan);
  store.runs.save(run);
  const refusal = await runHooks(context, run, plan, "pre-backup", null);
  let stopped = false;
  for (const [index, child] of run.repositories.entries()) {
    const link = links[index];
    if (!link || signal.aborted) continue;
    if (refusal !== null) Object.assign(child, { status: "failed", error_message: refusal });
    else if (stopped) child.status = "skipped";
    else await executeOne(context, run, child, plan, link, signal);
    if (signal.aborted) continue;
    child.completed_at = now();
    store.runs.save(run);
    stopped ||= child.status === "failed" && (link.failure_behavior_override ?? plan.failure_behavior) === "stop";
  }
  if (signal.aborted) return;
  const warning = refusal === null ? await runHooks(context, run, plan, "post-backup", resultOf(run)) : null;
  run.status = outcome(run);
  run.error_message = refusal;
  if (warning !== null && run.status === "completed") {
    run.status = "completed_with_warnings";
    run.error_message = warning;
  }
  run.completed_at = now();
  store.runs.save(run);
  await store.commit();
}

async function executeOne(
  context: Context,
  run: Run,
  child: Child,
  plan: Plan,
  link: PlanRepository,
  signal: AbortSignal,
): Promise<void> {
  const { store, clock } = context;
  const repository = store.repositories.get(link.repository_id);
  if (!repository) {
    child.status = "failed";
    return;
  }
  child.status = "running";
  child.started_at = isoTime(clock.now());
  child.job = {
    id: store.newPartId(),
    repository: repository.path,
    repository_id: repository.id,
    status: "running",
    started_at: child.started_at,
    completed_at: null,
    error_message: null,
    maintenance_status: null,
    archive_name: null,
    original_size: 0,
    compressed_size: 0,
    deduplicated_size: 0,
    nfiles: 0,
  };
  store.runs.save(run);
  const { source_directories } = olderFields(plan.source_locations);
  await backUp(context, { child, job: child.job, plan, link, repository, folders: source_directories, signal });
  if (GOOD.has(child.status)) await refreshStats(context, repository);
}

/** The condition that scripts after the backups run on. */
function resultOf({ repositories }: Run) {
  if (repositories.some(({ status }) => !GOOD.has(status))) return "failure";
  return repositories.some(({ status }) => status === "completed_with_warnings") ? "warning" : "success";
}

function outcome({ repositories }: Run): string {
  const good = repositories.filter(({ status }) => GOOD.has(status)).length;
  const bad = repositories.filter(({ status }) => status === "failed").length;
  if (bad > 0) return good > 0 ? "partial" : "failed";
  const hasWarning = repositories.some(({ status }) => status === "completed_with_warnings");
  return hasWarning ? "completed_with_warnings" : "completed";
}
