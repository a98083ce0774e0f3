import assert from "node:assert/strict";
import { join } from "node:path";
import { startAccount } from "../support/account";
import { MachineHost } from "../support/machineHost";
import { ProjectStack, ROOT } from "../support/project";

/** The examples of docs/reference that tests/e2e/examples.test.ts leaves out, as they need a machine. */
describe("The reference's examples of a machine", function () {
  this.timeout(600_000);

  it("They deploy two jobs on one host, read the status of one, change nothing again, and leave nothing", async () => {
    const [account, host] = await Promise.all([
      startAccount({ storage: true }),
      MachineHost.start({ suite: "trixie" }),
    ]);
    const stack = await ProjectStack.create(join(ROOT, "examples/reference/machine"), account.env);
    try {
      await host.booted();
      const untouched = await host.fingerprint("/etc", "/var/lib/pulumi-borgbase");
      const { port, hostKey, privateKey } = host;
      const config = { machine: "127.0.0.1", machinePort: String(port), machineHostKey: hostKey };
      // The command line takes a leading dash for an option.
      const secrets = { passphrase: "of the repositories", machinePrivateKey: `\n${privateKey}` };
      for (const [name, value] of Object.entries(config))
        await stack.works("config", "set", "--plaintext", name, value);
      for (const [name, value] of Object.entries(secrets)) await stack.works("config", "set", "--secret", name, value);
      await stack.works("up", "--yes", "--skip-preview");
      assert.deepEqual(await stack.counts(), { KeyPair: 2, SshKey: 2, Repo: 2, BackupJob: 2, MachineBackup: 1 });
      const first = await stack.outputs();
      assert.equal(first.unit, "borgbase-web-1.timer");
      assert.match(String(first.repositoryKey), /^BORG_KEY /);
      assert.equal((first.lastBackup as { lastRun?: string }).lastRun, undefined);

      await Promise.all(["web-1", "web-2"].map((name) => host.output(`systemctl start borgbase-${name}.service`)));
      for (const name of ["web-1", "web-2"]) {
        assert.match(await host.output(`/etc/pulumi-borgbase/${name}/borg list --short`), new RegExp(`-${name}-`));
      }
      await stack.works("preview", "--refresh", "--expect-no-changes");
      await stack.works("up", "--yes", "--skip-preview");
      assert.equal(((await stack.outputs()).lastBackup as { lastResult?: string }).lastResult, "success");

      for (const { id } of await account.console.repos()) {
        account.emulator.control.setContent(id, { currentUsage: 0, lastModified: null });
      }
      await stack.works("destroy", "--yes", "--skip-preview");
      assert.equal(await host.fingerprint("/etc", "/var/lib/pulumi-borgbase"), untouched);
      assert.deepEqual([await account.console.repos(), await account.console.keys()], [[], []]);
    } finally {
      await stack.close();
      await host.stop();
      await account.emulator.close();
    }
  });
});
