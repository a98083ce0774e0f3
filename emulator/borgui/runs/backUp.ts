import { isoTime } from "../../clock";
import { accessOf, readOptions } from "../api/repositories/access";
import type { Context } from "../context";
import type { Job, Plan, PlanRepository, Repository, Run } from "../store/rows";

export type Child = Run["repositories"][number];

export interface Backup {
  child: Child;
  job: Job;
  plan: Plan;
  link: PlanRepository;
  repository: Repository;
  folders: string[];
  signal: AbortSignal;
}

/** Makes one archive with borg, then prunes, compacts and checks as the plan says. Sets the status of the run's part. */
export async function backUp(context: Context, backup: Backup): Promise<void> {
  const { child, job, plan, repository, signal } = backup;
  const { code, stderr } = await createArchive(context, backup);
  if (signal.aborted) return;
  job.completed_at = isoTime(context.clock.now());
  // Borg's 1 is a warning, as for a file that changed while it was read.
  if (code > 1) {
    job.status = "failed";
    job.error_message = stderr.trim() || `borg ended with ${code}`;
  } else {
    job.status = code === 1 ? "completed_with_warnings" : "completed";
    await readSizes(context, job, repository);
    if (!(await maintain(context, job, plan, repository))) job.status = "completed_with_warnings";
  }
  child.status = job.status;
  child.error_message = job.error_message;
}

function createArchive(context: Context, { job, plan, link, repository, folders, signal }: Backup) {
  if (plan.source_locations.some(({ source_type }) => source_type !== "local")) {
    return { code: 2, stderr: "This emulator backs up folders of its own machine only." };
  }
  job.archive_name = archiveName(plan, repository, context.clock.now());
  const compression = {
    plan: plan.compression,
    repository: repository.compression || plan.compression,
    custom: link.compression_override ?? plan.compression,
  }[link.compression_source as "plan"];
  const limit = link.upload_ratelimit_kib_override ?? plan.upload_ratelimit_kib ?? repository.upload_ratelimit_kib;
  const flags = (link.custom_flags_override ?? plan.custom_flags ?? "").split(/\s+/).filter((word) => word !== "");
  const args = [
    "create",
    ...["--compression", compression],
    ...(limit ? ["--upload-ratelimit", String(limit)] : []),
    ...plan.exclude_patterns.flatMap((pattern) => ["--exclude", pattern]),
    ...(repository.remote_path ? ["--remote-path", repository.remote_path] : []),
    ...flags,
    `${repository.path}::${job.archive_name}`,
    ...folders,
  ];
  return context.borg.run(args, { ...accessOf(context, repository), signal });
}

/** Blanks and slashes are none of a name. */
function archiveName(plan: Plan, repository: Repository, now: Date): string {
  const iso = now.toISOString();
  const values: Record<string, string> = {
    plan_name: plan.name,
    job_name: plan.name,
    repo_name: repository.name,
    now: iso.slice(0, -1),
    date: iso.slice(0, 10),
    time: iso.slice(11, 19),
    timestamp: String(now.getTime()),
  };
  const name = plan.archive_name_template.replace(/\{(\w+)\}/g, (whole, key: string) => values[key] ?? whole);
  return name.replace(/[\s/\\]+/g, "-");
}

async function readSizes(context: Context, job: Job, repository: Repository): Promise<void> {
  const args = ["info", "--json", ...readOptions(repository), `${repository.path}::${job.archive_name}`];
  const { code, stdout } = await context.borg.run(args, accessOf(context, repository));
  if (code !== 0) return;
  const { archives = [] } = JSON.parse(stdout) as { archives?: { stats?: Partial<Job> }[] };
  const { original_size, compressed_size, deduplicated_size, nfiles } = archives[0]?.stats ?? {};
  job.original_size = original_size ?? 0;
  job.compressed_size = compressed_size ?? 0;
  job.deduplicated_size = deduplicated_size ?? 0;
  job.nfiles = nfiles ?? 0;
}

/** @returns false when a step failed. */
async function maintain(context: Context, job: Job, plan: Plan, repository: Repository): Promise<boolean> {
  const steps: [name: string, wanted: boolean, args: string[]][] = [
    ["prune", plan.run_prune_after, ["prune", ...retention(plan)]],
    ["compact", plan.run_compact_after, ["compact"]],
    ["check", plan.run_check_after, ["check"]],
  ];
  for (const [name, wanted, args] of steps) {
    if (!wanted) continue;
    job.maintenance_status = `running_${name}`;
    const { code } = await context.borg.run([...args, repository.path], accessOf(context, repository));
    job.maintenance_status = `${name}_${code > 1 ? "failed" : "completed"}`;
    if (code > 1) return false;
    if (name === "compact") repository.last_compact = isoTime(context.clock.now());
    if (name === "check") repository.last_check = isoTime(context.clock.now());
  }
  if (job.maintenance_status !== null) job.maintenance_status = "maintenance_completed";
  return true;
}

function retention(plan: Plan): string[] {
  const counts: [string, number][] = [
    ["--keep-hourly", plan.prune_keep_hourly],
    ["--keep-daily", plan.prune_keep_daily],
    ["--keep-weekly", plan.prune_keep_weekly],
    ["--keep-monthly", plan.prune_keep_monthly],
    ["--keep-yearly", plan.prune_keep_yearly],
  ];
  return [
    ...counts.filter(([, count]) => count > 0).flatMap(([name, count]) => [name, String(count)]),
    ...(plan.prune_keep_within ? ["--keep-within", plan.prune_keep_within] : []),
  ];
}
