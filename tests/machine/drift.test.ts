import assert from "node:assert/strict";
import { JobStack, Storage } from "../support/backupJob";
import { MachineHost, type Suite } from "../support/machineHost";

const FOLDER = "/etc/pulumi-borgbase/web";
const UNITS = "/etc/systemd/system/borgbase-web";

/** Another value for every option that an argument has, in either form of the configuration. */
const EDIT = `
import json
path = "${FOLDER}/config.yaml"
text = open(path).read()
head, body = text.split("\\n", 1)
config = json.loads(body)
def put(options):
    for name, value in VALUES.items():
        if name in options: options[name] = value
    for each in list(options.values()):
        if isinstance(each, dict) and "ping_url" not in each: put(each)
VALUES = {"source_directories": ["/home"], "exclude_patterns": ["*.iso"], "exclude_if_present": [".skip"],
  "exclude_caches": False, "one_file_system": True, "compression": "none", "archive_name_format": "all-{now}",
  "upload_rate_limit": 9, "remote_path": "borg1", "keep_daily": 1, "checks": [{"name": "archives"}],
  "before_backup": ["false"], "on_error": ["false"], "commands": [], "healthchecks": {"ping_url": "https://other.example"},
  "lock_wait": 3}
put(config)
open(path, "w").write(head + "\\n" + json.dumps(config, indent=2) + "\\n")`;

for (const suite of ["bookworm", "trixie"] satisfies Suite[]) {
  describe(`Drift of a BackupJob on ${suite}`, function () {
    this.timeout(300_000);
    let host: MachineHost;
    let storage: Storage;
    let job: JobStack;
    before(async () => {
      [host, storage] = await Promise.all([MachineHost.start({ suite }), Storage.start()]);
      const key = await storage.key();
      const { repoPath } = await storage.repository(key.id);
      job = new JobStack("web", {
        connection: host.connection,
        repository: repoPath,
        repositoryHostKeys: storage.hostKeys,
        privateKey: key.privateKey,
        passphrase: "of the job",
        paths: ["/srv"],
        exclude: ["*.bak"],
        excludeIfPresent: [".nobackup"],
        uploadLimit: 5,
        remotePath: "borg",
        retention: { daily: 7 },
        checks: [{ name: "repository", frequency: "2 weeks" }],
        hooks: { before: ["true"], onError: ["true"] },
        healthchecks: "https://ping.example",
        schedule: { at: "02:30" },
      });
      await job.up();
      assert.deepEqual(await job.refresh(), []);
    });
    after(async () => {
      await host?.stop();
      await storage?.stop();
    });

    /** Changes something by hand, and asserts what a refresh names, and that a deployment takes it back. */
    async function drifts(change: string, ...expected: string[]): Promise<void> {
      const before = await host.fingerprint("/etc/pulumi-borgbase/web", "/etc/systemd/system", "/etc/cron.d");
      await host.output(change);
      assert.deepEqual((await job.refresh()).sort(), expected.sort(), change);
      assert.deepEqual(
        job.lines.map((line) => line.split(":")[0]).sort(),
        expected,
        "the log says for each argument what was seen",
      );
      await job.up();
      assert.deepEqual(await job.refresh(), [], "a deployment takes it back");
      const manifest = /[^\n]*manifest\.json\n/g;
      const after = await host.fingerprint("/etc/pulumi-borgbase/web", "/etc/systemd/system", "/etc/cron.d");
      assert.equal(after.replace(manifest, ""), before.replace(manifest, ""));
    }

    it("names every argument whose option was edited in the configuration", () =>
      drifts(
        `python3 -c '${EDIT}'`,
        ...["paths", "exclude", "excludeIfPresent", "excludeCaches", "oneFileSystem", "compression", "archiveName"],
        ...["uploadLimit", "remotePath", "retention", "checks", "hooks", "healthchecks", "borgmatic"],
      ));

    it("names the arguments of edited key, passphrase, wrapper and units, and of removed host keys", () =>
      drifts(
        `cd ${FOLDER}; echo x >> id; echo x > passphrase; echo x >> borg; echo > known_hosts
         sed -i s/Nice=19/Nice=5/ ${UNITS}.service; sed -i 's/02:30/12:00/' ${UNITS}.timer; systemctl daemon-reload`,
        ...["privateKey", "passphrase", "repository", "repositoryHostKeys", "serviceOptions", "schedule"],
      ));

    it("names the argument of a file with another mode or owner", () =>
      drifts(`chmod 644 ${FOLDER}/passphrase; chown daemon ${FOLDER}/id`, "passphrase", "privateKey"));

    it("names schedule for a timer that was disabled", () =>
      drifts("systemctl disable --quiet --now borgbase-web.timer", "schedule"));

    it("names schedule for a timer that was stopped only", () =>
      drifts("systemctl stop borgbase-web.timer", "schedule"));

    it("names schedule for a timer that was masked", () =>
      drifts(
        `systemctl stop borgbase-web.timer; ln -sf /dev/null ${UNITS}.timer; systemctl daemon-reload`,
        "schedule",
      ));

    it("names serviceOptions for a drop-in that systemd has not loaded yet", () =>
      drifts(`mkdir ${UNITS}.service.d; echo '[Service]' > ${UNITS}.service.d/x.conf`, "serviceOptions"));

    it("names schedule for a cron file that starts the job too", () =>
      drifts("echo '0 0 * * * root true' > /etc/cron.d/borgbase-web", "schedule"));

    it("makes the job again where its folder was removed", async () => {
      await host.output(`rm -r ${FOLDER}`);
      assert.deepEqual(await job.refresh(), ["paths"]);
      assert.equal(job.state?.status, "missing");
      await job.up();
      assert.deepEqual(await job.refresh(), []);
      await host.output(`${FOLDER}/borg list`);
    });
  });
}
