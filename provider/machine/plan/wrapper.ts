import { quoteForShell } from "../../ssh/files/shellPath";
import { HEAD_LINE } from "./names";
import type { HostFacts, Job, JobNames } from "./types";

/**
 * ssh with the files of the job alone: no configuration, agent or known host of the account counts.
 * `CheckHostIP` of older versions would ask for the address, which no pinned line names.
 */
export function sshCommand(names: JobNames, ssh: string): string {
  const options = [
    "BatchMode=yes",
    "IdentitiesOnly=yes",
    "IdentityAgent=none",
    "StrictHostKeyChecking=yes",
    "CheckHostIP=no",
    `UserKnownHostsFile=${names.knownHosts}`,
    "GlobalKnownHostsFile=/dev/null",
    "ServerAliveInterval=10",
    "ServerAliveCountMax=30",
  ];
  return `${ssh} -F /dev/null -i ${names.privateKey} ${options.map((option) => `-o ${option}`).join(" ")}`;
}

/** A script that runs borg with the repository, key and passphrase of the job, for people and for probes. */
export function renderWrapper(job: Job, names: JobNames, { commands, account }: HostFacts): string {
  const variables = {
    BORG_REPO: job.repository,
    BORG_PASSCOMMAND: `${commands.cat} ${names.passphrase}`,
    BORG_RSH: sshCommand(names, commands.ssh),
    BORG_BASE_DIR: names.stateFolder,
    ...(job.remotePath !== undefined && { BORG_REMOTE_PATH: job.remotePath }),
  };
  return [
    `#!${commands.sh}`,
    `# ${HEAD_LINE}`,
    `# borg with the repository, key and passphrase of the job ${job.name}, for example: ${names.wrapper} list`,
    "umask 077",
    // A passphrase of the caller's own would come before the command.
    "unset BORG_PASSPHRASE BORG_PASSPHRASE_FD BORG_REMOTE_PATH BORG_CACHE_DIR BORG_CONFIG_DIR BORG_SECURITY_DIR BORG_KEYS_DIR",
    ...Object.entries(variables).map(([name, value]) => `export ${name}=${quoteForShell(value)}`),
    // Files of another account in the cache would stop the job.
    `[ "$(id -un)" = ${account.name} ] || export BORG_BASE_DIR=${names.stateFolder}/$(id -u)`,
    `exec ${commands.borg} "$@"`,
    "",
  ].join("\n");
}
