import { backupJobSchema } from "../../provider/schema/backupJob";

/** A change by hand on the host, and the arguments that a refresh then names; none that the host does not hold. */
export type Row =
  | { options: Record<string, unknown> }
  | { script: string }
  | { script: string; named: string; because: string }
  | { onHost: false; because: string };

/** Arguments as a person changes them on the host: options of borgmatic's configuration, or a script. */
export function driftRows(folder: string, units: string): Record<string, Row> {
  const option = (name: string, value: unknown): Row => ({ options: { [name]: value } });
  const script = (text: string): Row => ({ script: text });
  const asAnother = (named: string, because: string, text: string): Row => ({ script: text, named, because });
  const notOnHost = (because: string): Row => ({ onHost: false, because });
  return {
    connection: notOnHost("the way to the host"),
    become: notOnHost("the way to root on it"),
    sudoPassword: notOnHost("the way to root on it"),
    name: asAnother("paths", "the job of that name is gone: a deployment makes it again", `mv ${folder} ${folder}-2`),
    user: asAnother(
      "serviceOptions",
      "a line of the unit, repaired in place: another user in the program replaces the job",
      `sed -i 's/^UMask=/User=daemon\\nUMask=/' ${units}.service; systemctl daemon-reload`,
    ),
    repository: script(`echo x >> ${folder}/borg`),
    repositoryHostKeys: script(`echo > ${folder}/known_hosts`),
    privateKey: script(`echo x >> ${folder}/id`),
    passphrase: script(`echo x > ${folder}/passphrase`),
    encryption: notOnHost("a property of the repository, which a refresh does not contact"),
    initialize: notOnHost("a choice of the deployment that makes the repository"),
    remotePath: option("remote_path", "borg1"),
    paths: option("source_directories", ["/home"]),
    exclude: option("exclude_patterns", ["*.iso"]),
    excludeIfPresent: option("exclude_if_present", [".skip"]),
    excludeCaches: option("exclude_caches", false),
    oneFileSystem: option("one_file_system", true),
    compression: option("compression", "none"),
    archiveName: option("archive_name_format", "all-{now}"),
    uploadLimit: option("upload_rate_limit", 9),
    retention: option("keep_daily", 1),
    checks: option("checks", [{ name: "archives" }]),
    schedule: script(`sed -i 's/02:30/12:00/' ${units}.timer; systemctl daemon-reload`),
    scheduler: script(
      `systemctl disable --quiet --now borgbase-web.timer; rm ${units}.timer ${units}.service; systemctl daemon-reload
       echo '30 2 * * * root true' > /etc/cron.d/borgbase-web`,
    ),
    // Before borgmatic 2 three options, since then the list of commands.
    hooks: { options: { before_backup: ["false"], on_error: ["false"], commands: [] } },
    healthchecks: option("healthchecks", { ping_url: "https://other.example" }),
    borgmatic: option("lock_wait", 3),
    serviceOptions: script(`sed -i s/Nice=19/Nice=5/ ${units}.service; systemctl daemon-reload`),
    install: notOnHost("a choice of the deployment that finds no programs"),
    minimum: notOnHost("a limit that a deployment compares with the installed versions"),
    firstBackup: notOnHost("a choice at creation"),
    keepOnDelete: notOnHost("a choice of the deletion"),
    onUnreachable: notOnHost("a choice of the deletion"),
  };
}

/** Arguments of the schema, whatever it has at present. */
export async function argumentNames(): Promise<string[]> {
  return Object.keys(await backupJobSchema.fields());
}

/** A script that sets options of the configuration, in either form of it. */
export function editScript(folder: string, options: Record<string, unknown>): string {
  const program = `
import json, sys
path, values = "${folder}/config.yaml", json.load(sys.stdin)
head, body = open(path).read().split("\\n", 1)
config = json.loads(body)
def put(options):
    for name, value in values.items():
        if name in options: options[name] = value
    for each in list(options.values()):
        if isinstance(each, dict) and "ping_url" not in each: put(each)
put(config)
open(path, "w").write(head + "\\n" + json.dumps(config, indent=2) + "\\n")`;
  return `python3 -c '${program}' <<'END'\n${JSON.stringify(options)}\nEND`;
}
