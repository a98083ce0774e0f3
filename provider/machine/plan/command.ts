import type { HostFacts, Job, JobNames } from "./types";

/** Seconds that a job waits for another one of its account. A first backup may take a day. */
const WAIT = 86_400;

/** systemd keeps what a program prints. cron mails it, so errors alone are printed, and the log goes to syslog. */
const VERBOSITY = {
  systemd: "--verbosity 1 --syslog-verbosity -1",
  cron: "--verbosity -1 --syslog-verbosity 1",
};

/** The command of one run. Jobs of one account wait for each other, as borgmatic keeps state per account. */
export function runCommand(job: Job, names: JobNames, { commands }: HostFacts, scheduler: "systemd" | "cron"): string {
  const borgmatic = `${commands.borgmatic} --config ${names.config} ${VERBOSITY[scheduler]} ${actionsOf(job).join(" ")}`;
  return `${commands.flock} -w ${WAIT} ${names.lock} ${borgmatic}`;
}

/** Without arguments, borgmatic would prune and check also where the job does not ask for it. */
function actionsOf(job: Job): string[] {
  return [
    "create",
    ...(job.retention === undefined ? [] : ["prune", "compact"]),
    ...(job.checks.length === 0 ? [] : ["check"]),
  ];
}
