import { type HostFacts, type Job, jobOf } from "../../../provider/machine/plan";
import type { BackupJobInputs } from "../../../provider/schema/backupJob";

export const ARGS: BackupJobInputs & { name: string } = {
  connection: "local",
  name: "web",
  repository: "ssh://ab1@ab1.repo.borgbase.com/./repo",
  repositoryHostKeys: [],
  privateKey: "KEY",
  passphrase: "it's $HOME",
  paths: ["/etc", "/srv"],
};

export function job(change: Partial<BackupJobInputs> = {}): Job {
  return jobOf({ ...ARGS, ...change }, "[ab1.repo.borgbase.com]:22 ssh-ed25519 AAAA\n");
}

/** A Debian host with these versions of borgmatic: 12 has 1.7.7, 13 has 1.9.14. */
export function facts(borgmatic = "1.9.14", change: Partial<HostFacts> = {}): HostFacts {
  return {
    hostname: "web1",
    machineId: "0123456789abcdef0123456789abcdef",
    hasSystemd: true,
    versions: { borg: "1.2.4", borgmatic },
    commands: {
      sh: "/bin/sh",
      cat: "/usr/bin/cat",
      ssh: "/usr/bin/ssh",
      flock: "/usr/bin/flock",
      borg: "/usr/bin/borg",
      borgmatic: "/usr/bin/borgmatic",
    },
    flockHasLimit: true,
    account: { name: "root", group: "root", home: "/root" },
    ...change,
  };
}

export const APP = { name: "app", group: "staff", home: "/home/app" };
