import assert from "node:assert/strict";
import { getBackupStatus } from "../../provider/functions/backupStatus";
import type { Context } from "../../provider/lifecycle/resource";
import { JobStack, Storage } from "../support/backupJob";
import { MachineHost, type Suite } from "../support/machineHost";

const FOLDERS = ["/etc", "/var/lib/pulumi-borgbase"];

for (const suite of ["bookworm", "trixie"] satisfies Suite[]) {
  describe(`BackupJob on ${suite}`, function () {
    this.timeout(300_000);
    let host: MachineHost;
    let storage: Storage;
    before(async () => {
      [host, storage] = await Promise.all([MachineHost.start({ suite }), Storage.start()]);
    });
    after(async () => {
      await host?.stop();
      await storage?.stop();
    });

    it("makes a repository, backs up by its own unit, and leaves nothing on the host when deleted", async () => {
      await host.booted();
      const untouched = await host.fingerprint(...FOLDERS);
      const key = await storage.key();
      const { repoPath } = await storage.repository(key.id);
      const job = new JobStack("web-1", {
        connection: host.connection,
        repository: repoPath,
        repositoryHostKeys: storage.hostKeys,
        privateKey: key.privateKey,
        passphrase: `it's "$HOME" \`ä\` 100%`,
        paths: ["/etc", "/srv/data"],
        exclude: ["*.bak"],
      });
      await host.output("mkdir /srv/data; echo precious > /srv/data/file; echo old > /srv/data/x.bak");
      const state = await job.up();
      assert.equal(state.status, "ready");
      assert.equal(state.unit, "borgbase-web-1.timer");
      assert.match(String(state.repositoryKey), new RegExp(`^BORG_KEY ${state.repositoryId}`));
      assert.deepEqual(await job.refresh(), []);
      assert.deepEqual(job.lines, []);

      await host.output(
        "systemctl start borgbase-web-1.service || { journalctl -u borgbase-web-1.service >&2; exit 1; }",
      );
      const archives = await host.output("/etc/pulumi-borgbase/web-1/borg list --short");
      const [archive, ...others] = archives.split("\n");
      assert.deepEqual(others, []);
      const restored = `cd /tmp && /etc/pulumi-borgbase/web-1/borg extract --stdout "::$1" srv/data/file`;
      assert.equal(await host.output(restored, archive as string), "precious");
      assert.deepEqual(await job.refresh(), [], "a backup that ran is no drift");

      const { connection } = host;
      const status = () => getBackupStatus.run({ connection, name: "web-1" }, {} as Context);
      const { lastRun, nextRun, ...succeeded } = await status();
      assert.deepEqual(succeeded, { lastResult: "success", running: false });
      assert.ok(Date.parse(String(lastRun)) < Date.parse(String(nextRun)), `${lastRun}, ${nextRun}`);
      // borg reports a refused passphrase itself. It may end before it has read the last words of ssh.
      const folder = "/etc/pulumi-borgbase/web-1";
      await host.output(`cp -p ${folder}/passphrase /tmp; printf wrong > ${folder}/passphrase`);
      await host.output("! systemctl start borgbase-web-1.service");
      const failed = await status();
      assert.equal(failed.lastResult, "failure");
      assert.match(String(failed.reason), /passphrase .* is incorrect/i);
      assert.doesNotMatch(String(failed.reason), /exit status|An error occurred/);
      await host.output(`mv /tmp/passphrase ${folder}/passphrase`);
      await assert.rejects(
        () => getBackupStatus.run({ connection, name: "other" }, {} as Context),
        /There is no job other on /,
      );

      await job.destroy();
      assert.equal(await host.fingerprint(...FOLDERS), untouched);
      assert.equal(await host.output("systemctl list-units --all --no-legend 'borgbase-*'"), "");
    });
  });
}
