import assert from "node:assert/strict";
import { join } from "node:path";
import { startAccount } from "../support/account";
import { MachineHost, type Suite } from "../support/machineHost";
import { ProjectStack, ROOT } from "../support/project";

type Account = Awaited<ReturnType<typeof startAccount>>;

const BORG = "/etc/pulumi-borgbase/web-1/borg";

/** The example as its user has it: the real CLI, a local BorgBase, and a machine with systemd. */
describe("The example machine", function () {
  this.timeout(600_000);
  for (const suite of ["bookworm", "trixie"] satisfies Suite[]) {
    it(`The example backs ${suite} up by its timer, changes the key below a backup that runs, and leaves nothing`, async () => {
      const [account, host] = await Promise.all([startAccount({ storage: true }), MachineHost.start({ suite })]);
      const stack = await ProjectStack.create(join(ROOT, "examples", "machine"), account.env);
      try {
        await host.output("systemctl is-system-running --wait; mkdir -p /srv/data; echo precious > /srv/data/file");
        const untouched = await host.fingerprint("/etc", "/var/lib/pulumi-borgbase");
        const { port, hostKey, privateKey } = host;
        // The command line takes a leading dash for an option.
        const secrets = { passphrase: `it's "so" $HOME`, privateKey: `\n${privateKey}` };
        const config = { host: "127.0.0.1", port: String(port), hostKey, onCalendar: "*:*:0/5" };
        for (const [name, value] of Object.entries(config))
          await stack.works("config", "set", "--plaintext", name, value);
        for (const [name, value] of Object.entries(secrets))
          await stack.works("config", "set", "--secret", name, value);
        await stack.works("up", "--yes", "--skip-preview");
        await stack.works("preview", "--expect-no-changes");

        await host.until(`${BORG} list --short | grep .`, 120, "the timer has made an archive");
        assert.equal(await restored(host), "precious");
        await stack.works("config", "set", "onCalendar", "daily");
        await stack.works("up", "--yes", "--skip-preview");
        await repairsByHand(stack, host);
        await rotateBelowBackup(stack, host, account);

        const [repo] = await account.console.repos();
        const refused = await stack.run("destroy", "--yes", "--skip-preview");
        assert.match(refused.output, /holds backups/);
        assert.equal(await host.fingerprint("/etc", "/var/lib/pulumi-borgbase"), untouched, "the job is gone first");
        account.emulator.control.setContent(repo?.id ?? "", { currentUsage: 0, lastModified: null });
        await stack.works("destroy", "--yes", "--skip-preview");
      } finally {
        await stack.close();
        await host.stop();
        await account.emulator.close();
      }
    });
  }
});

/** The file of the newest archive. */
async function restored(host: MachineHost): Promise<string> {
  const newest = `$(${BORG} list --short --last 1)`;
  return host.output(`cd /tmp && ${BORG} --bypass-lock extract --stdout "::${newest}" srv/data/file`);
}

/** The command line names an argument that somebody changed on the host, and the next deployment repairs it. */
async function repairsByHand(stack: ProjectStack, host: MachineHost): Promise<void> {
  const config = "/etc/pulumi-borgbase/web-1/config.yaml";
  const before = await host.fingerprint(config);
  await host.output(`sed -i 's/auto,zstd/lzma/' ${config}; systemctl disable --quiet --now borgbase-web-1.timer`);
  const { ok, output } = await stack.run("refresh", "--yes", "--skip-preview", "--diff");
  assert.ok(ok, output);
  assert.match(output, /~ compression *: "auto,zstd" => "lzma"/);
  assert.match(output, /\+ schedule *: "changed on the host"/);
  assert.match(output, /schedule: borgbase-web-1\.timer is loaded, disabled and inactive/);
  const preview = await stack.run("preview", "--diff", "--expect-no-changes");
  assert.ok(!preview.ok);
  assert.match(preview.output, /~ 1 to update/);
  await stack.works("up", "--yes", "--skip-preview");
  await stack.works("preview", "--refresh", "--expect-no-changes");
  assert.equal(await host.fingerprint(config), before);
  await host.output("systemctl is-enabled borgbase-web-1.timer");
}

/** One deployment exchanges the key. The backup that runs ends well, and so does the next one. */
async function rotateBelowBackup(stack: ProjectStack, host: MachineHost, account: Account): Promise<void> {
  const count = async () => (await host.output(`${BORG} list --short`)).split("\n").length;
  await host.until("! systemctl is-active --quiet borgbase-web-1.service", 120, "no backup runs");
  const before = await count();
  const [old] = await account.console.keys();
  await host.output("head -c 300M /dev/urandom > /srv/data/large; systemctl start --no-block borgbase-web-1.service");
  await host.until(
    "systemctl show -p ActiveState --value borgbase-web-1.service | grep activating",
    30,
    "a backup runs",
  );
  await stack.works("config", "set", "rotated", "2");
  await stack.works("up", "--yes", "--skip-preview");
  const keys = await account.console.keys();
  assert.equal(keys.length, 1);
  assert.notEqual(keys[0]?.id, old?.id);
  await host.until(
    "! systemctl show -p ActiveState --value borgbase-web-1.service | grep activating",
    300,
    "the backup ended",
  );
  await host.output("systemctl start borgbase-web-1.service");
  assert.equal(await count(), before + 2);
  assert.equal(await restored(host), "precious");
}
