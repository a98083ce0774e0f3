import { strict as assert } from "node:assert";
import { createHmac, randomBytes } from "node:crypto";
import { generate, type KeyMaterial } from "../../provider/ssh/keys";
import type { SshConnectionArgs } from "../../sdk";
import { type TestAccount, TestHost } from "../provider/ssh/support/accounts";
import { freePort, Sshd } from "../provider/ssh/support/sshd";
import { holds } from "../support/output";
import { makeKey } from "../support/sshKeygen";
import { authorizedKeys, byPassword, SshStack, stepsOf, writeAuthorizedKeys } from "../support/sshStack";

describe("SshConnection and kinds of hosts", function () {
  this.timeout(600_000);
  let host: TestHost;
  let stack: SshStack;
  let key: KeyMaterial;
  let sshd: Sshd;
  let withoutSftp: Sshd;
  let chrooted: TestAccount & { data: string };
  const off = { username: "", password: "", home: "" };
  const pair = () => ({ publicKey: key.publicKey, privateKey: key.privateKey });

  before(async () => {
    host = new TestHost();
    key = await generate({ comment: "ours" });
    chrooted = host.chrooted();
    Object.assign(off, host.account());
    const config = `Match User ${chrooted.username}
  ForceCommand internal-sftp -d /data
  ChrootDirectory ${chrooted.home}
  AuthorizedKeysFile ${chrooted.data}/.ssh/authorized_keys
Match User ${off.username}
  PubkeyAuthentication no`;
    sshd = await Sshd.start(host, { hostKeys: ["ed25519", "ecdsa"], config });
    withoutSftp = await Sshd.start(host, { sftp: false });
  });
  after(async () => {
    await Promise.all([sshd, withoutSftp].map((server) => server?.stop()));
    host?.remove();
  });
  beforeEach(async () => {
    stack = await SshStack.create();
  });
  afterEach(async () => stack.close());

  it("SshConnection deploys to and leaves a login shell, a storage box, chroot SFTP and a server without SFTP", async () => {
    const accounts: Record<string, [TestAccount, access: string, Sshd?, Partial<SshConnectionArgs>?]> = {
      shell: [host.account(), "shell"],
      box: [host.account({ shell: host.boxShell() }), "restricted"],
      sftp: [{ ...chrooted, home: chrooted.data }, "sftp"],
      old: [host.account(), "shell", withoutSftp],
      forced: [host.account(), "shell", sshd, { useSftpMode: false }],
      boxServing: [
        host.account({ shell: host.boxShell() }),
        "restricted",
        sshd,
        { restrict: { borgServe: { path: "b" } } },
      ],
    };
    const connections = Object.entries(accounts).map(([name, [account, , server = sshd, more]]) => {
      writeAuthorizedKeys(account, "# theirs");
      return [name, { ...byPassword(server, account), ...pair(), ...more }];
    });
    await stack.up(Object.fromEntries(connections));
    for (const [name, [account, access]] of Object.entries(accounts)) {
      const outputs = await stack.outputs(name);
      assert.deepEqual([name, outputs?.status, outputs?.access], [name, "connected", access]);
      assert.match(authorizedKeys(account) ?? "", /^# theirs\n.*ours\n$/);
    }
    assert.equal(await stack.drift(), "");
    assert.deepEqual(stepsOf(await stack.up()), []);
    await stack.destroy();
    for (const [account] of Object.values(accounts)) assert.equal(authorizedKeys(account), "# theirs\n");
  });

  it("SshConnection accepts a host by fingerprint, known_hosts line, hashed line or list", async () => {
    const [, ecdsa] = sshd.hostKeys;
    const name = `[127.0.0.1]:${sshd.port}`;
    const salt = randomBytes(20);
    const hash = createHmac("sha1", salt).update(name).digest("base64");
    const line = `${ecdsa?.algorithm} ${ecdsa?.blob}`;
    const foreign = withoutSftp.hostKeys[0];
    const forms: Record<string, string | string[]> = {
      fingerprint: ecdsa?.fingerprintSha256 ?? "",
      line: `${name} ${line}`,
      hashed: `|1|${salt.toString("base64")}|${hash} ${line}`,
      list: [
        foreign?.fingerprintSha256 ?? "",
        `@revoked ${name} ${foreign?.algorithm} ${foreign?.blob}`,
        `${name} ${line}`,
      ],
    };
    const account = host.account();
    const where = { ...byPassword(sshd, account), ...pair(), keepOnDelete: true };
    await stack.up(Object.fromEntries(Object.entries(forms).map(([form, hostKey]) => [form, { ...where, hostKey }])));
    for (const form of Object.keys(forms)) {
      assert.equal((await stack.outputs(form))?.hostKeyFingerprint, ecdsa?.fingerprintSha256, form);
    }
    assert.equal(authorizedKeys(account), `${key.publicKey}\n`);
  });

  it("SshConnection refuses an untrusted host and a failing login in one line each and leaves no change", async () => {
    const [seen] = sshd.hostKeys;
    const foreign = withoutSftp.hostKeys[0];
    const closedPort = await freePort();
    const accounts = Object.fromEntries(
      ["unpinned", "revoked", "wrongHostKey", "wrongPassword", "unreachable"].map((name) => [name, host.account()]),
    );
    const where = (name: string) => ({ ...byPassword(sshd, accounts[name] ?? off), ...pair() });
    const { hostKey: _, ...unpinned } = where("unpinned");
    const [line, foreignLine] = [seen, foreign].map((each) => `127.0.0.1 ${each?.algorithm} ${each?.blob}`);
    const connections: Record<string, SshConnectionArgs> = {
      unpinned,
      revoked: { ...where("revoked"), hostKey: [`@revoked ${line}`, foreignLine ?? ""] },
      wrongHostKey: { ...where("wrongHostKey"), hostKey: foreign?.fingerprintSha256 ?? "" },
      wrongPassword: { ...where("wrongPassword"), password: "not that one" },
      unreachable: { ...where("unreachable"), port: closedPort },
      keysOff: { ...byPassword(sshd, off), ...pair() },
    };
    const before = sshd.log().length;
    stack.connections = connections;
    const { ok, output } = await stack.stack.up({ continueOnError: true });
    assert.ok(!ok);
    const seenPattern = (seen?.fingerprintSha256 ?? "").replace(/[+/]/g, "\\$&");
    for (const pattern of [
      `presented the host key ${seenPattern} \\(ssh-ed25519\\), and nothing says whether that is right; no secret was sent. Compare it .*ssh-keygen -lf .* then set hostKey: "${seenPattern}"`,
      `presented the host key ${seenPattern}.*@revoked; no secret was sent`,
      `presented the host key .*, but ${(foreign?.fingerprintSha256 ?? "").replace(/[+/]/g, "\\$&")} is expected.*no secret was sent`,
      `refused the login of ${accounts.wrongPassword?.username}; tried once each: the password, the private key`,
      `cannot connect to 127.0.0.1:${closedPort}: nothing listens there`,
      `the key was deployed, but a login with it failed; it was taken off again. .*refused the login of ${off.username}.*not offered: the private key`,
    ]) {
      assert.match(output, new RegExp(pattern));
    }
    assert.doesNotMatch(output, /^\s+at .*\/provider\/|not that one/m);
    for (const name of Object.keys(connections)) assert.equal(await stack.outputs(name), undefined, name);
    for (const [name, account] of Object.entries(accounts)) assert.equal(authorizedKeys(account), undefined, name);
    assert.equal(authorizedKeys(off), undefined);
    const log = sshd.log().slice(before);
    for (const name of ["unpinned", "revoked", "wrongHostKey"]) {
      assert.doesNotMatch(log, new RegExp(accounts[name]?.username ?? "-"), "no login was tried");
    }
    const failed = log.match(new RegExp(`Failed password for ${accounts.wrongPassword?.username}`, "g"));
    assert.equal(failed?.length, 1, "hosts ban whoever tries again");
  });

  it("SshConnection reports all bad arguments per property without secret values, before any contact", async () => {
    const before = sshd.log().length;
    const [secret, passphrase] = ["-----BEGIN OPENSSH PRIVATE KEY-----\nc2VjcmV0IHdvcmRz\n", "open sesame"];
    const [other, locked] = [await generate(), await makeKey("-t ed25519", passphrase)];
    const where = byPassword(sshd, off);
    const many = {
      host: "a b",
      port: 70_000,
      username: "-V",
      publicKey: "ssh-ed25519 AAAA",
      privateKey: secret,
      bootstrapPrivateKey: locked.privateKey,
      hostKey: "SHA256:short",
      restrict: { borgServe: { path: "it's", storageQuota: 1 } },
      passwordEnv: "not a name",
      onUnreachable: "ignore",
      timeout: 0,
      typo: true,
    };
    const bad: [object, ...RegExp[]][] = [
      [
        many,
        /property host value \{a b\} has a problem: must be a host name/,
        /property port value \{70000\} has a problem: must be a whole number from 1 to 65535/,
        /property username value \{-V\} has a problem: cannot begin with a dash/,
        /property publicKey value .* has a problem/,
        /property restrict value .*borgServe.path cannot have quotes/,
        /property restrict value .*borgServe.storageQuota must be a whole number of MB, at least 10/,
        /property passwordEnv value .* must be the name of an environment variable/,
        /property onUnreachable value \{ignore\} has a problem: must be "fail" or "forget"/,
        /property timeout value \{0\} has a problem: must be at least 1 second/,
        /SshConnection has no argument typo/,
        /'box'.*privateKey/,
        /'box'.*bootstrapPassphrase/,
      ],
      [
        { ...where, publicKey: key.publicKey, privateKey: other.privateKey, hostKey: "SHA256:short" },
        /privateKey: it is not the other half of publicKey/,
        /property hostKey value \{SHA256:short\} has a problem: .*no SHA256 fingerprint/,
      ],
      [
        { password: "hidden away", bootstrapPassphrase: 5, restrict: { options: "pty", borgServe: { path: "x" } } },
        /must be \{ borgServe: .* or \{ options \}, not both/,
        /bootstrapPassphrase: must be a text/,
        ...["host", "username", "publicKey"].map((name) => new RegExp(`${name} is required`)),
      ],
    ];
    for (const [args, ...patterns] of bad) {
      stack.connections = { box: args as SshConnectionArgs };
      const { ok, output } = await stack.stack.preview();
      assert.ok(!ok);
      for (const pattern of patterns) assert.match(output, pattern);
      for (const text of [secret, "c2VjcmV0IHdvcmRz", passphrase, locked.privateKey, other.privateKey, "hidden away"]) {
        assert.ok(!holds(output, text), output);
      }
      assert.doesNotMatch(output, /^\s+at .*(\.[jt]s|node:)/m);
    }
    assert.equal(sshd.log().length, before);
  });
});
