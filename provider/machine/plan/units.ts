import { runCommand } from "./command";
import { HEAD_LINE } from "./names";
import { startsPrograms } from "./options";
import { calendarOf } from "./schedule";
import type { HostFacts, Job, JobNames } from "./types";

/** One line of a unit: name and value. */
type Line = readonly [name: string, value: string];

/** The service of a job. */
export function renderService(job: Job, names: JobNames, facts: HostFacts): string {
  return unit([
    [
      "Unit",
      [
        ["Description", `Backup ${job.name} with borg`],
        // A run that is due while the machine is off starts at boot, maybe before the network.
        ["Wants", "network-online.target"],
        ["After", "network-online.target"],
      ],
    ],
    ["Service", serviceLines(job, names, facts)],
  ]);
}

/** The timer of a job; undefined without a schedule. */
export function renderTimer(job: Job, { machineId }: HostFacts): string | undefined {
  const calendar = calendarOf(job.schedule, job.name, machineId);
  if (calendar === undefined) return undefined;
  const delay: Line[] = calendar.delay
    ? [
        ["RandomizedDelaySec", calendar.delay],
        ["FixedRandomDelay", "yes"],
      ]
    : [];
  return unit([
    ["Unit", [["Description", `Schedule of backup ${job.name}`]]],
    [
      "Timer",
      [
        ...calendar.expressions.map((expression): Line => ["OnCalendar", expression]),
        ["AccuracySec", "1s"],
        ...delay,
        ["Persistent", "yes"],
      ],
    ],
    ["Install", [["WantedBy", "timers.target"]]],
  ]);
}

function serviceLines(job: Job, names: JobNames, facts: HostFacts): Line[] {
  const lines: Line[] = [
    ["Type", "oneshot"],
    ["ExecStart", runCommand(job, names, facts, "systemd")],
    ...accountLines(facts),
    ["UMask", "0077"],
    ["StateDirectory", `pulumi-borgbase/${job.name}`],
    ["StateDirectoryMode", "0700"],
    ["Nice", "19"],
    ["IOSchedulingClass", "best-effort"],
    ["IOSchedulingPriority", "7"],
    ["LogRateLimitIntervalSec", "0"],
    ["ProtectSystem", "strict"],
    ["ProtectHome", "read-only"],
    ...temporaryLines(job),
    ...(isLocal(job) ? [["ReadWritePaths", `-${unitPath(job.repository)}`] as const] : []),
    ...(runsOnlyBorg(job) ? SANDBOX : []),
  ];
  return withOptions(lines, job.serviceOptions);
}

function accountLines({ account }: HostFacts): Line[] {
  if (account.name === "root") return [];
  return [
    ["User", account.name],
    // It may read every file, as root may, and writes nothing but its own.
    ["AmbientCapabilities", READ_ALL],
  ];
}

const READ_ALL = "CAP_DAC_READ_SEARCH";

/**
 * Limits of a job that runs nothing but borg and ssh. Hooks and database dumps need sudo or logins of other accounts.
 * Not `ProtectKernelModules`: it hides /usr/lib/modules from the backup.
 */
const SANDBOX: readonly Line[] = [
  ["CapabilityBoundingSet", READ_ALL],
  ["NoNewPrivileges", "yes"],
  ["ProtectClock", "yes"],
  ["ProtectControlGroups", "yes"],
  ["ProtectHostname", "yes"],
  ["ProtectKernelLogs", "yes"],
  ["ProtectKernelTunables", "yes"],
  ["LockPersonality", "yes"],
  ["RestrictAddressFamilies", "AF_UNIX AF_INET AF_INET6 AF_NETLINK"],
  ["RestrictNamespaces", "yes"],
  ["RestrictRealtime", "yes"],
  ["RestrictSUIDSGID", "yes"],
  ["SystemCallArchitectures", "native"],
  ["SystemCallFilter", "@system-service"],
  ["SystemCallErrorNumber", "EPERM"],
];

function runsOnlyBorg(job: Job): boolean {
  const hooks = Object.values(job.hooks).some((commands) => commands !== undefined && commands.length > 0);
  // A local repository may belong to another account.
  return !hooks && !startsPrograms(job.borgmatic) && !isLocal(job);
}

function isLocal({ repository }: Job): boolean {
  return repository.startsWith("/");
}

/** A private `/tmp` hides the real one, which the job may have to back up. */
function temporaryLines({ paths }: Job): Line[] {
  const needsReal = paths.some((path) => /^\/(var\/)?tmp(\/|$)/.test(path));
  return needsReal ? [["ReadWritePaths", "/tmp /var/tmp"]] : [["PrivateTmp", "yes"]];
}

/** Lines of the same name are replaced; writable paths are added, as the job needs its own. */
function withOptions(lines: readonly Line[], options: Readonly<Record<string, string>>): Line[] {
  const kept = lines.filter(([name]) => name === ADDED || !Object.hasOwn(options, name));
  return [...kept, ...Object.entries(options)];
}

const ADDED = "ReadWritePaths";

/** A path as one word of a unit. */
function unitPath(path: string): string {
  return `"${path.replace(/[\\"]/g, "\\$&").replaceAll("%", "%%")}"`;
}

function unit(sections: readonly (readonly [name: string, lines: readonly Line[]])[]): string {
  const blocks = sections.map(
    ([name, lines]) => `[${name}]\n${lines.map(([option, value]) => `${option}=${value}\n`).join("")}`,
  );
  return `# ${HEAD_LINE}\n${blocks.join("\n")}`;
}
