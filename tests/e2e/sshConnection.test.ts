import { strict as assert } from "node:assert";
import { generate, type KeyMaterial } from "../../provider/ssh/keys";
import type { SshConnectionArgs } from "../../sdk";
import { TestHost } from "../provider/ssh/support/accounts";
import { Sshd } from "../provider/ssh/support/sshd";
import { assertOneLineError } from "../support/output";
import { authorizedKeys, byPassword, SshStack, stepsOf, writeAuthorizedKeys } from "../support/sshStack";

/** Foreign lines: an unknown option, a byte outside UTF-8, a carriage return, no newline at the end. */
const OTHERS =
  '# keys of \xe9milie\n\nno-such-option ssh-ed25519 broken\r\n  command="a b" ssh-rsa AAAA= x \t\n# the end';

describe("SshConnection through the real CLI", function () {
  this.timeout(600_000);
  let host: TestHost;
  let sshd: Sshd;
  let stack: SshStack;
  let keys: KeyMaterial[];
  const key = (index: number) => keys[index] as KeyMaterial;
  const pair = (index: number) => ({ publicKey: key(index).publicKey, privateKey: key(index).privateKey });
  const logins = () => sshd.log().match(/Accepted \w+ for .*/g) ?? [];

  before(async () => {
    host = new TestHost();
    sshd = await Sshd.start(host);
    keys = await Promise.all(["one", "two", "three"].map((comment) => generate({ comment })));
  });
  after(async () => {
    await sshd?.stop();
    host?.remove();
  });
  beforeEach(async () => {
    stack = await SshStack.create();
  });
  afterEach(async () => stack.close());

  it("SshConnection deploys a key by password and verifies it, and a second up, preview and refresh change nothing", async () => {
    const account = host.account();
    writeAuthorizedKeys(account, OTHERS);
    await stack.up({ box: { ...byPassword(sshd, account), ...pair(0) } });
    assert.equal(authorizedKeys(account), `${OTHERS}\n${key(0).publicKey}\n`);
    const [used] = sshd.hostKeys;
    const { status, access, ...outputs } = (await stack.outputs()) ?? {};
    assert.deepEqual([status, access], ["connected", "shell"]);
    assert.equal(outputs.fingerprintSha256, key(0).fingerprintSha256);
    assert.equal(outputs.hostKeyFingerprint, used?.fingerprintSha256);
    assert.equal(outputs.knownHosts, `[127.0.0.1]:${sshd.port} ${used?.algorithm} ${used?.blob}`);
    assert.deepEqual(
      logins().map((line) => line.split(" ")[1]),
      ["password", "publickey"],
    );
    const contacts = sshd.log().length;
    assert.deepEqual(stepsOf(await stack.up()), []);
    assert.equal(sshd.log().length, contacts, "nothing to do is no contact");
    assert.equal(await stack.drift(), "");
    await stack.destroy();
    assert.equal(authorizedKeys(account), `${OTHERS}\n`);
  });

  it("SshConnection changes key and restriction in place and verifies the new line before it removes the old", async () => {
    const account = host.account();
    const where = byPassword(sshd, account);
    const borgServe = { path: "backups", appendOnly: true, storageQuota: 500 };
    const steps: [Pick<SshConnectionArgs, "publicKey" | "privateKey" | "restrict">, string, string][] = [
      [
        { ...pair(0), restrict: { borgServe: { path: "backups" } } },
        `restrict,command="borg serve --restrict-to-path backups" ${key(0).publicKey}\n`,
        "restricted",
      ],
      [
        { ...pair(1), restrict: { borgServe } },
        `restrict,command="borg serve --restrict-to-path backups --append-only --storage-quota 500M" ${key(1).publicKey}\n`,
        "restricted",
      ],
      [
        { ...pair(1), restrict: { options: 'no-pty,from="127.0.0.1"' } },
        `no-pty,from="127.0.0.1" ${key(1).publicKey}\n`,
        "shell",
      ],
      [pair(2), `${key(2).publicKey}\n`, "shell"],
    ];
    for (const [index, [args, file, access]] of steps.entries()) {
      const run = await stack.up({ box: { ...where, ...args } });
      assert.deepEqual(stepsOf(run), [index === 0 ? "create box" : "update box"]);
      assert.equal(authorizedKeys(account), file);
      const { access: shown, status } = (await stack.outputs()) ?? {};
      assert.deepEqual([status, shown], ["connected", access]);
      assert.match(logins().at(-1) ?? "", new RegExp(`publickey for ${account.username} .*SHA256`));
    }
    assert.equal(await stack.drift(), "");
  });

  it("SshConnection keeps the old key in file and state when the login with the new key fails", async () => {
    const account = host.account();
    const where = byPassword(sshd, account);
    await stack.up({ box: { ...where, ...pair(0) } });
    const denied = { ...pair(1), restrict: { options: 'from="192.0.2.1"' } };
    const run = await stack.tryUp({ box: { ...where, ...denied } });
    assertOneLineError(run, /the key was deployed, but a login with it failed; it was taken off again/, /127\.0\.0\.1/);
    assert.equal(authorizedKeys(account), `${key(0).publicKey}\n`);
    const kept = await stack.outputs();
    assert.deepEqual([kept?.publicKey, kept?.restrict], [key(0).publicKey, undefined]);
    assert.equal(await stack.drift(), "");
  });

  it("SshConnection is replaced for another user, host or port, and keeps the key of the same machine", async () => {
    const [first, second] = [host.account(), host.account()];
    await stack.up({ box: { ...byPassword(sshd, first), ...pair(0) } });
    const moved = { ...byPassword(sshd, second), ...pair(0) };
    assert.deepEqual(
      stepsOf(await stack.up({ box: moved })).filter((step) => step.startsWith("replace")),
      ["replace box"],
    );
    assert.deepEqual([authorizedKeys(first), authorizedKeys(second)], ["", `${key(0).publicKey}\n`]);
    await stack.up({ box: { ...moved, host: "localhost" } });
    assert.equal(authorizedKeys(second), `${key(0).publicKey}\n`);
    assert.equal((await stack.stack.resource("SshConnection", "box"))?.id, `${second.username}@localhost:${sshd.port}`);
    await stack.destroy();
    assert.equal(authorizedKeys(second), "");
  });

  it("SshConnection removes exactly its own key and keeps a key with keepOnDelete", async () => {
    const account = host.account();
    const where = byPassword(sshd, account);
    const connections = {
      one: { ...where, ...pair(0) },
      two: { ...where, ...pair(1) },
      kept: { ...where, ...pair(2), keepOnDelete: true },
    };
    await stack.up(connections);
    const lines = () => (authorizedKeys(account) ?? "").trimEnd().split("\n").sort();
    const { two, kept } = connections;
    assert.deepEqual(lines(), keys.map(({ publicKey }) => publicKey).sort());
    await stack.up({ two, kept });
    assert.deepEqual(lines(), [key(1), key(2)].map(({ publicKey }) => publicKey).sort());
    await stack.destroy();
    assert.deepEqual(lines(), [key(2).publicKey]);
  });

  it("SshConnection accepts other credentials without contact, uses them later and drops removed secrets from the state", async () => {
    const account = host.account();
    const bootstrap = key(2);
    writeAuthorizedKeys(account, `${bootstrap.publicKey}\n`);
    const { password, ...where } = byPassword(sshd, account);
    const { publicKey } = key(0);
    await stack.up({ box: { ...where, publicKey, password } });
    assert.equal((await stack.outputs())?.status, "deployed");
    const before = sshd.log().length;
    await stack.up({ box: { ...where, publicKey, bootstrapPrivateKey: bootstrap.privateKey } });
    assert.equal(sshd.log().length, before, "credentials alone are no reason to contact a host");
    assert.ok(!("password" in ((await stack.outputs()) ?? {})));
    await stack.destroy();
    const [login = ""] =
      sshd
        .log()
        .slice(before)
        .match(/Accepted publickey for .*/g) ?? [];
    assert.ok(login.includes(account.username) && login.includes(bootstrap.fingerprintSha256), login);
    assert.equal(authorizedKeys(account), `${bootstrap.publicKey}\n`);
  });
});
