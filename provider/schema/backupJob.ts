import { isDeepStrictEqual } from "node:util";
import { DEFAULT_PORT } from "../ssh/defaults";
import {
  checksSchema,
  connectionSchema,
  hooksSchema,
  type MachineConnection,
  minimumSchema,
  retentionSchema,
  scheduleSchema,
} from "./backupJobTypes";
import { defineResource, type InputOptions, type InputsOf, input, output, type StateOf, type Zod } from "./define";
import { type RepoServer, serverSchema } from "./repo";

export const backupJobSchema = defineResource(
  {
    type: "BackupJob",
    description:
      "A borg backup job on one Linux host: its programs, key, passphrase, pinned host keys, configuration and schedule. " +
      "borgmatic runs it. The files of the job are managed as a whole: an argument that is left out has its default there. " +
      "A backup that ran is no drift. Deleting the job stops a backup that runs, and leaves the repository and all packages.",
    errors: [
      "A path of the job that exists without its manifest, or with the manifest of another stack, is refused before anything changes.",
      "A host key of the repository's server that matches no declared fingerprint is refused, with both fingerprints.",
      "Versions below `minimum` are refused in one line. Nothing is upgraded.",
      "A `repository` with another id than before is refused: archives are never split over two repositories in silence.",
    ],
    import: "Declare it on a host without such a job. Files that another tool has written are refused.",
    get: "Always fails: an id names no way to log in. Declare the job.",
  },
  (z) => {
    const text = z.string({ error: "must be a text" }).min(1, { error: "must not be empty" });
    // Empty where an argument was removed.
    const maybe = z.string({ error: "must be a text" });
    const texts = z.array(text, { error: "must be a list of texts" });
    const flag = z.boolean({ error: "must be true or false" });
    const connection = connectionSchema(z);
    const hostKeys = hostKeysSchema(z);
    return {
      connection: input(connection.schema, {
        description:
          '`"local"`: the machine that runs Pulumi. Else an account on a host. Another host, port or username replaces the job; ' +
          "Other credentials alone contact nobody.",
        documentedAs: connection.documentedAs,
        required: true,
        secret: true,
        replacesIf: (declared, actual) => !isSameMachine(declared, actual as MachineConnection | undefined),
      }),
      become: input(z.enum(["sudo", "none"], { error: 'must be "sudo" or "none"' }), {
        description: "How the account becomes root. `none`: it is root.",
        ...setting("none"),
      }),
      sudoPassword: input(maybe, {
        description: "Password for sudo, where it asks. It is sent on standard input.",
        secret: true,
        ...clearable(""),
      }),
      name: input(text, {
        description:
          "Name of the job: its folder, units and archives. Lower-case letters, digits, `-` and `_`, at most 40.",
        default: ({ context }) => context.name,
        defaultDescription: "the resource's own name at creation",
        forceNew: true,
      }),
      user: input(text, {
        description:
          "Account that runs the job. Another one than root must exist; under systemd it may read every file.",
        default: "root",
        forceNew: true,
      }),
      repository: input(text.trim(), {
        description: "Repository URL for `borg`, such as `repoPath` of a `Repo`, or an absolute path.",
        required: true,
      }),
      repositoryHostKeys: input(hostKeys.schema, {
        description:
          "Host keys that the repository's server may present: `server` of a `Repo`, `SHA256:…` fingerprints, or `known_hosts` lines. " +
          "Required for an `ssh://` repository. Keys that the host sees are pinned only where one of them matches.",
        documentedAs: hostKeys.documentedAs,
        normalized: true,
        ...clearable([]),
      }),
      privateKey: input(text.trim(), {
        description: "Private key of the job, in OpenSSH form without a passphrase.",
        required: true,
        secret: true,
      }),
      passphrase: input(text, {
        description: "Passphrase of the repository. Another one changes it in the repository first.",
        required: true,
        secret: true,
      }),
      encryption: input(z.enum(["repokey-blake2", "repokey"], { error: 'must be "repokey-blake2" or "repokey"' }), {
        description: "Encryption of a new repository. It cannot be changed later.",
        default: "repokey-blake2",
      }),
      initialize: input(flag, {
        description: "Whether a repository is made where none is.",
        ...setting(true),
      }),
      remotePath: input(maybe, {
        description: "Program to run at the server, for example `borg14` at rsync.net.",
        ...clearable(""),
        defaultDescription: "`borg`",
      }),
      paths: input(texts, {
        description: "Absolute paths to back up; `*` and `?` match names.",
        required: true,
      }),
      exclude: input(texts, {
        description: "Patterns of paths to leave out, as `borg help patterns` shows them.",
        ...managed([]),
      }),
      excludeIfPresent: input(texts, {
        description: "Names of files whose folder is left out, for example `.nobackup`.",
        ...managed([]),
      }),
      excludeCaches: input(flag, {
        description: "Whether folders with a `CACHEDIR.TAG` are left out.",
        ...managed(true),
      }),
      oneFileSystem: input(flag, {
        description: "Whether other file systems below a path are left out.",
        ...managed(false),
      }),
      compression: input(text, {
        description: "Compression, as `borg help compression` shows it.",
        ...managed("auto,zstd"),
      }),
      archiveName: input(maybe, {
        description:
          "Name of archives, with a placeholder of the time. Its fixed part separates jobs in one repository.",
        ...clearable(""),
        defaultDescription: "`{hostname}-NAME-{now:%Y-%m-%dT%H:%M:%S}`",
      }),
      uploadLimit: input(z.int({ error: "must be a whole number" }).min(0, { error: "must not be negative" }), {
        description: "Limit of uploads. `0`: no limit.",
        unit: "KiB/s",
        ...managed(0),
      }),
      retention: input(retentionSchema(z), {
        description:
          "Archives to keep; all others of the job are deleted after each backup. Unset: nothing is ever deleted. " +
          "With an append-only key it deletes nothing and hides archives: leave it out there.",
        ...clearable({}),
        defaultDescription: "nothing is deleted",
      }),
      checks: input(checksSchema(z), {
        description: "Checks of the repository after a backup. `[]`: none.",
        ...managed(DEFAULT_CHECKS),
      }),
      schedule: input(scheduleSchema(z), {
        description:
          "`daily`: once between 0:00 and 6:00, at a minute that is fixed for host and job. `none`: only when somebody starts it.",
        ...managed("daily" as const),
      }),
      scheduler: input(z.enum(["auto", "systemd", "cron"], { error: 'must be "auto", "systemd" or "cron"' }), {
        description:
          "What starts the job. `auto`: systemd where it runs, else cron. Later it keeps what is in use. cron makes up for no missed run. " +
          "The output is the one in use.",
        managedDefault: "auto",
        defaultDescription: "`auto`",
        normalized: true,
        equals: (declared, actual) => declared === "auto" || declared === actual,
      }),
      hooks: input(hooksSchema(z), {
        description:
          "Commands around a backup. With hooks the unit may gain privileges, so that sudo and database logins work.",
        ...clearable({}),
      }),
      healthchecks: input(maybe, {
        description: "Ping URL of Healthchecks, which gets start, success and failure of every run.",
        secret: true,
        ...clearable(""),
      }),
      borgmatic: input(z.record(z.string(), z.unknown(), { error: "must be a map of borgmatic's options" }), {
        description:
          "Further options of borgmatic in the flat form of 1.8, such as `postgresql_databases`. An option that an argument covers is refused.",
        secret: true,
        ...clearable({}),
      }),
      serviceOptions: input(z.record(z.string(), z.string(), { error: "must be a map of texts" }), {
        description:
          "Lines of the unit's `[Service]` section, which replace those of the same name. `ReadWritePaths` adds to them. systemd only.",
        ...clearable({}),
      }),
      install: input(z.enum(["packages", "none"], { error: 'must be "packages" or "none"' }), {
        description:
          "`packages`: missing programs are installed with the host's package manager. `none`: they must be there.",
        ...setting("packages"),
      }),
      minimum: input(minimumSchema(z), {
        description: "Oldest accepted versions. An older one is an error, never an upgrade.",
        ...clearable({}),
        defaultDescription: '`{ borg: "1.2.0", borgmatic: "1.7.0" }`',
      }),
      firstBackup: input(z.enum(["no", "start"], { error: 'must be "no" or "start"' }), {
        description:
          "`start`: creation starts a backup and does not wait for it; `getBackupStatus` has its result. `no`: the schedule starts the first one.",
        ...setting("no"),
      }),
      keepOnDelete: input(flag, {
        description: "Whether deleting the resource leaves the job on the host.",
        ...setting(false),
        steersDeletion: "now",
      }),
      onUnreachable: input(z.enum(["fail", "forget"], { error: 'must be "fail" or "forget"' }), {
        description:
          "What a deletion does when the host cannot be reached: `fail`, or `forget` the job. Never applies to a changed host key.",
        ...setting("fail"),
        steersDeletion: "now",
      }),
      status: output(z.enum(["ready", "missing"]), {
        description: "`ready`: every part of the job is in place. `missing`: a refresh found no job.",
      }),
      repositoryId: output(z.string(), {
        description: "Id of the repository, 64 hexadecimal digits.",
        changesWith: ["repository"],
      }),
      repositoryKey: output(z.string(), {
        description: "The exported key of the repository. With the passphrase it restores every archive.",
        secret: true,
        changesWith: ["repository", "passphrase"],
      }),
      pinnedHostKeys: output(z.array(z.string()), {
        description: "Fingerprints of the server's host keys that the job accepts.",
        changesWith: ["repository", "repositoryHostKeys"],
      }),
      hostKeyFingerprint: output(z.string().optional(), {
        description: 'Host key of the machine that was verified, `SHA256:…`. Unset for `"local"`.',
        changesWith: ["connection"],
      }),
      unit: output(z.string(), {
        description:
          "The timer, for example `borgbase-web.timer`; the path of the cron file under cron; the service without a schedule.",
        changesWith: ["scheduler", "schedule"],
      }),
      configPath: output(z.string(), { description: "Path of borgmatic's configuration on the host." }),
      borgVersion: output(z.string(), { description: "Version of borg on the host." }),
      borgmaticVersion: output(z.string(), { description: "Version of borgmatic on the host." }),
      instance: output(z.string(), {
        description: "Random id of this job on its host. A deletion acts only on its own.",
      }),
    };
  },
);

export type BackupJobInputs = InputsOf<typeof backupJobSchema>;
export type BackupJobState = StateOf<typeof backupJobSchema>;

export const DEFAULT_CHECKS = [{ name: "repository" as const, frequency: "1 month" }];

/** An argument whose value on the host is managed, also where the program leaves it out. */
function managed<T>(value: T) {
  return { managedDefault: value, defaultDescription: `\`${JSON.stringify(value)}\`` } satisfies Partial<
    InputOptions<T>
  >;
}

/** A managed argument whose empty value means that there is none; the state then has none either. */
function clearable<T>(none: T) {
  return {
    managedDefault: none,
    defaultDescription: "none",
    output: "whenSet",
    equals: (declared: unknown, actual: unknown) => isDeepStrictEqual(declared, actual ?? none),
  } as const;
}

/** An argument that only the provider reads. */
function setting<const T>(value: T) {
  return {
    default: value,
    output: "whenSet",
    equals: (declared: unknown, actual: unknown) => declared === (actual ?? value),
  } as const;
}

function isSameMachine(declared: MachineConnection, actual: MachineConnection | undefined): boolean {
  const place = (connection: MachineConnection | undefined) =>
    typeof connection === "object"
      ? { host: connection.host, port: connection.port ?? DEFAULT_PORT, username: connection.username }
      : connection;
  return isDeepStrictEqual(place(declared), place(actual));
}

/** Fingerprints and lines in one list, from whatever form the program gives. */
function hostKeysSchema(z: Zod) {
  const error = "must be the server of a Repo, a SHA256:… fingerprint, a known_hosts line, or a list of them";
  const entry = z.string({ error }).trim().min(1, { error });
  const server = serverSchema(z).transform(fingerprintsOf);
  const one = entry.transform((line) => [line]);
  const schema = z.union([one, z.array(entry, { error }), server], { error });
  return { schema, documentedAs: z.union([z.string(), z.array(z.string()), serverSchema(z)]) };
}

function fingerprintsOf({ fingerprintRsa, fingerprintEcdsa, fingerprintEd25519 }: RepoServer): string[] {
  return [fingerprintRsa, fingerprintEcdsa, fingerprintEd25519].filter(
    (each) => each !== undefined && each !== "",
  ) as string[];
}
