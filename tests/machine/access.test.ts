import assert from "node:assert/strict";
import { generate, type KeyMaterial } from "../../provider/ssh/keys";
import * as borgbase from "../../sdk";
import { type TestAccount, TestHost } from "../provider/ssh/support/accounts";
import { Sshd } from "../provider/ssh/support/sshd";
import { FarAway } from "../support/farAway";
import { MachineHost } from "../support/machineHost";
import { assertOneLineError, holds } from "../support/output";
import { worked } from "../support/sshStack";
import { TestStack } from "../support/stack";

type Connection = borgbase.MachineConnection;

const FOLDERS = ["/etc", "/var/lib/pulumi-borgbase"];
const PASSWORD = "a password of the host";

describe("The way to the host of a BackupJob, with the real CLI", function () {
  this.timeout(600_000);
  let host: MachineHost;
  /** A machine that dies. */
  let old: MachineHost;
  let gateway: TestHost;
  let hops: { sshd: Sshd; account: TestAccount }[];
  let key: KeyMaterial;
  let untouched: string;
  let stack: TestStack;
  /** What the program declares, by name. */
  let jobs: Record<string, Partial<borgbase.BackupJobArgs>>;
  /** The job whose state the program reads. */
  let asked: borgbase.BackupStatusArgs | undefined;

  before(async () => {
    gateway = new TestHost();
    key = await generate();
    const start = async () => ({ sshd: await Sshd.start(gateway), account: gateway.account() });
    const boot = Promise.all([MachineHost.start({ suite: "trixie" }), MachineHost.start({ suite: "bookworm" })]);
    [[host, old], hops] = await Promise.all([boot, Promise.all([start(), start()])]);
    await host.booted();
    untouched = await host.fingerprint(...FOLDERS);
  });
  after(async () => {
    await Promise.all([host?.stop(), old?.stop(), ...(hops ?? []).map(({ sshd }) => sshd.stop())]);
    gateway?.remove();
  });
  beforeEach(async () => {
    asked = undefined;
    jobs = {};
    stack = await TestStack.create(async () => {
      for (const [name, args] of Object.entries(jobs)) new borgbase.BackupJob(name, { ...common(name), ...args });
      return asked && { status: await borgbase.getBackupStatus(asked) };
    }, {});
  });
  afterEach(async () => {
    await stack.close();
    await host.output("rm -rf /srv/repositories");
  });

  const common = (name: string): borgbase.BackupJobArgs => ({
    connection: host.connection,
    repository: `/srv/repositories/${name}`,
    privateKey: key.privateKey,
    passphrase: "of the job",
    paths: ["/etc/hostname"],
    checks: [],
  });
  const hop = (index: number, more: Partial<borgbase.JumpHost> = {}): borgbase.JumpHost => {
    const { sshd, account } = hops[index] as (typeof hops)[number];
    const hostKey = sshd.hostKeys.map(({ fingerprintSha256 }) => fingerprintSha256);
    const { username, password } = account;
    return { host: "127.0.0.1", port: sshd.port, username, password, hostKey, ...more };
  };
  const through = (...proxyJump: borgbase.JumpHost[]): Connection => ({ ...host.connection, proxyJump });
  const logins = (index: number) => (hops[index]?.sshd.log() ?? "").match(/Accepted password/g)?.length ?? 0;
  const entries = async () => {
    const { deployment } = await stack.state();
    return deployment.resources.filter(({ type }) => type.endsWith(":BackupJob")) as { delete?: boolean }[];
  };
  const pending = async () => (await entries()).filter((entry) => entry.delete).length;

  it("BackupJob is made, read and deleted through one and two jump hosts without showing a secret", async () => {
    await host.output("mkdir -p /srv/repositories");
    jobs = { one: { connection: through(hop(0)) }, two: { connection: through(hop(0), hop(1)) } };
    const outputs = [worked(await stack.up()).output];
    assert.deepEqual([logins(0), logins(1)], [2, 1]);
    assert.equal((await stack.drift()).ok, true);
    assert.deepEqual([logins(0), logins(1)], [4, 2], "one connection each for a refresh");
    await host.output("sed -i s/hostname/hosts/ /etc/pulumi-borgbase/two/config.yaml");
    const { ok, output } = await stack.drift();
    assert.ok(!ok && /two/.test(output) && /paths/.test(output), output);

    asked = { connection: through(hop(0), hop(1)), name: "two" };
    worked(await stack.up({ refresh: true }));
    const { status } = await stack.outputs();
    assert.equal(status?.value.running, false);
    outputs.push(JSON.stringify(await stack.state()));
    asked = undefined;
    outputs.push(worked(await stack.destroy()).output);
    assert.equal(await host.fingerprint(...FOLDERS), untouched);
    for (const { account } of hops) for (const output of outputs) assert.ok(!holds(output, account.password), output);
  });

  it("A jump host with another host key gets no login, and nothing is sent beyond it", async () => {
    jobs = { web: { connection: through(hop(0), hop(1, { hostKey: key.fingerprintSha256 })) } };
    const before = logins(0);
    const line = /proxyJump\[1\] 127.* \(hostKey\): .* is expected.*no secret was sent/;
    const log = await hops[1]?.sshd.logDuring(async () => assertOneLineError(await stack.up(), line));
    assert.equal(logins(0), before + 1);
    assert.doesNotMatch(log ?? "", /Accepted|Failed|user ssht/);
    asked = { connection: through(hop(0, { hostKey: key.fingerprintSha256 })), name: "web" };
    jobs = {};
    assertOneLineError(await stack.up(), /proxyJump\[0\] 127.* \(hostKey\): .* is expected/);
    assert.equal(await host.fingerprint(...FOLDERS), untouched);
  });

  it("A creation that fails leaves its claim on the host and no entry in the state, and the next run goes on from it", async () => {
    await host.output("mkdir -p /srv/repositories");
    jobs = { web: { initialize: false } };
    assertOneLineError(await stack.up(), /There is no repository at .*, and initialize is false/);
    assert.deepEqual(await entries(), []);
    await host.output(`grep -F '"phase": "applying"' /etc/pulumi-borgbase/web/manifest.json`);
    jobs = { web: {} };
    worked(await stack.up());
    assert.equal((await stack.drift()).ok, true);
    worked(await stack.destroy());
    assert.equal(await host.fingerprint(...FOLDERS), untouched);
  });

  it("The first contact pins the host key, and another one is refused afterwards without a login", async () => {
    await host.output("mkdir -p /srv/repositories");
    const way = await FarAway.start(host.port);
    const { hostKey, ...unpinned } = host.connection;
    const connection = { ...unpinned, port: way.port, trustOnFirstUse: true, password: PASSWORD };
    jobs = { web: { connection } };
    worked(await stack.up());
    const outputs = (await stack.resource("BackupJob", "web"))?.outputs;
    assert.equal(outputs?.hostKeyFingerprint, hostKey);
    assert.equal((await stack.drift()).ok, true);

    const stranger = hops[0]?.sshd as Sshd;
    way.target = stranger.port;
    const before = stranger.log().length;
    const line = new RegExp(`presented the host key .*, but ${hostKey?.replaceAll("+", "\\+")} is expected`);
    assertOneLineError(await stack.refresh(), line);
    jobs = { web: { connection, paths: ["/etc/hosts"] } };
    assertOneLineError(await stack.up(), line);
    const destroyed = await stack.destroy();
    assertOneLineError(destroyed, line, /To leave the job there, set keepOnDelete: true for it in the program/);
    assert.doesNotMatch(stranger.log().slice(before), /Accepted|Failed|user root/);

    way.target = host.port;
    worked(await stack.up());
    worked(await stack.destroy());
    way.close();
    assert.equal(await host.fingerprint(...FOLDERS), untouched);
  });

  const WAYS: [string, Partial<borgbase.BackupJobArgs>, RegExp][] = [
    ['onUnreachable: "forget"', { onUnreachable: "forget" }, /the job web is forgotten and stays there/],
    ["keepOnDelete: true", { keepOnDelete: true }, /./],
  ];
  for (const [what, way, said] of WAYS) {
    it(`BackupJob replaced after its host died is released by ${what} set afterwards`, async () => {
      for (const each of [host, old]) await each.output("rm -rf /srv/repositories; mkdir /srv/repositories");
      const before = await FarAway.start(old.port);
      const connection = { ...old.connection, port: before.port };
      jobs = { web: { connection } };
      worked(await stack.up());
      before.close();
      assertOneLineError(await stack.refresh(), /cannot connect to .*nothing listens there/);
      jobs = { web: { connection, paths: ["/etc/hosts"] } };
      assertOneLineError(await stack.up(), /cannot connect to .*nothing listens there/);
      assertOneLineError(
        await stack.destroy(),
        /To give up the job there, set onUnreachable: "forget" for it in the program, and run `pulumi up` first/,
      );
      jobs = { web: {} };
      assertOneLineError(
        await stack.up(),
        /To give up the job there, set onUnreachable: "forget" and run `pulumi up`\./,
      );
      assert.equal(await pending(), 1);
      jobs = { web: way };
      const { output } = worked(await stack.up());
      assert.match(output, said);
      assert.equal(await pending(), 0);
      assert.equal((await entries()).length, 1);
      await old.output("systemctl is-active borgbase-web.timer");
      jobs = { web: {} };
      worked(await stack.up());
      worked(await stack.destroy());
      assert.equal(await host.fingerprint(...FOLDERS), untouched);
    });
  }

  it("BackupJob whose machine has got another address is taken over there, and the old address needs no contact", async () => {
    await host.output("mkdir -p /srv/repositories");
    const before = await FarAway.start(host.port);
    jobs = { web: { connection: { ...host.connection, port: before.port } } };
    worked(await stack.up());
    before.close();
    jobs = { web: {} };
    worked(await stack.up());
    assert.equal((await stack.drift()).ok, true);
    worked(await stack.destroy());
    assert.equal(await host.fingerprint(...FOLDERS), untouched);
  });

  it("BackupJob that leaves the program is forgotten where its host is gone and it said so, and kept with keepOnDelete", async () => {
    await host.output("mkdir -p /srv/repositories");
    const way = await FarAway.start(host.port);
    const connection = { ...host.connection, port: way.port };
    jobs = {
      gone: { connection, onUnreachable: "forget" },
      kept: { keepOnDelete: true },
      stays: { connection },
    };
    worked(await stack.up());
    way.close();
    jobs = {};
    const run = await stack.up({ continueOnError: true });
    assertOneLineError(run, /set onUnreachable: "forget" for it in the program, and run `pulumi up` first/);
    assert.match(run.output, /the job gone is forgotten and stays there, with its schedule, key and passphrase/);
    assert.deepEqual(
      (await stack.state()).deployment.resources
        .filter(({ type }) => type.endsWith(":BackupJob"))
        .map(({ id }) => id?.split("@")[0]),
      ["stays"],
    );
    for (const name of ["gone", "kept", "stays"]) await host.output(`systemctl is-active borgbase-${name}.timer`);
    jobs = { stays: { connection, onUnreachable: "forget" } };
    worked(await stack.up());
    worked(await stack.destroy());
    await host.output(
      `systemctl disable --quiet --now borgbase-gone.timer borgbase-kept.timer borgbase-stays.timer
       rm -r /etc/systemd/system/borgbase-* /etc/pulumi-borgbase /var/lib/pulumi-borgbase; systemctl daemon-reload`,
    );
  });
});
