import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { deploy, type ManagedAccount, observe, remove } from "../../../../provider/ssh/authorizedKeys/deploy";
import { findKey } from "../../../../provider/ssh/authorizedKeys/lines";
import { testConnection } from "../../../../provider/ssh/connection/testConnection";
import { closeIdleSessions } from "../../../../provider/ssh/connection/withSession";
import { SshError, type SshErrorKind } from "../../../../provider/ssh/error";
import { storage } from "../../../../provider/ssh/files/storage";
import { generate, type KeyMaterial } from "../../../../provider/ssh/keys";
import { until } from "../../../support/processes";
import { type TestAccount, TestHost } from "../support/accounts";
import { deployingProcess, ended } from "../support/deployingProcess";
import { Sshd } from "../support/sshd";

/** Known failures of the best-known tool that deploys keys. None may occur here. */
describe("Known weaknesses of SSH key deployment", function () {
  this.timeout(600_000);
  let host: TestHost;
  let sshd: Sshd;
  let key: KeyMaterial;
  let other: KeyMaterial;
  before(async () => {
    host = new TestHost();
    sshd = await Sshd.start(host);
    [key, other] = await Promise.all([generate({ comment: "one" }), generate({ comment: "other" })]);
  });
  after(async () => {
    closeIdleSessions();
    await sshd?.stop();
    host?.remove();
  });
  afterEach(closeIdleSessions);

  const pair = (of = key) => ({ publicKey: of.publicKey, privateKey: of.privateKey });
  const fileOf = ({ home }: TestAccount) => join(home, ".ssh/authorized_keys");
  const contentOf = (account: TestAccount) => readFileSync(fileOf(account));
  const managed = (account: TestAccount, more: Partial<ManagedAccount> = {}): ManagedAccount => ({
    ...sshd.target(account),
    ...more,
  });
  async function fails(work: Promise<unknown>, kind: SshErrorKind): Promise<string> {
    const error = await work.then(
      () => assert.fail("it succeeded"),
      (reason: unknown) => reason,
    );
    assert.ok(error instanceof SshError, String(error));
    assert.equal(error.kind, kind, error.message);
    return error.message;
  }

  it("1, 4: no secret is in an argument list, an environment or a file, and no program is started", async () => {
    const account = host.account();
    const folder = mkdtempSync(join(host.folder, "home-"));
    const secrets = [account.password, key.privateKey.split("\n")[3] ?? ""];
    const child = deployingProcess(managed(account), pair(), { HOME: folder, TMPDIR: folder });
    let [looks, files] = [0, 0];
    while (child.exitCode === null) {
      for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
        for (const name of ["cmdline", "environ"]) {
          const text = read(`/proc/${pid}/${name}`);
          assert.ok(!secrets.some((secret) => text.includes(secret)), `${name} of ${pid}`);
        }
      }
      assert.equal(read(`/proc/${child.pid}/task/${child.pid}/children`), "");
      files += readdirSync(folder).length;
      looks++;
      await delay(1);
    }
    assert.equal(await ended(child), 0);
    assert.ok(looks > 2, `${looks} looks`);
    assert.equal(files, 0);
    assert.equal(contentOf(account).toString(), `${key.publicKey}\n`);
  });

  it("2, 3: a changed host key stops the operation before a secret is sent, and is the reason in the error", async () => {
    const account = host.account();
    const first = await Sshd.start(host);
    const target: ManagedAccount = first.target(account);
    await deploy(target, pair());
    closeIdleSessions();
    await first.stop();
    const second = await Sshd.start(host, { port: first.port });
    try {
      const [expected, presented] = [first, second].map((server) => server.hostKeys[0]?.fingerprintSha256 ?? "");
      for (const work of [
        () => deploy(target, pair(other)),
        () => deploy(target, pair()),
        () => observe(target, key.publicKey),
        () => remove(target, key.publicKey),
        () => storage(target),
      ]) {
        const message = await fails(work(), "hostKey");
        assert.ok(message.includes(expected ?? "-") && message.includes(presented ?? "-"), message);
      }
      assert.equal((await testConnection(target)).phase, "hostKey");
      await delay(100);
      assert.doesNotMatch(second.log(), new RegExp(`${account.username}|Accepted|Failed`));
      assert.equal((await deploy({ ...target, hostKey: presented ?? "" }, pair())).status, "connected");
    } finally {
      closeIdleSessions();
      await second.stop();
    }
  });

  it("5, 6: removing a key removes exactly that key from the host", async () => {
    const account = host.account();
    await deploy(managed(account), pair());
    await deploy(managed(account), pair(other));
    await remove(managed(account), key.publicKey);
    assert.equal(contentOf(account).toString(), `${other.publicKey}\n`);
    const login = testConnection(managed(account, { credentials: [{ privateKey: key.privateKey }] }));
    assert.equal((await login).phase, "authentication");
    assert.equal(
      (await testConnection(managed(account, { credentials: [{ privateKey: other.privateKey }] }))).status,
      "connected",
    );
  });

  it("7: a key removed or changed by hand is observed at once, without changing the host", async () => {
    const account = host.account();
    await deploy(managed(account), { ...pair(), options: "restrict,pty" });
    const lines = async () => (await observe(managed(account), key.publicKey)).lines;
    assert.deepEqual(await lines(), [{ options: "restrict,pty", comment: "one" }]);
    writeFileSync(fileOf(account), `pty ${key.publicKey}\n`);
    assert.deepEqual(await lines(), [{ options: "pty", comment: "one" }]);
    writeFileSync(fileOf(account), "");
    const before = statSync(fileOf(account));
    assert.deepEqual(await lines(), []);
    assert.equal(statSync(fileOf(account)).ctimeMs, before.ctimeMs);
  });

  it("8: the status is connected only after a login with the key", async () => {
    const account = host.account();
    const path = join(host.folder, "locked");
    writeFileSync(path, key.privateKey, { mode: 0o600 });
    execFileSync("ssh-keygen", ["-q", "-p", "-N", "geheim", "-f", path]);
    for (const privateKey of [readFileSync(path, "utf8"), other.privateKey, "-----BEGIN junk"]) {
      await fails(deploy(managed(account), { publicKey: key.publicKey, privateKey }), "input");
    }
    assert.deepEqual(readdirSync(account.home).includes(".ssh"), false);
    const off = await Sshd.start(host, { config: "PubkeyAuthentication no" });
    try {
      for (let round = 0; round < 3; round++) await fails(deploy(off.target(account), pair()), "authentication");
      assert.equal(readdirSync(account.home).includes(".ssh"), false);
    } finally {
      await off.stop();
    }
    assert.equal((await deploy(managed(account), { publicKey: key.publicKey })).status, "deployed");
  });

  it("9: a deployment on a restricted host works, a second time too", async () => {
    const account = host.account({ shell: host.boxShell() });
    for (let round = 0; round < 2; round++) {
      const { status, access } = await deploy(managed(account), pair());
      assert.deepEqual([status, access], ["connected", "restricted"]);
    }
    const test = await testConnection(managed(account, { credentials: [{ privateKey: key.privateKey }] }));
    assert.deepEqual([test.status, test.access], ["connected", "restricted"]);
    assert.ok((await storage(managed(account))).total > 0);
  });

  for (const useSftpMode of [true, false]) {
    it(`10, 11: concurrent deployments lose no key and duplicate none, over ${useSftpMode ? "SFTP" : "a shell"}`, async () => {
      const account = host.account();
      const keys = await Promise.all(Array.from({ length: 6 }, () => generate()));
      for (let round = 0; round < 8; round++) {
        await Promise.all(
          [...keys, ...keys].map(({ publicKey }) => deploy(managed(account, { useSftpMode }), { publicKey })),
        );
        const content = contentOf(account);
        for (const each of keys) assert.equal(findKey(content, each).length, 1);
        if (round % 2)
          await Promise.all(keys.map(({ publicKey }) => remove(managed(account, { useSftpMode }), publicKey)));
      }
    });
  }

  it("12: an operation that timed out has ended on both sides", async () => {
    const account = host.account({ shell: host.script("slow", "#!/bin/sh\nsleep 1000\n") });
    await fails(deploy(managed(account, { useSftpMode: false, timeout: 1 }), pair()), "timeout");
    const processes = () => execFileSync("ps", ["-eo", "args"], { encoding: "utf8" });
    await until(() => !processes().includes(`sshd: ${account.username}`), 60, "the server has ended the session");
    assert.equal(readdirSync(account.home).includes(".ssh"), false);
  });

  it("13: a killed deployment leaves no false state, and the next one works", async () => {
    const account = host.account();
    mkdirSync(join(account.home, ".ssh"), { mode: 0o700 });
    writeFileSync(fileOf(account), `${other.publicKey}\n`, { mode: 0o600 });
    execFileSync("chown", ["-R", `${account.username}:`, join(account.home, ".ssh")]);
    const child = deployingProcess(managed(account), pair());
    while (child.exitCode === null && readdirSync(join(account.home, ".ssh")).length === 1) await delay(1);
    child.kill("SIGKILL");
    await ended(child);
    assert.equal(findKey(contentOf(account), other).length, 1);
    const { lines } = await observe(managed(account), key.publicKey);
    assert.equal(lines.length, findKey(contentOf(account), key).length);
    assert.equal((await deploy(managed(account, { timeout: 40 }), pair())).status, "connected");
    assert.equal(contentOf(account).toString(), `${other.publicKey}\n${key.publicKey}\n`);
  });

  it("14: no argument becomes an option or a command", async () => {
    const account = host.account();
    await fails(deploy({ ...managed(account), username: "-V" }, pair()), "input");
    const authorizedKeysPath = "a; touch injected; $(touch injected) `touch injected` '/keys";
    for (const useSftpMode of [true, false]) {
      await deploy(managed(account, { useSftpMode, authorizedKeysPath }), { publicKey: key.publicKey });
      await storage(
        { ...managed(account), sshPathPrefix: account.home },
        "/a; touch injected; $(touch injected) `touch injected` '",
      );
    }
    assert.equal(execFileSync("find", [account.home, "-name", "injected"], { encoding: "utf8" }), "");
  });

  it("15: two processes that deploy the same key at once write one line", async () => {
    const account = host.account();
    const children = [deployingProcess(managed(account), pair()), deployingProcess(managed(account), pair())];
    assert.deepEqual(await Promise.all(children.map(ended)), [0, 0]);
    assert.equal(contentOf(account).toString(), `${key.publicKey}\n`);
  });
});

/** The command line of a process; empty when it has ended. */
function read(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return "";
  }
}
