import type { Context } from "../../context";
import type { Plan, Script } from "../../store/rows";
import { nested } from "../repositories/shapes";
import { olderFields } from "../repositories/sources";

/** A plan in the list of all plans. */
export function listed(plan: Plan) {
  const { repositories, source_locations, ...row } = plan;
  const { source_directories } = olderFields(source_locations);
  return {
    id: row.id,
    name: row.name,
    description: row.description,
    enabled: row.enabled,
    source_type: row.source_type,
    source_ssh_connection_id: row.source_ssh_connection_id,
    source_directories,
    source_locations,
    exclude_patterns: row.exclude_patterns,
    database_template_id: row.database_template_id,
    archive_name_template: row.archive_name_template,
    compression: row.compression,
    custom_flags: row.custom_flags,
    check_extra_flags: row.check_extra_flags,
    upload_ratelimit_kib: row.upload_ratelimit_kib,
    upload_ratelimit_schedule_policies: row.upload_ratelimit_schedule_policies,
    repository_run_mode: row.repository_run_mode,
    max_parallel_repositories: row.max_parallel_repositories,
    failure_behavior: row.failure_behavior,
    schedule_enabled: row.schedule_enabled,
    schedule_mode: row.schedule_mode,
    availability_check_interval_minutes: row.availability_check_interval_minutes,
    min_success_interval_minutes: row.min_success_interval_minutes,
    cron_expression: row.cron_expression,
    timezone: row.timezone,
    last_run: row.last_run,
    next_run: row.next_run,
    repository_count: repositories.filter(({ enabled }) => enabled).length,
    created_at: row.created_at,
    updated_at: row.updated_at,
  };
}

/** A whole plan. Values of password parameters are masked. */
export function detailed(context: Context, plan: Plan) {
  const first = (type: string) =>
    plan.script_hooks.find(({ hook_type, enabled }) => hook_type === type && enabled)?.script_id ?? null;
  return {
    ...listed(plan),
    pre_backup_script_id: first("pre-backup"),
    post_backup_script_id: first("post-backup"),
    pre_backup_script_parameters: null,
    post_backup_script_parameters: null,
    script_hooks: hooksOf(context, plan),
    run_repository_scripts: plan.run_repository_scripts,
    run_prune_after: plan.run_prune_after,
    run_compact_after: plan.run_compact_after,
    run_check_after: plan.run_check_after,
    check_max_duration: plan.check_max_duration,
    prune_keep_hourly: plan.prune_keep_hourly,
    prune_keep_daily: plan.prune_keep_daily,
    prune_keep_weekly: plan.prune_keep_weekly,
    prune_keep_monthly: plan.prune_keep_monthly,
    prune_keep_quarterly: plan.prune_keep_quarterly,
    prune_keep_yearly: plan.prune_keep_yearly,
    prune_keep_within: plan.prune_keep_within,
    repositories: plan.repositories.map((link) => {
      const repository = context.store.repositories.get(link.repository_id);
      return { ...link, repository: repository ? nested(repository) : null };
    }),
  };
}

const MASK = "***";

function hooksOf({ store }: Context, plan: Plan) {
  const order = (type: string) => (type === "pre-backup" ? 0 : 1);
  const hooks = [...plan.script_hooks].sort(
    (a, b) => order(a.hook_type) - order(b.hook_type) || a.execution_order - b.execution_order || a.id - b.id,
  );
  return hooks.flatMap((hook) => {
    const script = store.scripts.get(hook.script_id);
    if (!script) return [];
    const { parameter_values, ...fields } = hook;
    const masked = maskedValues(script, parameter_values);
    return {
      ...fields,
      agent_script_name: null,
      is_agent_script: false,
      script_name: script.name,
      script_description: script.description,
      default_timeout: script.timeout,
      default_run_on: script.run_on,
      parameters: script.parameters,
      parameter_values: Object.keys(masked).length > 0 ? masked : null,
    };
  });
}

function maskedValues({ parameters }: Script, values: Record<string, unknown>): Record<string, unknown> {
  const secrets = new Set(parameters.filter(({ type }) => type === "password").map(({ name }) => name));
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name, secrets.has(name) && value ? MASK : value]),
  );
}
