import assert from "node:assert/strict";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { JobStack, Storage } from "../support/backupJob";
import { MachineHost } from "../support/machineHost";

/** What users of other tools ask for in their issues: each test is an answer in docs/machines.md. */
describe("Needs of a machine's owner", function () {
  this.timeout(300_000);
  let host: MachineHost;
  let storage: Storage;
  let key: Awaited<ReturnType<Storage["key"]>>;
  let monitor: Server;
  const pings: string[] = [];
  before(async () => {
    [host, storage] = await Promise.all([MachineHost.start({ suite: "trixie" }), Storage.start()]);
    key = await storage.key();
    await host.output(
      `systemctl is-system-running --wait; useradd -m app; mkdir -p /srv/repositories /var/backups; chown app /var/backups
       echo precious > /srv/file`,
    );
    monitor = createServer(({ url = "" }, response) => {
      // borgmatic since 1.8 sends its log between the two.
      if (!url.endsWith("/log")) pings.push(url);
      response.end("OK");
    });
    await new Promise<void>((resolve) => monitor.listen(0, "127.0.0.1", resolve));
  });
  after(async () => {
    monitor?.close();
    await host?.stop();
    await storage?.stop();
  });

  async function deployed(name: string, change: object = {}): Promise<JobStack> {
    const { repoPath } = await storage.repository(key.id, name);
    const stack = new JobStack(name, {
      connection: host.connection,
      repository: repoPath,
      repositoryHostKeys: storage.hostKeys,
      privateKey: key.privateKey,
      passphrase: "of the job",
      paths: ["/srv/file"],
      checks: [],
      ...change,
    });
    await stack.up();
    return stack;
  }

  const borg = (name: string) => `/etc/pulumi-borgbase/${name}/borg`;
  const archives = async (name: string) =>
    (await host.output(`${borg(name)} list --short`)).split("\n").filter(Boolean);

  it("A hook dumps by another account, Healthchecks hears of every run, and a failed hook stops the backup", async () => {
    const { port } = monitor.address() as AddressInfo;
    const stack = await deployed("dump", {
      paths: ["/var/backups"],
      hooks: { before: ["su app -s /bin/sh -c 'id -un > /var/backups/dump'"] },
      serviceOptions: { ReadWritePaths: "/var/backups" },
      healthchecks: `http://127.0.0.1:${port}/ping`,
    });
    await host.output("systemctl start borgbase-dump.service");
    const [archive] = await archives("dump");
    const restored = `cd /tmp; ${borg("dump")} extract --stdout "::$1" var/backups/dump`;
    assert.equal(await host.output(restored, archive as string), "app");
    assert.deepEqual(pings.splice(0), ["/ping/start", "/ping"]);

    stack.args.hooks = { before: ["exit 3"], onError: ["touch /var/backups/failed"] };
    await stack.up();
    await host.output("! systemctl start borgbase-dump.service && [ -e /var/backups/failed ]");
    assert.equal((await archives("dump")).length, 1);
    assert.equal(pings.splice(0).at(-1), "/ping/fail");
    await stack.destroy();
  });

  it("Healthchecks hears of a job in the strict sandbox, too", async () => {
    const { port } = monitor.address() as AddressInfo;
    const stack = await deployed("plain", { healthchecks: `http://127.0.0.1:${port}/plain` });
    await host.output("systemctl start borgbase-plain.service");
    assert.deepEqual(pings.splice(0), ["/plain/start", "/plain"]);
    await stack.destroy();
  });

  it("A run that was due while the machine was off is made up for at once", async () => {
    const stack = await deployed("late");
    await host.output(
      `systemctl stop borgbase-late.timer; touch -d '3 days ago' /var/lib/systemd/timers/stamp-borgbase-late.timer
       systemctl start borgbase-late.timer`,
    );
    await host.until(`${borg("late")} --bypass-lock list --short | grep .`, 60, "the missed run has made an archive");
    assert.deepEqual(await stack.refresh(), []);
    await stack.destroy();
  });

  it("A condition of the unit skips a run, as on battery", async () => {
    const stack = await deployed("battery", { serviceOptions: { ExecCondition: "/bin/false" } });
    await host.run("systemctl start borgbase-battery.service");
    assert.deepEqual(await archives("battery"), []);
    assert.equal(
      (await host.run("systemctl is-failed borgbase-battery.service")).code,
      1,
      "a skipped run is no failure",
    );
    await stack.destroy();
  });

  it("The distribution's own unit of borgmatic stays as it is, and runs no job", async () => {
    const unit = "systemctl show -p UnitFileState -p ActiveState borgmatic.timer; ls -A /etc/borgmatic* 2>&1";
    const before = await host.output(`${unit} || :`);
    const stack = await deployed("alone");
    await host.run("systemctl start borgmatic.service");
    assert.deepEqual(await archives("alone"), []);
    assert.equal(await host.output(`${unit} || :`), before);
    await stack.destroy();
  });

  it("A host with a read-only /usr takes a job", async () => {
    await host.output("mount --bind /usr /usr && mount -o remount,ro,bind /usr");
    try {
      const stack = await deployed("readonly", { install: "none" });
      await host.output("systemctl start borgbase-readonly.service");
      await stack.destroy();
    } finally {
      await host.output("umount -l /usr");
    }
  });

  it("Another version of borgmatic on the host shows as drift, and a deployment writes its form", async () => {
    const stack = await deployed("upgraded");
    const old = `#!/bin/sh\\n[ "$1" != --version ] || { echo 1.7.7; exit; }\\nexec /usr/bin/borgmatic.real "$@"\\n`;
    await host.output(
      `mv /usr/bin/borgmatic /usr/bin/borgmatic.real; printf '${old}' > /usr/bin/borgmatic; chmod +x /usr/bin/borgmatic`,
    );
    assert.deepEqual(await stack.refresh(), ["borgmatic"]);
    await stack.up();
    assert.match(await host.output("cat /etc/pulumi-borgbase/upgraded/config.yaml"), /"location": \{/);
    await host.output("mv -f /usr/bin/borgmatic.real /usr/bin/borgmatic");
    assert.deepEqual(await stack.refresh(), ["borgmatic"]);
    await stack.up();
    assert.deepEqual(await stack.refresh(), []);
    await host.output("systemctl start borgbase-upgraded.service");
    await stack.destroy();
  });

  it("The exported key opens a repository that has lost its own", async () => {
    const repository = "/srv/repositories/lost";
    const stack = await deployed("lost", { repository, repositoryHostKeys: undefined });
    await host.output("systemctl start borgbase-lost.service");
    const forget = "import configparser; c = configparser.ConfigParser(interpolation=None); c.read('config')";
    await host.output(
      `cd ${repository}; python3 -c "${forget}; c.remove_option('repository', 'key'); c.write(open('config', 'w'))"`,
    );
    assert.notEqual((await host.run(`${borg("lost")} list`)).code, 0);
    await host.output(
      `printf %s "$1" > /tmp/key; ${borg("lost")} key import :: /tmp/key`,
      String(stack.state?.repositoryKey),
    );
    assert.equal((await archives("lost")).length, 1);
    await stack.destroy();
  });
});
