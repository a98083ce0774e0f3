import { z } from "zod";
import { field } from "../../input";
import { locationsInput } from "../repositories/sources";

const planRepositoryInput = z.object({
  repository_id: field.integer(),
  enabled: field.boolean().default(true),
  execution_order: field.integer(),
  compression_source: field.text().default("plan"),
  compression_override: field.text().nullable().default(null),
  custom_flags_override: field.text().nullable().default(null),
  upload_ratelimit_kib_override: field.integer().nullable().default(null),
  failure_behavior_override: field.text().nullable().default(null),
});

const hookInput = z.object({
  script_id: field.integer().nullable().default(null),
  agent_script_name: field.text().nullish(),
  hook_type: field.text(),
  execution_order: field.number().default(1),
  enabled: field.boolean().default(true),
  custom_timeout: field.integer().nullable().default(null),
  custom_run_on: field.text().nullable().default(null),
  continue_on_error: field.boolean().nullable().default(false),
  skip_on_failure: field.boolean().nullable().default(false),
  parameter_values: field.object().nullish(),
});

/** Creation and change take the same fields: a change resets what is left out. */
export const planInput = z.object({
  name: field.text(),
  description: field.text().nullish(),
  enabled: field.boolean().default(true),
  source_type: field.text().default("local"),
  source_ssh_connection_id: field.integer().nullish(),
  source_directories: field.texts(),
  source_locations: locationsInput.nullish(),
  exclude_patterns: field.texts().nullish(),
  database_template_id: field.text().nullable().default(null),
  archive_name_template: field.text().default("{plan_name}-{now}"),
  compression: field.text().default("lz4"),
  custom_flags: field.text().nullish(),
  upload_ratelimit_kib: field.integer().nullable().default(null),
  upload_ratelimit_schedule_policies: z.array(z.record(z.string(), z.unknown())).default([]),
  repository_run_mode: field.text().default("series"),
  max_parallel_repositories: field.integer().default(1),
  failure_behavior: field.text().default("continue"),
  schedule_enabled: field.boolean().default(false),
  schedule_mode: field.text().default("cron"),
  availability_check_interval_minutes: field.integer().default(30),
  min_success_interval_minutes: field.integer().default(0),
  cron_expression: field.text().nullish(),
  timezone: field.text().default("UTC"),
  script_hooks: z.array(hookInput).nullish(),
  run_repository_scripts: field.boolean().default(true),
  run_prune_after: field.boolean().default(false),
  run_compact_after: field.boolean().default(false),
  run_check_after: field.boolean().default(false),
  check_max_duration: field.integer().default(3600),
  check_extra_flags: field.text().nullish(),
  prune_keep_hourly: field.integer().default(0),
  prune_keep_daily: field.integer().default(7),
  prune_keep_weekly: field.integer().default(4),
  prune_keep_monthly: field.integer().default(6),
  prune_keep_quarterly: field.integer().default(0),
  prune_keep_yearly: field.integer().default(1),
  prune_keep_within: field.text().nullish(),
  repositories: z.array(planRepositoryInput),
});

export type PlanInput = z.infer<typeof planInput>;
export type HookInput = z.infer<typeof hookInput>;
