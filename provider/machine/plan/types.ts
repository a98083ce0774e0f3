/** What a host needs for one backup job. Pure values: nothing here connects to a host. */

/** Facts of an observed host that the rendering of a job depends on. */
export interface HostFacts {
  hostname: string;
  /** Content of `/etc/machine-id`, or another value that stays with the machine. Undefined: not known yet. */
  machineId: string | undefined;
  /** Whether systemd runs there. */
  hasSystemd: boolean;
  /** Versions as the programs print them, for example `1.2.4`. */
  versions: { borg: string; borgmatic: string };
  /** Absolute paths of programs. */
  commands: Record<Program, string>;
  /** Whether flock can wait for a limited time (`-w`). That of BusyBox waits for ever. */
  flockHasLimit: boolean;
  /** The account that runs the job. */
  account: Account;
}

/** Programs that a job starts. */
export type Program = "sh" | "cat" | "ssh" | "flock" | "borg" | "borgmatic";

export interface Account {
  name: string;
  /** Name of its primary group. */
  group: string;
  /** Absolute path of its home. */
  home: string;
}

/** One job: its arguments, with a default for every unset one. */
export interface Job {
  name: string;
  repository: string;
  /** Lines of `known_hosts` whose keys match the declared fingerprints. Undefined: not scanned yet, or not needed. */
  knownHosts: string | undefined;
  privateKey: string;
  passphrase: string;
  remotePath: string | undefined;
  paths: string[];
  exclude: string[];
  excludeIfPresent: string[];
  excludeCaches: boolean;
  oneFileSystem: boolean;
  compression: string;
  archiveName: string;
  /** kB/s; undefined: no limit. */
  uploadLimit: number | undefined;
  /** Undefined: archives are never deleted. */
  retention: Retention | undefined;
  checks: Check[];
  schedule: Schedule;
  scheduler: "auto" | "systemd" | "cron";
  hooks: Hooks;
  /** Ping URL. */
  healthchecks: string | undefined;
  /** Further options of borgmatic, in the flat form of version 1.8. */
  borgmatic: Record<string, unknown>;
  serviceOptions: Record<string, string>;
}

export interface Retention {
  /** Keeps every archive of this span, for example `2d`. */
  within?: string | undefined;
  secondly?: number | undefined;
  minutely?: number | undefined;
  hourly?: number | undefined;
  daily?: number | undefined;
  weekly?: number | undefined;
  monthly?: number | undefined;
  yearly?: number | undefined;
}

export interface Check {
  name: "repository" | "archives" | "data" | "extract";
  /** For example `1 month`; unset: at every run. */
  frequency?: string | undefined;
}

export type Schedule = "daily" | "none" | TimeSchedule | { onCalendar: string } | { cron: string };

export interface TimeSchedule {
  /** `HH:MM`, in the time zone of the host. */
  at: string;
  /** Unset: every day. */
  days?: Weekday[] | undefined;
}

export type Weekday = "mon" | "tue" | "wed" | "thu" | "fri" | "sat" | "sun";

/** Commands of a shell on the host. */
export interface Hooks {
  before?: string[] | undefined;
  after?: string[] | undefined;
  onError?: string[] | undefined;
}

/** Everything that a job consists of on a host, in the order in which it is made. */
export interface Plan {
  dialect: Dialect;
  names: JobNames;
  /** Parents come first. */
  folders: PlannedFolder[];
  /** Lock of all jobs of the account. Made where it is missing, and never replaced: a run may hold it. */
  lock: PlannedLock;
  /** Files of the job's own folder. Without `known_hosts` where no key is scanned yet. */
  files: PlannedFile[];
  /** The service and its timer, or a cron file. Written last. */
  schedule: PlannedSchedule;
}

/** Form of borgmatic's configuration: in sections before version 1.8, flat from then on. */
export type Dialect = "sections" | "flat";

export interface PlannedFolder {
  path: string;
  mode: number;
  owner: string;
  group: string;
  /** Argument that a drift of the folder is reported on. */
  argument: Argument;
}

export interface PlannedFile extends PlannedFolder {
  content: string;
  /** Whether a log or an error must not show the content. */
  secret: boolean;
}

export interface PlannedLock {
  path: string;
  mode: number;
  owner: string;
  group: string;
}

export interface PlannedSchedule {
  scheduler: "systemd" | "cron";
  files: PlannedFile[];
  /** The timer to enable; undefined for cron, and for a job without a schedule. */
  timer: string | undefined;
  /** The name of the unit that runs the job; undefined for cron. */
  service: string | undefined;
  /** The command of one run, for a shell of the job's account. */
  command: string;
}

/** Argument of `BackupJob` that a difference on the host is reported on. */
export type Argument =
  | Exclude<keyof Job, "name" | "knownHosts" | "scheduler">
  | "repositoryHostKeys"
  | "scheduler"
  | "user";

/** Paths and units of a job. All of them are known before a host is observed. */
export interface JobNames {
  /** `/etc/pulumi-borgbase`, shared by all jobs. */
  root: string;
  folder: string;
  manifest: string;
  config: string;
  privateKey: string;
  passphrase: string;
  knownHosts: string;
  /** The wrapper around borg. */
  wrapper: string;
  /** `/var/lib/pulumi-borgbase`, shared by all jobs. */
  stateRoot: string;
  stateFolder: string;
  /** Exit status of the last run under cron; its time is that of the file. */
  lastStatus: string;
  lock: string;
  service: string;
  servicePath: string;
  /** Folder of foreign drop-ins of the service. */
  serviceDropIns: string;
  timer: string;
  timerPath: string;
  timerDropIns: string;
  /** Time of the timer's last run. systemd runs a recreated timer at once where an old one exists. */
  timerStamp: string;
  cronPath: string;
}
