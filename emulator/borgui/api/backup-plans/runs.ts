import { signedIn } from "../../auth/signedIn";
import type { Context } from "../../context";
import { refusal } from "../../errors";
import { idParam } from "../../input";
import { requireFeature } from "../../licence";
import { router } from "../../router";
import { activeRun, cancelRun, startRun } from "../../runs/start";
import type { Job, Run } from "../../store/rows";
import { nested } from "../repositories/shapes";
import { operator, planOf } from "./plans";

const ACTIVE = new Set(["pending", "running"]);

export const runs = router()
  .post("/api/backup-plans/:plan_id/run", signedIn, operator, (c) => {
    const { context } = c.var;
    const plan = planOf(context, idParam(c, "plan_id"));
    if (!plan.enabled) throw refusal(422, "backupPlans.disabled");
    const enabled = plan.repositories.filter((link) => link.enabled);
    if (enabled.length === 0) throw refusal(422, "backupPlans.repositoriesRequired");
    if (enabled.length > 1) requireFeature(context, "backup_plan_multi_repository");
    if (activeRun(context, plan)) throw refusal(409, "backupPlans.runAlreadyActive");
    return c.json(shape(context, startRun(context, plan, "manual")), 202);
  })
  .get("/api/backup-plans/:plan_id/runs", signedIn, (c) => {
    const { context } = c.var;
    const { id } = planOf(context, idParam(c, "plan_id"));
    const own = context.store.runs.all().filter(({ backup_plan_id }) => backup_plan_id === id);
    return c.json({ runs: newest(own, c.req.query("limit") ?? "20").map((run) => shape(context, run)) });
  })
  .get("/api/backup-plans/runs", signedIn, (c) => {
    const { context } = c.var;
    const kept = context.store.runs.all().filter(({ backup_plan_id }) => backup_plan_id !== null);
    return c.json({ runs: newest(kept, c.req.query("limit") ?? "50").map((run) => shape(context, run)) });
  })
  .get("/api/backup-plans/runs/:run_id", signedIn, (c) => {
    const { context } = c.var;
    return c.json(shape(context, runOf(context, idParam(c, "run_id"))));
  })
  .post("/api/backup-plans/runs/:run_id/cancel", signedIn, operator, (c) => {
    const { context } = c.var;
    const run = runOf(context, idParam(c, "run_id"));
    const isActive = ACTIVE.has(run.status);
    const repositories = isActive ? run.repositories.filter(({ status }) => ACTIVE.has(status)) : [];
    const jobs = repositories.filter(({ job }) => job !== null);
    if (isActive) cancelRun(context, run);
    return c.json({
      message: "backend.success.backupPlans.runCancelled",
      run: shape(context, run),
      cancelled_repositories: repositories.length,
      cancelled_backup_jobs: jobs.length,
      processes_terminated: jobs.length,
      already_terminal: !isActive,
    });
  });

/** @throws 404 */
function runOf({ store }: Context, id: number): Run {
  const run = store.runs.get(id);
  if (!run) throw refusal(404, "backupPlans.runNotFound");
  return run;
}

function newest(rows: Run[], limit: string): Run[] {
  return rows.reverse().slice(0, Number(limit));
}

const NO_RETRY = {
  retry_requested_by_user_id: null,
  retry_requested_at: null,
};

function shape({ store }: Context, run: Run) {
  return {
    id: run.id,
    backup_plan_id: run.backup_plan_id,
    trigger: run.trigger,
    status: run.status,
    started_at: run.started_at,
    completed_at: run.completed_at,
    error_message: run.error_message,
    skip_reason: null,
    created_at: run.created_at,
    retry_attempt: 1,
    retry_original_run_id: null,
    retry_source_run_id: null,
    ...NO_RETRY,
    repositories: run.repositories.map(({ job, ...child }) => {
      const repository = store.repositories.get(child.repository_id);
      return { ...child, repository: repository ? nested(repository) : null, backup_job: job && jobShape(job) };
    }),
    script_executions: run.script_executions.map((execution) => ({
      ...execution,
      agent_script_name: null,
      execution_time: (Date.parse(execution.completed_at) - Date.parse(execution.started_at)) / 1000,
      current_line: null,
      has_logs: execution.exit_code !== 0,
    })),
  };
}

function jobShape(job: Job) {
  return {
    id: job.id,
    repository: job.repository,
    repository_id: job.repository_id,
    status: job.status,
    started_at: job.started_at,
    completed_at: job.completed_at,
    progress: job.status === "completed" ? 100 : 0,
    error_message: job.error_message,
    has_logs: job.status === "failed",
    maintenance_status: job.maintenance_status,
    archive_name: job.archive_name,
    execution_mode: "local",
    route_strategy: "server_direct",
    retry_attempt: 1,
    retry_original_job_id: null,
    retry_source_job_id: null,
    ...NO_RETRY,
    progress_details: {
      current_file: "",
      progress_percent: job.status === "completed" ? 100 : 0,
      backup_speed: 0,
      total_expected_size: 0,
      estimated_time_remaining: 0,
      nfiles: job.nfiles,
      original_size: job.original_size,
      compressed_size: job.compressed_size,
      deduplicated_size: job.deduplicated_size,
    },
  };
}
