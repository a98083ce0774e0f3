import type { Kit } from "./kit";
import { code, lines, table } from "./markdown";

/** What there is: keys, machines, hosts, Borg UI, secrets. */
export function reference(kit: Kit, withSecrets: boolean): string[] {
  const { keys, jobs, hosts, ui, secrets } = kit;
  const sections: [heading: string, table: string, isEmpty: boolean][] = [
    [
      "Keys at BorgBase",
      table(
        ["key", "id", "fingerprint", "may", "private half", "in Pulumi"],
        keys.map((key) => [
          code(key.name),
          code(key.id),
          code(key.fingerprint),
          lines(key.may) || "nothing",
          key.privateHalf ? code(`recovery/secrets/${key.privateHalf.file}`) : "unknown to Pulumi",
          key.resource === undefined ? "not managed by the stack" : `SshKey ${code(key.resource)}`,
        ]),
      ),
      keys.length === 0,
    ],
    [
      "Machines that back up",
      table(
        ["job", "machine", "runs as", "repository", "files there", "schedule", "in Pulumi"],
        jobs.map((job) => [
          code(job.name),
          lines([job.machine, ...(job.hostKey ? [`host key ${code(job.hostKey)}`] : [])]),
          code(job.user),
          code(job.repository),
          lines([
            `configuration ${code(job.files.config)}`,
            `key ${code(job.files.key)}`,
            `passphrase ${code(job.files.passphrase)}`,
            `borg with all of it ${code(job.files.wrapper)}`,
          ]),
          code(job.unit),
          `BackupJob ${code(job.resource)}`,
        ]),
      ),
      jobs.length === 0,
    ],
    [
      "Hosts with a deployed key",
      table(
        ["account", "key", "may", "known_hosts", "in Pulumi"],
        hosts.map(({ account, fingerprint, may, knownHosts, resource }) => [
          code(account),
          code(fingerprint),
          may,
          code(knownHosts),
          `SshConnection ${code(resource)}`,
        ]),
      ),
      hosts.length === 0,
    ],
    [
      "Borg UI",
      table(
        ["object", "id", "name", "content", "in Pulumi"],
        ui.map(({ type, id, name, what, resource }) => [type, code(id), code(name), what, code(resource)]),
      ),
      ui.length === 0,
    ],
    [
      "Where each secret is",
      table(
        ["file in this kit", "secret", "places"],
        secrets.all.map(({ file, what, places }) => [code(`recovery/secrets/${file}`), what, lines(places)]),
      ),
      // Without secrets, step 1 has this table.
      secrets.all.length === 0 || !withSecrets,
    ],
  ];
  const shown = sections.filter(([, , isEmpty]) => !isEmpty);
  return shown.length === 0
    ? []
    : ["## What there is", ...shown.flatMap(([heading, text]) => [`### ${heading}`, text])];
}
