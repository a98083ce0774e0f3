import assert from "node:assert/strict";
import { JobStack, Storage } from "../support/backupJob";
import { MachineHost, type Suite } from "../support/machineHost";
import { argumentNames, driftRows, editScript } from "./driftRows";

const FOLDER = "/etc/pulumi-borgbase/web";
const UNITS = "/etc/systemd/system/borgbase-web";
const ROWS = driftRows(FOLDER, UNITS);

describe("Drift of a BackupJob", () => {
  it("Every argument has a row in the table of drift", async () => {
    assert.deepEqual(Object.keys(ROWS).sort(), (await argumentNames()).sort());
  });
});

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
        scheduler: "systemd",
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

    it("names every argument whose option was edited in the configuration", () => {
      const rows = Object.entries(ROWS).flatMap(([name, row]) => ("options" in row ? [{ name, ...row }] : []));
      const options = Object.assign({}, ...rows.map((row) => row.options));
      return drifts(editScript(FOLDER, options), ...rows.map(({ name }) => name));
    });

    it("names every argument whose file was edited, and the cron file that took the place of the units", async () => {
      const rows = Object.entries(ROWS).flatMap(([name, row]) => ("script" in row ? [{ name, ...row }] : []));
      const own = rows.filter((row) => !("named" in row) && row.name !== "scheduler");
      await drifts(own.map(({ script }) => script).join("\n"), ...own.map(({ name }) => name));
      const { script } = ROWS.scheduler as { script: string };
      await drifts(script, "schedule", "scheduler", "serviceOptions");
    });

    for (const [name, row] of Object.entries(ROWS)) {
      if (!("named" in row)) continue;
      it(`names ${row.named} for another ${name}: ${row.because}`, async () => {
        await drifts(row.script, row.named);
        await host.output(`rm -rf ${FOLDER}-2`);
      });
    }

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
      await drifts(`rm -r ${FOLDER}`, "paths");
      await host.output(`${FOLDER}/borg list`);
    });
  });
}
