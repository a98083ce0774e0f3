import type { Repository } from "../../store/rows";
import { olderFields } from "./sources";

/** Fields of a repository that every answer has. Its passphrase and connection are in none. */
export function basics({ id, name, path, encryption, compression, execution_target }: Repository) {
  return {
    id,
    name,
    path,
    encryption,
    compression,
    execution_target,
    executor_type: "server",
    agent_machine_id: null,
    agent_machine_name: null,
    agent_machine_status: null,
  };
}

function sources({ source_locations }: Repository) {
  const { source_directories, source_ssh_connection_id } = olderFields(source_locations);
  return { source_directories, source_locations, source_ssh_connection_id };
}

/** An entry of the list: the only complete read. */
export function listed(row: Repository, isMaintained: boolean) {
  return {
    ...basics(row),
    ...sources(row),
    exclude_patterns: row.exclude_patterns,
    repository_type: row.repository_type,
    // Older fields that only repositories of older versions fill.
    host: null,
    port: 22,
    username: null,
    ssh_key_id: null,
    remote_path: row.remote_path,
    last_backup: row.last_backup,
    last_check: row.last_check,
    last_compact: row.last_compact,
    total_size: row.total_size,
    archive_count: row.archive_count,
    created_at: row.created_at,
    updated_at: row.updated_at,
    pre_backup_script: row.pre_backup_script,
    post_backup_script: row.post_backup_script,
    pre_backup_script_parameters: null,
    post_backup_script_parameters: null,
    hook_timeout: row.hook_timeout,
    pre_hook_timeout: row.pre_hook_timeout,
    post_hook_timeout: row.post_hook_timeout,
    continue_on_hook_failure: row.continue_on_hook_failure,
    skip_on_hook_failure: row.skip_on_hook_failure,
    mode: row.mode || "full",
    bypass_lock: row.bypass_lock,
    custom_flags: row.custom_flags,
    upload_ratelimit_kib: row.upload_ratelimit_kib,
    has_running_maintenance: isMaintained,
    has_schedule: false,
    schedule_enabled: false,
    schedule_name: null,
    schedule_timezone: null,
    next_run: null,
    has_keyfile: row.has_keyfile,
    borg_version: 1,
  };
}

/** One repository; it lacks many fields of the list. */
export function detailed(row: Repository, stats: Record<string, unknown>) {
  return {
    ...basics(row),
    last_backup: row.last_backup,
    total_size: row.total_size,
    archive_count: row.archive_count,
    created_at: row.created_at,
    updated_at: row.updated_at,
    has_keyfile: row.has_keyfile,
    ...sources(row),
    upload_ratelimit_kib: row.upload_ratelimit_kib,
    stats,
  };
}

/** A repository inside a backup plan or run: the only answer with its connection. */
export function nested({ id, name, path, mode, repository_type, connection_id, execution_target }: Repository) {
  return {
    id,
    name,
    path,
    borg_version: 1,
    mode,
    repository_type,
    connection_id,
    execution_target,
    executor_type: "server",
    agent_machine_id: null,
  };
}
