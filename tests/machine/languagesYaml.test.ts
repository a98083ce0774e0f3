import assert from "node:assert/strict";
import { readMarkdown } from "../docs/markdown";
import { startAccount } from "../support/account";
import { LanguageProject } from "../support/languages";
import { MachineHost } from "../support/machineHost";
import { filesWith } from "../support/output";

/** The program of docs/machines.md for languages without the component, as its reader has it. */
describe("The YAML program of docs/machines.md", function () {
  this.timeout(600_000);

  it("It backs a machine up, names and repairs a change by hand, keeps its secrets, and leaves nothing", async () => {
    const [account, host] = await Promise.all([
      startAccount({ storage: true }),
      MachineHost.start({ suite: "bookworm" }),
    ]);
    const project = await LanguageProject.create(account);
    try {
      await host.booted();
      const untouched = await host.fingerprint("/etc", "/var/lib/pulumi-borgbase");
      const [program] = readMarkdown("docs/machines.md").code.filter(({ language }) => language === "yaml");
      project.write("Pulumi.yaml", program?.text ?? "");
      const { port, hostKey, privateKey } = host;
      const stack = await project.newStack({ host: "127.0.0.1", port: String(port), hostKey });
      // The command line takes a leading dash for an option.
      for (const [name, value] of Object.entries({ adminKey: `\n${privateKey}`, passphrase: "of the repository" }))
        await stack.works("config", "set", "--secret", name, value);
      await stack.works("up", "--yes", "--skip-preview");
      assert.deepEqual(await stack.counts(), { KeyPair: 1, SshKey: 1, Repo: 1, BackupJob: 1 });
      const { unit, repositoryKey } = await stack.outputs();
      assert.equal(unit, "borgbase-web-1.timer");
      assert.match(await stack.works("stack", "output"), /repositoryKey +\[secret\]/);
      for (const secret of [privateKey.split("\n")[2], "of the repository", String(repositoryKey).split("\n")[1]]) {
        assert.ok(secret);
        assert.deepEqual(await filesWith(stack.backend, secret), []);
      }
      await host.output("systemctl start borgbase-web-1.service");
      assert.match(await host.output("/etc/pulumi-borgbase/web-1/borg list --short"), /-web-1-/);
      await stack.works("preview", "--refresh", "--expect-no-changes");

      await host.output("sed -i 's/auto,zstd/lzma/' /etc/pulumi-borgbase/web-1/config.yaml");
      const refreshed = await stack.works("refresh", "--yes", "--skip-preview", "--diff");
      assert.match(refreshed, /compression *: "auto,zstd" => "lzma"/);
      await stack.works("up", "--yes", "--skip-preview");
      await stack.works("preview", "--refresh", "--expect-no-changes");

      const [repo] = await account.console.repos();
      assert.equal(repo?.borgVersion, "V_1_4_X");
      account.emulator.control.setContent(repo?.id ?? "", { currentUsage: 0, lastModified: null });
      await stack.works("destroy", "--yes", "--skip-preview");
      assert.equal(await host.fingerprint("/etc", "/var/lib/pulumi-borgbase"), untouched);
    } finally {
      await project.close();
      await host.stop();
      await account.emulator.close();
    }
  });
});
