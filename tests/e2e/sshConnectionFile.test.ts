import { strict as assert } from "node:assert";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { generate, type KeyMaterial } from "../../provider/ssh/keys";
import type { SshConnectionArgs } from "../../sdk";
import { TestHost } from "../provider/ssh/support/accounts";
import { Sshd } from "../provider/ssh/support/sshd";
import { assertOneLineError } from "../support/output";
import { authorizedKeys, byPassword, SshStack, writeAuthorizedKeys } from "../support/sshStack";

describe("SshConnection and its authorized_keys file", function () {
  this.timeout(600_000);
  let host: TestHost;
  let sshd: Sshd;
  let stack: SshStack;
  let key: KeyMaterial;
  const pair = () => ({ publicKey: key.publicKey, privateKey: key.privateKey });

  before(async () => {
    host = new TestHost();
    sshd = await Sshd.start(host, { hostKeys: ["ed25519", "ecdsa"] });
    key = await generate({ comment: "ours" });
  });
  after(async () => {
    await sshd?.stop();
    host?.remove();
  });
  beforeEach(async () => {
    stack = await SshStack.create();
  });
  afterEach(async () => stack.close());

  it("SshConnection removes the key from the first of two cloned machines with equal host key, account and path", async () => {
    const account = host.chrooted();
    const second = join(host.folder, "second");
    mkdirSync(join(second, "data"), { recursive: true, mode: 0o755 });
    execFileSync("chown", [`${account.username}:`, join(second, "data")]);
    const inside = (root: string) => `Match User ${account.username}
  ForceCommand internal-sftp -d /data
  ChrootDirectory ${root}`;
    const original = await Sshd.start(host, { config: inside(account.home) });
    const clone = await Sshd.start(host, { keysOf: original, config: inside(second) });
    try {
      const [before, after] = [account.home, second].map((root) => ({ ...account, home: join(root, "data") }));
      assert.ok(before && after);
      const { publicKey } = key;
      await stack.up({ box: { ...byPassword(original, account), publicKey } });
      await stack.up({ box: { ...byPassword(clone, account), publicKey } });
      assert.deepEqual([authorizedKeys(before), authorizedKeys(after)], ["", `${publicKey}\n`]);
    } finally {
      await Promise.all([original.stop(), clone.stop()]);
    }
  });

  it("SshConnection keeps its new line when another name, path or host key leads to the same file", async () => {
    const account = host.account();
    const where = byPassword(sshd, account);
    const [ed25519, ecdsa] = where.hostKey;
    const path = join(account.home, ".ssh/authorized_keys");
    const steps: SshConnectionArgs[] = [
      { ...where, ...pair(), hostKey: ed25519 ?? "" },
      { ...where, ...pair(), hostKey: ecdsa ?? "", host: "localhost" },
      { ...where, ...pair(), authorizedKeysPath: path },
      { ...where, ...pair(), authorizedKeysPath: `${account.home}/.ssh/../.ssh/authorized_keys`, port: sshd.port },
    ];
    for (const step of steps) {
      await stack.up({ box: step });
      assert.equal(authorizedKeys(account), `${key.publicKey}\n`);
      assert.deepEqual(readdirSync(join(account.home, ".ssh")), ["authorized_keys"]);
    }
    await stack.destroy();
    assert.equal(authorizedKeys(account), "");
  });

  it("SshConnection removes its key from the old file when the new file is beside it", async () => {
    const account = host.account();
    const where = { ...byPassword(sshd, account), publicKey: key.publicKey };
    await stack.up({ box: where });
    await stack.up({ box: { ...where, authorizedKeysPath: ".ssh/authorized_keys2" } });
    assert.equal(authorizedKeys(account), "");
  });

  it("SshConnection refuses to drop foreign options of its key unless restrict is set", async () => {
    const account = host.account();
    const line = `from="127.0.0.1",environment="A=hidden" ${key.publicKey}\n`;
    writeAuthorizedKeys(account, line);
    const where = byPassword(sshd, account);
    const refused = await stack.tryUp({ box: { ...where, ...pair() } });
    assertOneLineError(
      refused,
      /with the options from="127\.0\.0\.1",environment="…", which a deployment would take away/,
      /restrict/,
    );
    assert.doesNotMatch(refused.output, /A=hidden/);
    assert.equal(authorizedKeys(account), line);
    const run = await stack.up({ box: { ...where, ...pair(), restrict: { options: "no-pty" } } });
    assert.match(run.output, /with the options from="127\.0\.0\.1",.*; they become no-pty, as restrict says/);
    assert.equal(authorizedKeys(account), `no-pty ${key.publicKey}\n`);
    // Options declared by the program itself may be removed.
    const removal = await stack.up({ box: { ...where, ...pair() } });
    assert.equal(authorizedKeys(account), `${key.publicKey}\n`);
    assert.doesNotMatch(removal.output, /they become/);
    // Options that others add to a managed line are drift. An update without a refresh names what it takes away.
    writeAuthorizedKeys(account, `from="127.0.0.1" ${key.publicKey}\n`);
    const hostKey = where.hostKey[0] ?? "";
    const update = await stack.up({ box: { ...where, ...pair(), hostKey } });
    assert.match(
      update.output,
      /with the options from="127\.0\.0\.1"; they become none, as the line is managed as a whole/,
    );
    assert.equal(authorizedKeys(account), `${key.publicKey}\n`);
  });

  it("SshConnection removes foreign options with an empty restrict and still logs in with the key", async () => {
    const account = host.account();
    writeAuthorizedKeys(account, `no-pty ${key.publicKey}\n`);
    const where = byPassword(sshd, account);
    await stack.up({ box: { ...where, ...pair(), restrict: { options: "" } } });
    assert.equal(authorizedKeys(account), `${key.publicKey}\n`);
    assert.equal(await stack.drift(), "");
    const { password: _, ...alone } = where;
    await stack.up({ box: { ...alone, ...pair(), restrict: { options: "" } } });
    await stack.destroy();
    assert.equal(authorizedKeys(account), "");
  });

  it("SshConnection expands ~/ and refuses other patterns of sshd or shells with the plain path as advice", async () => {
    const account = host.account();
    const where = { ...byPassword(sshd, account), ...pair() };
    const { username, home } = account;
    const before = sshd.log().length;
    const cases: [Partial<SshConnectionArgs>, RegExp][] = [
      [{ authorizedKeysPath: `~${username}/.ssh/authorized_keys` }, /write "\.ssh\/authorized_keys"/],
      [{ authorizedKeysPath: "%h/.ssh/authorized_keys" }, /write "\.ssh\/authorized_keys"/],
      [{ authorizedKeysPath: "$HOME/.ssh/authorized_keys" }, /write "\.ssh\/authorized_keys"/],
      [{ authorizedKeysPath: "/etc/ssh/keys/%u" }, new RegExp(`write "/etc/ssh/keys/${username}"`)],
      [{ authorizedKeysPath: "~root/.ssh/authorized_keys" }, /only a shell would expand: write out the path/],
      [{ authorizedKeysPath: "/home/*/.ssh/authorized_keys" }, /"\*" is something that only a shell would expand/],
      [
        { authorizedKeysPath: " ~/.ssh/authorized_keys" },
        /begins or ends with a blank.*write "~\/\.ssh\/authorized_keys"/,
      ],
      [{ restrict: { borgServe: { path: "repos " } } }, /borgServe\.path: .*write "repos"/],
      [{ authorizedKeysPath: ".ssh/" }, /names a folder/],
      [{ sshPathPrefix: "$VOLUME" }, /"\$VOLUME" is something/],
      [{ defaultPath: "~", restrict: { borgServe: { path: "x" } } }, /defaultPath.*write "\."/],
      [{ restrict: { borgServe: { path: "$HOME/repos" } } }, /borgServe\.path: .*write "repos"/],
    ];
    for (const [args, reason] of cases) {
      stack.connections = { box: { ...where, ...args } };
      const { ok, output } = await stack.stack.preview();
      assert.ok(!ok, JSON.stringify(args));
      assert.match(output, reason);
    }
    assert.equal(sshd.log().length, before, "no contact");
    for (const useSftpMode of [true, false]) {
      await stack.up({ box: { ...where, authorizedKeysPath: "~/.ssh/authorized_keys", useSftpMode } });
      assert.equal(authorizedKeys(account), `${key.publicKey}\n`);
      const run = await stack.up({ box: { ...where, useSftpMode } });
      assert.deepEqual(
        run.steps.filter(({ op }) => op.includes("replace")),
        [],
      );
      await stack.destroy();
    }
    assert.equal(existsSync(join(home, "~")), false);
  });
});
