import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import { MachineHost } from "../support/machineHost";
import { execute, ROOT } from "../support/project";

/** A built clone of this package that the host may write to, over the one that it sees. */
const CLONE = `mkdir -p /root/clone /run/clone
mount -t tmpfs tmpfs /run/clone; mkdir /run/clone/upper /run/clone/work
mount -t overlay overlay -o "lowerdir=$1,upperdir=/run/clone/upper,workdir=/run/clone/work" /root/clone
touch /root/clone/dist/.built`;

describe("npm start", function () {
  this.timeout(600_000);

  it("As root on a machine with systemd, it backs the machine up by its own unit, and leaves no job behind", async () => {
    const { stdout } = await execute("sh", ["-c", "command -v pulumi"], ROOT);
    const folder = dirname(stdout.trim());
    const host = await MachineHost.start({ suite: "trixie", folder });
    try {
      await host.booted();
      await host.output(CLONE, ROOT);
      const untouched = await host.fingerprint("/etc", "/var/lib/pulumi-borgbase");
      const node = join(ROOT, "node_modules", "node", "bin");
      const { code, output } = await host.run(
        'cd /root/clone; PATH="$1:$2:$PATH" node scripts/start.mjs',
        node,
        folder,
      );
      assert.equal(code, 0, output);
      assert.match(output, /\$ systemctl start borgbase-web-1\.service/);
      assert.match(output, /This machine +its own unit backed up \S+-web-1-\S+; the job is gone again\n/);
      assert.doesNotMatch(output, /Left out/);
      assert.equal(await host.fingerprint("/etc", "/var/lib/pulumi-borgbase"), untouched);
      assert.equal(await host.output("systemctl list-units --all --no-legend 'borgbase-*'"), "");
    } finally {
      await host.stop();
    }
  });
});
