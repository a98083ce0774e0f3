import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import { getBackupStatus } from "../../provider/functions/backupStatus";
import type { Context } from "../../provider/lifecycle/resource";
import { generate, type KeyMaterial } from "../../provider/ssh/keys";
import { JobStack } from "../support/backupJob";
import { MachineHost } from "../support/machineHost";

const FOLDERS = ["/etc", "/var/lib/pulumi-borgbase"];

describe("Runs of a BackupJob", function () {
  this.timeout(300_000);
  let host: MachineHost;
  let key: KeyMaterial;
  let untouched: string;
  before(async () => {
    [host, key] = await Promise.all([MachineHost.start({ suite: "bookworm" }), generate()]);
    await host.output(
      "systemctl is-system-running --wait; useradd -m app; mkdir /srv/repositories; chmod 777 /srv/repositories",
    );
    untouched = await host.fingerprint(...FOLDERS);
  });
  after(async () => {
    await host?.stop();
  });

  const job = (name: string, change: object = {}) =>
    new JobStack(name, {
      connection: host.connection,
      repository: `/srv/repositories/${name}`,
      privateKey: key.privateKey,
      passphrase: "of the job",
      paths: ["/etc/hostname"],
      checks: [],
      ...change,
    });
  const status = (name: string) => getBackupStatus.run({ connection: host.connection, name }, {} as Context);
  const archives = async (name: string) =>
    (await host.output(`/etc/pulumi-borgbase/${name}/borg list --short`)).split("\n").filter(Boolean).length;
  const ended = (name: string) =>
    host.until(
      `systemctl show -p ExecMainExitTimestamp --value borgbase-${name}.service | grep .`,
      120,
      "the run has ended",
    );

  it('firstBackup: "start" backs up at creation alone, whatever starts the job', async () => {
    const jobs = [
      job("unit", { firstBackup: "start", schedule: "none" }),
      job("cron", { firstBackup: "start", scheduler: "cron" }),
      job("app", { firstBackup: "start", scheduler: "cron", user: "app" }),
    ];
    for (const each of jobs) await each.up();
    for (const { name } of jobs) {
      await host.until(`[ -n "$(/etc/pulumi-borgbase/${name}/borg list --short)" ]`, 120, `${name} has an archive`);
    }
    for (const { name } of jobs) {
      let last = await status(name);
      for (let attempt = 0; attempt < 120 && last.lastResult === undefined; attempt++) {
        await delay(500);
        last = await status(name);
      }
      assert.deepEqual([last.lastResult, last.running], ["success", false], name);
      assert.ok(Date.now() - Date.parse(String(last.lastRun)) < 300_000, name);
    }
    for (const each of jobs) {
      assert.deepEqual(await each.refresh(), [], each.name);
      each.args.exclude = ["*.bak"];
      await each.up();
      assert.equal(await archives(each.name), 1, "an update starts none");
      await each.destroy();
    }
    assert.equal(await host.fingerprint(...FOLDERS), untouched);

    const later = job("later", { schedule: "none" });
    await later.up();
    later.args.firstBackup = "start";
    await later.up();
    assert.equal(await archives("later"), 0, "a job that exists has no first backup");
    await later.destroy();
  });

  it("A first backup that fails is no failure of the creation: getBackupStatus has the reason", async () => {
    const failing = job("failing", {
      firstBackup: "start",
      hooks: { before: ["echo the dump is broken >&2; exit 3"] },
    });
    await failing.up();
    assert.equal(failing.state?.status, "ready");
    await ended("failing");
    const { lastResult, reason } = await status("failing");
    assert.equal(lastResult, "failure");
    assert.match(String(reason), /the dump is broken/);
    assert.deepEqual(await failing.refresh(), []);
    await failing.destroy();
  });

  for (const scheduler of ["systemd", "cron"] as const) {
    it(`A deletion stops a backup that runs under ${scheduler}, as nothing else would any more`, async () => {
      const running = job("running", {
        scheduler,
        firstBackup: "start",
        hooks: { before: ["touch /var/lib/pulumi-borgbase/running/started; sleep 600"] },
      });
      await running.up();
      await host.until("[ -e /var/lib/pulumi-borgbase/running/started ]", 60, "the backup runs");
      await running.destroy();
      assert.equal((await host.run("pgrep -x 'sleep|flock|borgmatic|borg'")).code, 1, "nothing of it runs any more");
      assert.equal(await host.fingerprint(...FOLDERS), untouched);
    });
  }
});
