import { ProviderError } from "../../errors";
import { HEAD_LINE } from "./names";
import { sectionsOf } from "./options";
import type { HostFacts, Job, JobNames } from "./types";
import { dialectOf, isAtLeast } from "./version";
import { sshCommand } from "./wrapper";

/** Options of borgmatic in the flat form. */
export type Options = Record<string, unknown>;

/** Seconds that borg waits for another job of the repository. */
const LOCK_WAIT = 600;

/** The text of the configuration: a comment, then JSON, which every version reads as YAML. */
export function renderConfig(job: Job, names: JobNames, facts: HostFacts): string {
  const { borgmatic: version } = facts.versions;
  const options = configOptions(job, names, facts);
  const config = dialectOf(version) === "flat" ? options : inSections(options, version);
  return `# ${HEAD_LINE}\n${printable(JSON.stringify(config, undefined, 2))}\n`;
}

/** Every option of a job's configuration, in the flat form. */
export function configOptions(job: Job, names: JobNames, { versions, commands }: HostFacts): Options {
  const isFlat = dialectOf(versions.borgmatic) === "flat";
  const managed: Options = {
    repositories: [isFlat ? { path: job.repository, label: job.name } : job.repository],
    source_directories: job.paths,
    exclude_patterns: job.exclude,
    exclude_if_present: job.excludeIfPresent,
    exclude_caches: job.excludeCaches,
    one_file_system: job.oneFileSystem,
    compression: job.compression,
    archive_name_format: job.archiveName,
    upload_rate_limit: job.uploadLimit,
    remote_path: job.remotePath,
    local_path: commands.borg,
    ssh_command: sshCommand(names, commands.ssh),
    encryption_passcommand: `${commands.cat} ${names.passphrase}`,
    borg_base_directory: names.stateFolder,
    // Times of checks. In the home of the account otherwise, which the sandbox of another account hides.
    [isAtLeast(versions.borgmatic, "1.9.0") ? "user_state_directory" : "borgmatic_source_directory"]: names.stateFolder,
    lock_wait: LOCK_WAIT,
    ...retentionOptions(job),
    // Without a prefix, 1.7 prunes and checks the archives of all jobs of the host. Later versions take the archive name.
    prefix: isFlat ? undefined : archivePrefix(job.archiveName),
    checks: job.checks.length === 0 ? [{ name: "disabled" }] : job.checks,
    ...hookOptions(job, versions.borgmatic),
    healthchecks: job.healthchecks === undefined ? undefined : { ping_url: job.healthchecks },
  };
  const own = literal(managed) as Options;
  const hooks = [...listOf(own.commands), ...listOf(job.borgmatic.commands)];
  return withoutUnset({ ...own, ...job.borgmatic, commands: hooks.length > 0 ? hooks : undefined });
}

function retentionOptions({ retention }: Job): Options {
  return Object.fromEntries(Object.entries(retention ?? {}).map(([name, value]) => [`keep_${name}`, value]));
}

function hookOptions({ hooks }: Job, version: string): Options {
  const { before, after, onError } = hooks;
  if (!isAtLeast(version, "2.0.0")) return { before_backup: before, after_backup: after, on_error: onError };
  const commands = [
    before && { before: "action", when: ["create"], run: before },
    after && { after: "action", when: ["create"], states: ["finish"], run: after },
    onError && { after: "error", run: onError },
  ].filter((each) => each !== undefined);
  return { commands };
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

/** The fixed beginning of an archive name: all that stands before the time. */
export function archivePrefix(archiveName: string): string {
  return archiveName.replace(/\{(now|utcnow|pid|uuid4)\b.*$/, "");
}

function inSections(options: Options, version: string): Options {
  const config: Record<string, Options> = {};
  for (const [option, value] of Object.entries(options)) {
    const sections = sectionsOf(option);
    if (sections.length === 0) {
      throw new ProviderError(
        "input",
        `borgmatic ${version} on the host has no option ${option}: leave it out of the argument borgmatic, or give the host a newer borgmatic.`,
      );
    }
    for (const section of sections) config[section] = { ...config[section], [option]: value };
  }
  return config;
}

const VARIABLE = /\$\{[A-Za-z0-9_]+(:?-[^}]+)?\}/g;

/** Values without the meaning that borgmatic gives to `${NAME}`: it would put a variable of its environment there. */
export function literal(value: unknown): unknown {
  if (typeof value === "string") return value.replace(VARIABLE, "\\$&");
  return mapped(value, literal);
}

/** The opposite of {@link literal}. */
export function unescaped(value: unknown): unknown {
  if (typeof value === "string") return value.replace(/\\(\$\{[A-Za-z0-9_]+(:?-[^}]+)?\})/g, "$1");
  return mapped(value, unescaped);
}

function mapped(value: unknown, change: (value: unknown) => unknown): unknown {
  if (Array.isArray(value)) return value.map(change);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, change(each)]));
}

function withoutUnset(options: Options): Options {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}

/** JSON whose characters YAML accepts, too: it refuses some that JSON leaves as they are. */
function printable(json: string): string {
  return json.replace(
    /[\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
