import type { Context } from "../../context";
import { isTimezone, nextTime } from "../../cron";
import { BareError, type HttpError, refusal } from "../../errors";
import { requireFeature } from "../../licence";
import type { SourceLocation } from "../../store/rows";
import { olderFields, toLocations } from "../repositories/sources";
import type { HookInput, PlanInput } from "./input";

/** Names of errors with status 422. */
const invalid = (name: string): HttpError => refusal(422, `backupPlans.${name}`);

/** Checks a plan in the server's order. @returns its sources as locations. @throws 404, 422, or 403 of the licence. */
export function validate(context: Context, input: PlanInput): SourceLocation[] {
  if (input.name.trim() === "") throw invalid("nameRequired");
  if (!["local", "remote", "agent", "mixed"].includes(input.source_type)) throw invalid("invalidSourceType");
  const locations = sourcesOf(input);
  if (locations.length === 0) throw invalid("sourceRequired");
  if (input.repositories.length === 0) throw invalid("repositoriesRequired");
  checkModes(input);
  checkSchedule(context, input);
  for (const hook of input.script_hooks ?? []) checkHook(context, hook);
  checkRepositories(context, input);
  const types = new Set(locations.map(({ source_type }) => source_type));
  const enabled = input.repositories.filter((link) => link.enabled).length;
  if (enabled > 1 || input.repository_run_mode === "parallel") requireFeature(context, "backup_plan_multi_repository");
  else if (types.size > 1) requireFeature(context, "backup_plan_mixed_sources");
  // A foreign key without a check before it: the statement fails.
  const { source_ssh_connection_id } = olderFields(locations);
  if (source_ssh_connection_id !== null && !context.store.connections.get(source_ssh_connection_id))
    throw new BareError();
  return locations;
}

function sourcesOf(input: PlanInput): SourceLocation[] {
  const { source_locations, source_directories, source_ssh_connection_id } = input;
  const isRemote = input.source_type === "remote" || source_ssh_connection_id != null;
  if (!source_locations?.length && isRemote && source_ssh_connection_id == null)
    throw invalid("sourceConnectionRequired");
  return toLocations(
    { source_locations, source_directories, connectionId: source_ssh_connection_id },
    "backupPlans.sourceConnectionRequired",
  );
}

function checkModes(input: PlanInput): void {
  if (!["series", "parallel"].includes(input.repository_run_mode)) throw invalid("invalidRunMode");
  if (!["continue", "stop"].includes(input.failure_behavior)) throw invalid("invalidFailureBehavior");
  if (input.upload_ratelimit_kib !== null && input.upload_ratelimit_kib <= 0) throw invalid("invalidUploadLimit");
  const isParallel = input.repository_run_mode === "parallel";
  const limit = input.max_parallel_repositories;
  if (isParallel ? limit < 2 : limit !== 1) throw invalid("invalidParallelLimit");
}

function checkSchedule({ clock }: Context, input: PlanInput): void {
  input.timezone = input.timezone.trim() || "UTC";
  if (!isTimezone(input.timezone)) throw refusal(422, "schedule.invalidTimezone");
  if (!["cron", "availability"].includes(input.schedule_mode)) throw refusal(422, "schedule.invalidMode");
  if (!input.schedule_enabled || input.schedule_mode !== "cron") return;
  if (!input.cron_expression) throw invalid("cronRequired");
  try {
    nextTime(input.cron_expression, input.timezone, clock.now());
  } catch {
    throw refusal(422, "schedule.invalidCronExpression");
  }
}

function checkHook({ store }: Context, hook: HookInput): void {
  if (!["pre-backup", "post-backup"].includes(hook.hook_type)) throw refusal(422, "scripts.hookTypeMustBe");
  if (hook.script_id === null) throw refusal(422, "scripts.hookScriptRequired");
  if (hook.custom_run_on && !["success", "failure", "warning", "always"].includes(hook.custom_run_on)) {
    throw refusal(422, "scripts.invalidRunCondition");
  }
  if (hook.custom_timeout !== null && hook.custom_timeout <= 0) throw refusal(422, "scripts.invalidTimeout");
  if (!store.scripts.get(hook.script_id)) throw refusal(404, "scripts.scriptNotFound");
}

function checkRepositories({ store }: Context, { repositories }: PlanInput): void {
  const seen = new Set<number>();
  for (const link of repositories) {
    if (seen.has(link.repository_id)) throw invalid("duplicateRepository");
    seen.add(link.repository_id);
    if (!["plan", "repository", "custom"].includes(link.compression_source)) throw invalid("invalidCompressionSource");
    if (link.compression_source === "custom" && !link.compression_override) throw invalid("invalidCompressionOverride");
    const repository = store.repositories.get(link.repository_id);
    if (!repository) throw refusal(404, "backupPlans.repositoryNotFound");
    if (repository.mode === "observe" && link.enabled) throw invalid("observeRepositorySelected");
  }
}
