import type { JobNames } from "./types";

const ROOT = "/etc/pulumi-borgbase";
const STATE_ROOT = "/var/lib/pulumi-borgbase";

/** Comment at the top of every text file of a job. */
export const HEAD_LINE = "Made by pulumi-borgbase. A change by hand is drift, which the next deployment takes back.";

/**
 * Names of jobs. They become file names, units and names in `/etc/cron.d`, where cron ignores names with a dot.
 */
export const JOB_NAME = /^[a-z0-9][a-z0-9_-]{0,39}$/;

/** Paths and units of a job of an account. */
export function jobNames(name: string, user: string): JobNames {
  const folder = `${ROOT}/${name}`;
  const service = `borgbase-${name}.service`;
  const timer = `borgbase-${name}.timer`;
  return {
    root: ROOT,
    folder,
    manifest: `${folder}/manifest.json`,
    config: `${folder}/config.yaml`,
    privateKey: `${folder}/id`,
    passphrase: `${folder}/passphrase`,
    knownHosts: `${folder}/known_hosts`,
    wrapper: `${folder}/borg`,
    stateRoot: STATE_ROOT,
    stateFolder: `${STATE_ROOT}/${name}`,
    lastStatus: `${STATE_ROOT}/${name}/last-status`,
    lock: `${STATE_ROOT}/lock-${user}`,
    service,
    servicePath: `/etc/systemd/system/${service}`,
    serviceDropIns: `/etc/systemd/system/${service}.d`,
    timer,
    timerPath: `/etc/systemd/system/${timer}`,
    timerDropIns: `/etc/systemd/system/${timer}.d`,
    timerStamp: `/var/lib/systemd/timers/stamp-${timer}`,
    cronPath: `/etc/cron.d/borgbase-${name}`,
  };
}
