import type { HostFacts, Job, JobNames } from "./types";

/** Seconds that a job waits for another one of its account. A first backup may take a day. */
const WAIT = 86_400;

/** systemd keeps what a program prints. cron mails it, so errors alone are printed, and the log goes to syslog. */
const VERBOSITY = {
  systemd: "--verbosity 1 --syslog-verbosity -1",
  cron: "--verbosity -1 --syslog-verbosity 1",
};

/** The command of one run. Jobs of one account wait for each other, as borgmatic keeps state per account. */
export function runCommand(job: Job, names: JobNames, facts: HostFacts, scheduler: "systemd" | "cron"): string {
  const { commands, flockHasLimit } = facts;
  const borgmatic = `${commands.borgmatic} --config ${names.config} ${VERBOSITY[scheduler]} ${actionsOf(job).join(" ")}`;
  return `${commands.flock} ${flockHasLimit ? `-w ${WAIT} ` : ""}${names.lock} ${borgmatic}`;
}

/** The same for a scheduler that keeps no exit status: the last one stays in a file, whose time is the end of the run. */
export function recordingStatus(command: string, { lastStatus }: JobNames): string {
  return `umask 077; ${command}; echo $? > ${lastStatus}`;
}

/** Without arguments, borgmatic would prune and check also where the job does not ask for it. */
function actionsOf(job: Job): string[] {
  return [
    "create",
    ...(job.retention === undefined ? [] : ["prune", "compact"]),
    ...(job.checks.length === 0 ? [] : ["check"]),
  ];
}
