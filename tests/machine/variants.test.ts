import assert from "node:assert/strict";
import { getBackupStatus } from "../../provider/functions/backupStatus";
import type { Context } from "../../provider/lifecycle/resource";
import { JobStack, Storage } from "../support/backupJob";
import { MachineHost } from "../support/machineHost";

const FOLDERS = ["/etc", "/var/lib/pulumi-borgbase"];

describe("BackupJob on other hosts", function () {
  this.timeout(300_000);
  let host: MachineHost;
  let storage: Storage;
  let key: Awaited<ReturnType<Storage["key"]>>;
  before(async () => {
    [host, storage] = await Promise.all([MachineHost.start({ suite: "bookworm", borg: false }), Storage.start()]);
    key = await storage.key();
    await host.booted();
    await host.output(
      `useradd -m app; useradd -m -s /bin/bash admin; echo admin:'p w"d' | chpasswd; usermod -aG sudo admin
       mkdir -p -m 700 /home/admin/.ssh; cp /root/.ssh/authorized_keys /home/admin/.ssh; chown -R admin: /home/admin/.ssh
       mkdir /srv/data; echo precious > /srv/data/file; chmod 600 /srv/data/file`,
    );
  });
  after(async () => {
    await host?.stop();
    await storage?.stop();
  });

  async function job(name: string, change: object = {}): Promise<JobStack> {
    const { repoPath } = await storage.repository(key.id, name);
    return new JobStack(name, {
      connection: host.connection,
      repository: repoPath,
      repositoryHostKeys: storage.hostKeys,
      privateKey: key.privateKey,
      passphrase: "of the job",
      paths: ["/srv"],
      checks: [],
      ...change,
    });
  }

  const list = (name: string) => `/etc/pulumi-borgbase/${name}/borg list --short`;

  it('install: "none" names what is missing, and changes nothing', async () => {
    const before = await host.fingerprint(...FOLDERS);
    await assert.rejects((await job("none", { install: "none" })).up(), /lacks borg, borgmatic: install it there/);
    assert.equal(await host.fingerprint(...FOLDERS), before);
  });

  it("a borg of version 2 is refused, and changes nothing", async () => {
    const fake = "/usr/local/bin/borg /usr/local/bin/borgmatic";
    await host.output(`printf '#!/bin/sh\necho 2.0.0b19\n' | tee ${fake} >/dev/null; chmod +x ${fake}`);
    try {
      const before = await host.fingerprint(...FOLDERS);
      await assert.rejects((await job("two")).up(), /has borg 2\.0\.0b19, and a job needs borg 1: /);
      assert.equal(await host.fingerprint(...FOLDERS), before);
    } finally {
      await host.output(`rm ${fake}`);
    }
  });

  it("programs that the package manager offers in too old a version are refused before anything is installed", async () => {
    const before = await host.fingerprint(...FOLDERS);
    const stack = await job("old", { minimum: { borgmatic: "99.0" } });
    await assert.rejects(
      stack.up(),
      /apt-get on .* offers borgmatic 1\.7\.7\S*, and minimum\.borgmatic is 99\.0: nothing was installed\./,
    );
    assert.equal((await host.run("command -v borg borgmatic")).output, "");
    assert.equal(await host.fingerprint(...FOLDERS), before);
  });

  it("sudo without its password is refused with sudo's words", async () => {
    const connection = { ...host.connection, username: "admin" };
    await assert.rejects((await job("asks", { connection, become: "sudo" })).up(), /sudo says: .*password/);
    await assert.rejects((await job("plain", { connection })).up(), /needs root: set become: "sudo"/);
  });

  it("packages are installed once a foreign run releases the lock, by an account with sudo and its password", async () => {
    const connection = { ...host.connection, username: "admin" };
    const stack = await job("installed", { connection, become: "sudo", sudoPassword: 'p w"d' });
    const holder = host.output(
      `perl -e 'use Fcntl; open(F, ">", "/var/lib/dpkg/lock-frontend") or die;
my $lock = pack("s s x4 q q l x4", F_WRLCK, 0, 0, 0, 0); fcntl(F, F_SETLK, $lock) or die; open(G, ">", "/tmp/held");
select(undef, undef, undef, 0.1) until -e "/tmp/release"'`,
    );
    holder.catch(() => {});
    await host.until("[ -e /tmp/held ]", 20, "the lock is held");
    const deployed = stack.up();
    deployed.catch(() => {});
    await host.until("pgrep -x apt-get", 60, "apt-get has started");
    await host.output("touch /tmp/release");
    await holder;
    const state = await deployed;
    assert.match(String(state.borgVersion), /^1\.2\./);
    assert.deepEqual(await stack.refresh(), []);
    await host.output("systemctl start borgbase-installed.service");
    await stack.destroy();
    await host.output("borg --version && borgmatic --version");
  });

  it("a job of another account reads all files, and its timer and cron start it", async () => {
    const byTimer = await job("timer", { user: "app", schedule: { onCalendar: "*:*:0/20" } });
    const byCron = await job("cron", { scheduler: "cron", schedule: { cron: "* * * * *" } });
    await Promise.all([byTimer.up(), byCron.up()]);
    assert.deepEqual([...(await byTimer.refresh()), ...(await byCron.refresh())], []);
    assert.equal(byCron.state?.unit, "/etc/cron.d/borgbase-cron");
    await host.until(`[ -n "$(${list("timer")})" ]`, 90, "the timer has started a backup");
    await host.until(`[ -n "$(${list("cron")})" ]`, 150, "cron has started a backup");
    for (const name of ["timer", "cron"]) {
      const restore = `cd /tmp; a=$(${list(name)} | head -1); /etc/pulumi-borgbase/${name}/borg extract --stdout "::$a" srv/data/file`;
      assert.equal(await host.output(restore), "precious");
    }
    assert.deepEqual([...(await byTimer.refresh()), ...(await byCron.refresh())], [], "backups are no drift");
    const { connection } = host;
    await host.until("[ -e /var/lib/pulumi-borgbase/cron/last-status ]", 60, "the run has ended");
    const byCronStatus = await getBackupStatus.run({ connection, name: "cron" }, {} as Context);
    assert.equal(byCronStatus.lastResult, "success");

    byCron.args.scheduler = "systemd";
    byCron.args.schedule = "none";
    await byCron.up();
    assert.deepEqual(await byCron.refresh(), []);
    assert.equal((await host.run("ls /etc/cron.d/borgbase-cron")).code, 2, "the cron file is gone");
    await Promise.all([byTimer.destroy(), byCron.destroy()]);
  });

  it('"local" makes the job on the machine that runs Pulumi', async () => {
    const before = await host.fingerprint(...FOLDERS);
    const { args } = await job("here", { connection: "local" });
    const printed = await host.node("tests/support/localJob.js", { name: "here", args, destroy: true });
    assert.deepEqual(JSON.parse(printed), { named: [] });
    assert.equal(await host.fingerprint(...FOLDERS), before);
  });

  it("several stacks that make and delete jobs of one host at once lose nothing", async () => {
    const first = await job("first");
    await first.up();
    await first.destroy();
    const before = await host.fingerprint(...FOLDERS);
    const round = async (turn: number) => {
      const stays = await job(`stays-${turn}`);
      const others = await Promise.all([1, 2].map((each) => job(`goes-${turn}-${each}`, { connection: "local" })));
      await Promise.all([
        stays.up(),
        ...others.map(({ name, args }) => host.node("tests/support/localJob.js", { name, args, destroy: true })),
      ]);
      assert.deepEqual(await stays.refresh(), []);
      await host.output(`systemctl start borgbase-${stays.name}.service; [ -n "$(${list(stays.name)})" ]`);
      await stays.destroy();
      assert.equal(await host.fingerprint(...FOLDERS), before);
    };
    for (const turn of [1, 2]) await round(turn);
  });

  it("a host with the tools of BusyBox takes a job, too", async () => {
    await host.output("mkdir -p /usr/local/bin; busybox --install -s /usr/local/bin; hash -r");
    // Debian builds BusyBox without flock. Where it has one, that one refuses every option but -s, -x, -u and -n.
    await host.output(`cat > /usr/local/bin/flock <<'END'
#!/bin/sh
case $1 in -[sxun]) ;; -*) echo 'Usage: flock [-sxun] FD | { FILE [-c] PROG ARGS }' >&2; exit 1 ;; esac
exec /usr/bin/flock "$@"
END
chmod 755 /usr/local/bin/flock`);
    await host.output('[ "$(readlink -f /usr/local/bin/sh)" = /usr/bin/busybox ]');
    const stack = await job("box");
    await stack.up();
    assert.deepEqual(await stack.refresh(), []);
    const unit = await host.output("cat /etc/systemd/system/borgbase-box.service");
    assert.match(unit, /^ExecStart=\/usr\/local\/bin\/flock \/var\/lib/m, "its flock has no limit");
    await host.output("systemctl start borgbase-box.service");
    stack.args.passphrase = "another one";
    await stack.up();
    await host.output(`[ -n "$(${list("box")})" ]`);
    await stack.destroy();
    assert.equal(await host.output("/usr/bin/find /etc /var/lib -name '*borgbase*'"), "");
    await host.output("/usr/bin/find /usr/local/bin -mindepth 1 -delete");
  });
});
