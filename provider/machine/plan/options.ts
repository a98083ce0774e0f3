/** Options of borgmatic's configuration: their sections before 1.8, and the arguments that they belong to. */
import type { Argument } from "./types";

type Section = "location" | "storage" | "retention" | "consistency" | "hooks" | "output";

/** Options of borgmatic 1.7.7 by section, as its schema lists them. Later options need the flat form. */
const SECTIONS: Record<Section, string> = {
  location: `source_directories repositories working_directory one_file_system numeric_ids atime ctime birthtime
    read_special flags files_cache local_path remote_path patterns patterns_from exclude_patterns exclude_from
    exclude_caches exclude_if_present keep_exclude_tags exclude_nodump borgmatic_source_directory`,
  storage: `encryption_passcommand encryption_passphrase checkpoint_interval chunker_params compression
    upload_rate_limit retries retry_wait temporary_directory ssh_command borg_base_directory borg_config_directory
    borg_cache_directory borg_security_directory borg_keys_directory umask lock_wait archive_name_format
    relocated_repo_access_is_ok unknown_unencrypted_repo_access_is_ok extra_borg_options`,
  retention: `keep_within keep_secondly keep_minutely keep_hourly keep_daily keep_weekly keep_monthly keep_yearly
    prefix`,
  consistency: "checks check_repositories check_last prefix",
  output: "color",
  hooks: `before_actions before_backup before_prune before_compact before_check before_extract after_backup
    after_compact after_prune after_check after_extract after_actions on_error before_everything after_everything
    postgresql_databases mysql_databases mongodb_databases ntfy healthchecks cronitor pagerduty cronhub umask`,
};

const LISTED = Object.entries(SECTIONS).map(([section, names]) => [section, names.split(/\s+/)] as const);

/** Names that only the sectioned form has. */
export const SECTION_NAMES: readonly string[] = LISTED.map(([section]) => section);

/** The sections of an option; empty for one that the sectioned form does not know. */
export function sectionsOf(option: string): string[] {
  const found = LISTED.filter(([, names]) => names.includes(option)).map(([section]) => section);
  // `umask` of storage is borg's own, and the one that the flat form has.
  return option === "umask" ? ["storage"] : found;
}

/** The argument that an option is rendered from. */
const ARGUMENTS: Record<string, Argument> = {
  repositories: "repository",
  source_directories: "paths",
  exclude_patterns: "exclude",
  exclude_if_present: "excludeIfPresent",
  exclude_caches: "excludeCaches",
  one_file_system: "oneFileSystem",
  compression: "compression",
  archive_name_format: "archiveName",
  upload_rate_limit: "uploadLimit",
  remote_path: "remotePath",
  keep_within: "retention",
  keep_secondly: "retention",
  keep_minutely: "retention",
  keep_hourly: "retention",
  keep_daily: "retention",
  keep_weekly: "retention",
  keep_monthly: "retention",
  keep_yearly: "retention",
  checks: "checks",
  before_backup: "hooks",
  after_backup: "hooks",
  on_error: "hooks",
  healthchecks: "healthchecks",
};

/** Options that the rendering sets, and no argument has a name for. */
const FIXED: readonly string[] = [
  "ssh_command",
  "encryption_passcommand",
  "local_path",
  "borg_base_directory",
  "borgmatic_source_directory",
  "user_state_directory",
  "prefix",
];

/** Options that would replace a part of the job by another, each with what to do instead. */
const REFUSED: Record<string, string> = {
  encryption_passphrase: "use the argument passphrase",
  remote_rate_limit: "use the argument uploadLimit",
  match_archives: "use the argument archiveName",
  borg_cache_directory: "the job has its own folders",
  borg_config_directory: "the job has its own folders",
  borg_keys_directory: "the job has its own folders",
  borg_security_directory: "the job has its own folders",
  relocated_repo_access_is_ok: "a repository that moved is accepted once, by its id",
};

/** The argument that an option belongs to; `borgmatic` for all that no argument has a name for. */
export function argumentOf(option: string): Argument {
  return ARGUMENTS[option] ?? "borgmatic";
}

/** Why the argument `borgmatic` may not hold an option; undefined for one that it may. */
export function optionProblem(option: string): string | undefined {
  const argument = ARGUMENTS[option];
  if (argument !== undefined) return `${option} is set by the argument ${argument}`;
  if (SECTION_NAMES.includes(option))
    return `${option} is a section: give its options without it, in the flat form of version 1.8`;
  if (FIXED.includes(option)) return `${option} is set by the job itself`;
  const advice = REFUSED[option];
  return advice && `${option} cannot be given: ${advice}`;
}

/** Whether options start programs that the sandbox of a plain backup would stop: database dumps, commands, snapshots. */
export function startsPrograms(options: Readonly<Record<string, unknown>>): boolean {
  return Object.keys(options).some((option) =>
    /(_databases|^commands|^on_error|^(before|after)_\w+|^(zfs|btrfs|lvm))$/.test(option),
  );
}
