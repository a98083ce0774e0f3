import { z } from "zod";

/** Times in rows are ISO texts with microseconds. Names are those of the API. */
const time = z.string();
const text = z.string().nullable();
const id = z.number().int();

export const userRow = z.object({
  id,
  username: z.string(),
  full_name: text,
  email: z.string(),
  password: z.string(),
  role: z.string(),
  is_active: z.boolean(),
  must_change_password: z.boolean(),
  created_at: time,
  last_login: time.nullable(),
});

export const tokenRow = z.object({
  id,
  user_id: id,
  name: z.string(),
  secret: z.string(),
  prefix: z.string(),
  created_at: time,
  last_used_at: time.nullable(),
});

export const keyRow = z.object({
  id,
  name: z.string(),
  description: text,
  key_type: z.string(),
  public_key: z.string(),
  private_key: z.string(),
  fingerprint: text,
  is_system_key: z.boolean(),
  is_active: z.boolean(),
  created_at: time,
  updated_at: time,
});

export const connectionRow = z.object({
  id,
  ssh_key_id: id.nullable(),
  host: z.string(),
  username: z.string(),
  port: z.number(),
  use_sftp_mode: z.boolean(),
  use_sudo: z.boolean(),
  default_path: text,
  ssh_path_prefix: text,
  mount_point: text,
  status: z.enum(["unknown", "testing", "connected", "failed"]),
  last_test: time.nullable(),
  last_success: time.nullable(),
  error_message: text,
  storage: z
    .object({
      total: z.number(),
      used: z.number(),
      available: z.number(),
      percent_used: z.number(),
      last_check: time,
    })
    .nullable(),
  /** Newer versions: the pinned keys as lines of known_hosts. */
  known_host_key: text,
  shell_restricted: z.boolean(),
  created_at: time,
});

export const sourceLocation = z.object({
  source_type: z.string(),
  source_ssh_connection_id: id.nullable(),
  agent_machine_id: z.null(),
  paths: z.array(z.string()),
});

export const repositoryRow = z.object({
  id,
  name: z.string(),
  path: z.string(),
  encryption: z.string(),
  compression: z.string(),
  passphrase: text,
  has_keyfile: z.boolean(),
  connection_id: id.nullable(),
  repository_type: z.string(),
  execution_target: z.string(),
  source_locations: z.array(sourceLocation),
  exclude_patterns: z.array(z.string()),
  remote_path: text,
  pre_backup_script: text,
  post_backup_script: text,
  hook_timeout: z.number().nullable(),
  pre_hook_timeout: z.number().nullable(),
  post_hook_timeout: z.number().nullable(),
  continue_on_hook_failure: z.boolean().nullable(),
  skip_on_hook_failure: z.boolean().nullable(),
  mode: z.string(),
  bypass_lock: z.boolean(),
  custom_flags: text,
  upload_ratelimit_kib: z.number().nullable(),
  archive_count: z.number(),
  total_size: text,
  last_backup: time.nullable(),
  last_check: time.nullable(),
  last_compact: time.nullable(),
  check: z.object({
    cron_expression: text,
    enabled: z.boolean(),
    timezone: text,
    max_duration: z.number().nullable(),
    extra_flags: text,
    next: time.nullable(),
    notify_on_success: z.boolean(),
    notify_on_failure: z.boolean(),
  }),
  created_at: time,
  updated_at: time,
});

export const planRepository = z.object({
  id,
  repository_id: id,
  enabled: z.boolean(),
  execution_order: z.number(),
  compression_source: z.string(),
  compression_override: text,
  custom_flags_override: text,
  upload_ratelimit_kib_override: z.number().nullable(),
  failure_behavior_override: text,
});

export const planHook = z.object({
  id,
  script_id: id,
  hook_type: z.string(),
  execution_order: z.number(),
  enabled: z.boolean(),
  custom_timeout: z.number().nullable(),
  custom_run_on: text,
  continue_on_error: z.boolean(),
  skip_on_failure: z.boolean(),
  parameter_values: z.record(z.string(), z.unknown()),
});

export const planRow = z.object({
  id,
  name: z.string(),
  description: text,
  enabled: z.boolean(),
  source_type: z.string(),
  source_ssh_connection_id: id.nullable(),
  source_directories: z.array(z.string()),
  source_locations: z.array(sourceLocation),
  exclude_patterns: z.array(z.string()),
  database_template_id: text,
  archive_name_template: z.string(),
  compression: z.string(),
  custom_flags: text,
  check_extra_flags: text,
  upload_ratelimit_kib: z.number().nullable(),
  upload_ratelimit_schedule_policies: z.array(z.unknown()),
  repository_run_mode: z.string(),
  max_parallel_repositories: z.number(),
  failure_behavior: z.string(),
  schedule_enabled: z.boolean(),
  schedule_mode: z.string(),
  availability_check_interval_minutes: z.number(),
  min_success_interval_minutes: z.number(),
  cron_expression: text,
  timezone: z.string(),
  last_run: time.nullable(),
  next_run: time.nullable(),
  created_at: time,
  updated_at: time,
  script_hooks: z.array(planHook),
  run_repository_scripts: z.boolean(),
  run_prune_after: z.boolean(),
  run_compact_after: z.boolean(),
  run_check_after: z.boolean(),
  check_max_duration: z.number(),
  prune_keep_hourly: z.number(),
  prune_keep_daily: z.number(),
  prune_keep_weekly: z.number(),
  prune_keep_monthly: z.number(),
  prune_keep_quarterly: z.number(),
  prune_keep_yearly: z.number(),
  prune_keep_within: text,
  repositories: z.array(planRepository),
});

export const jobRow = z.object({
  id,
  repository: z.string(),
  repository_id: id,
  status: z.string(),
  started_at: time.nullable(),
  completed_at: time.nullable(),
  error_message: text,
  maintenance_status: text,
  archive_name: text,
  original_size: z.number(),
  compressed_size: z.number(),
  deduplicated_size: z.number(),
  nfiles: z.number(),
});

export const runRow = z.object({
  id,
  /** Null after the deletion of the plan. */
  backup_plan_id: id.nullable(),
  trigger: z.string(),
  status: z.string(),
  started_at: time.nullable(),
  completed_at: time.nullable(),
  error_message: text,
  created_at: time,
  script_executions: z.array(
    z.object({
      id,
      script_id: id,
      script_name: z.string(),
      hook_type: z.string(),
      status: z.string(),
      started_at: time,
      completed_at: time,
      exit_code: z.number(),
      error_message: text,
    }),
  ),
  repositories: z.array(
    z.object({
      id,
      repository_id: id.nullable(),
      status: z.string(),
      started_at: time.nullable(),
      completed_at: time.nullable(),
      error_message: text,
      job: jobRow.nullable(),
    }),
  ),
});

export const scriptRow = z.object({
  id,
  name: z.string(),
  description: text,
  content: z.string(),
  timeout: z.number(),
  run_on: z.string(),
  category: z.string(),
  parameters: z.array(z.record(z.string(), z.unknown())),
  created_at: time,
  updated_at: time,
});

export type User = z.infer<typeof userRow>;
export type Token = z.infer<typeof tokenRow>;
export type Key = z.infer<typeof keyRow>;
export type Connection = z.infer<typeof connectionRow>;
export type SourceLocation = z.infer<typeof sourceLocation>;
export type Repository = z.infer<typeof repositoryRow>;
export type Plan = z.infer<typeof planRow>;
export type PlanRepository = z.infer<typeof planRepository>;
export type Job = z.infer<typeof jobRow>;
export type Run = z.infer<typeof runRow>;
export type Script = z.infer<typeof scriptRow>;
