import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { appendFileSync, chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { deploy, type ManagedAccount, observe, remove } from "../../../../provider/ssh/authorizedKeys/deploy";
import { renderOptions } from "../../../../provider/ssh/authorizedKeys/restriction";
import { closeIdleSessions } from "../../../../provider/ssh/connection/withSession";
import { SshError } from "../../../../provider/ssh/error";
import { generate, type KeyMaterial } from "../../../../provider/ssh/keys";
import { type TestAccount, TestHost } from "../support/accounts";
import { Sshd } from "../support/sshd";

describe("SSH deployment", function () {
  this.timeout(300_000);
  let host: TestHost;
  let sshd: Sshd;
  let withoutSftp: Sshd;
  let key: KeyMaterial;
  let other: KeyMaterial;
  let chrooted: TestAccount & { data: string };
  let noKeys: TestAccount;

  before(async () => {
    host = new TestHost();
    chrooted = host.chrooted();
    noKeys = host.account();
    const config = [
      `Match User ${chrooted.username}`,
      "  ForceCommand internal-sftp -d /data",
      `  ChrootDirectory ${chrooted.home}`,
      `  AuthorizedKeysFile ${chrooted.data}/.ssh/authorized_keys`,
      `Match User ${noKeys.username}`,
      "  PubkeyAuthentication no",
    ].join("\n");
    sshd = await Sshd.start(host, { config });
    withoutSftp = await Sshd.start(host, { sftp: false });
    [key, other] = await Promise.all([generate({ comment: "deployed" }), generate({ comment: "someone else" })]);
  });
  after(async () => {
    closeIdleSessions();
    await sshd?.stop();
    await withoutSftp?.stop();
    host?.remove();
  });
  afterEach(closeIdleSessions);

  const managed = (account: TestAccount, more: Partial<ManagedAccount> = {}, server = sshd): ManagedAccount => ({
    ...server.target(account),
    ...more,
  });
  const fileOf = ({ home }: { home: string }) => join(home, ".ssh/authorized_keys");
  const contentOf = (account: { home: string }) => readFileSync(fileOf(account), "latin1");
  const pair = (of = key) => ({ publicKey: of.publicKey, privateKey: of.privateKey });
  const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8);
  function write(account: TestAccount, content: string | Buffer): void {
    mkdirSync(dirname(fileOf(account)), { recursive: true, mode: 0o700 });
    writeFileSync(fileOf(account), content, { mode: 0o600 });
    execFileSync("chown", ["-R", `${account.username}:`, dirname(fileOf(account))]);
  }
  /** Names in the folder of `authorized_keys`. */
  const beside = (account: TestAccount) =>
    execFileSync("ls", ["-A", dirname(fileOf(account))], { encoding: "utf8" })
      .trim()
      .split("\n");

  /** Kinds of hosts, with the same expectations. */
  const targets = [
    { name: "a login shell, over SFTP", make: () => host.account(), server: () => sshd, access: "shell" },
    {
      name: "a login shell, over the shell",
      make: () => host.account(),
      server: () => sshd,
      more: { useSftpMode: false },
      access: "shell",
    },
    { name: "a server without SFTP", make: () => host.account(), server: () => withoutSftp, access: "shell" },
    {
      name: "a storage box",
      make: () => host.account({ shell: host.boxShell() }),
      server: () => sshd,
      access: "restricted",
    },
    {
      name: "SFTP in a chroot",
      make: () => ({ ...chrooted, home: chrooted.data }),
      server: () => sshd,
      access: "sftp",
    },
  ] as const;
  for (const { name, make, server, access, ...rest } of targets) {
    it(`A key is deployed, observed, changed, rotated and removed on ${name}`, async () => {
      const account = make();
      const target = managed(account, "more" in rest ? rest.more : {}, server());
      const first = await deploy(target, pair());
      assert.deepEqual([first.status, first.access], ["connected", access]);
      assert.ok(first.knownHosts.endsWith(`${first.hostKey.type} ${first.hostKey.blob}`));
      assert.equal(contentOf(account), `${key.publicKey}\n`);
      assert.deepEqual([modeOf(fileOf(account)), modeOf(dirname(fileOf(account)))], ["600", "700"]);
      assert.deepEqual((await observe(target, key.publicKey)).lines, [{ options: "", comment: "deployed" }]);

      appendFileSync(fileOf(account), `# not ours \xff\r\n${other.publicKey}`, "latin1");
      const rest_ = `# not ours \xff\r\n${other.publicKey}`;
      const restricted = await deploy(target, { ...pair(), options: "restrict" });
      assert.equal(restricted.status, "connected");
      assert.equal(contentOf(account), `restrict ${key.publicKey}\n${rest_}`);

      const next = await generate({ comment: "next" });
      await deploy(target, { ...pair(next), replaces: key.publicKey });
      assert.equal(contentOf(account), `${rest_}\n${next.publicKey}\n`);
      assert.deepEqual((await observe(target, key.publicKey)).lines, []);

      await remove(target, next.publicKey);
      assert.equal(contentOf(account), `${rest_}\n`);
      await remove(target, next.publicKey);
      assert.deepEqual(beside(account), ["authorized_keys"]);
    });
  }

  it("An up-to-date file is not written", async () => {
    const account = host.account();
    await deploy(managed(account), pair());
    const before = statSync(fileOf(account));
    await deploy(managed(account), pair());
    await observe(managed(account), key.publicKey);
    await remove(managed(account), other.publicKey);
    const after = statSync(fileOf(account));
    assert.deepEqual([after.ino, after.mtimeMs, after.ctimeMs], [before.ino, before.mtimeMs, before.ctimeMs]);
  });

  it("An account without keys gets no file when it is observed or cleaned", async () => {
    const account = host.account();
    assert.deepEqual((await observe(managed(account), key.publicKey)).lines, []);
    await remove(managed(account), key.publicKey);
    assert.equal(existsSync(dirname(fileOf(account))), false);
  });

  it("A folder without search permission does not count as empty", async () => {
    for (const useSftpMode of [true, false]) {
      const account = host.account();
      write(account, `${key.publicKey}\n`);
      execFileSync("chown", ["root:", dirname(fileOf(account))]);
      for (const work of [
        () => observe(managed(account, { useSftpMode }), key.publicKey),
        () => remove(managed(account, { useSftpMode }), key.publicKey),
        () => deploy(managed(account, { useSftpMode }), pair()),
      ]) {
        await assert.rejects(work(), (error: unknown) => {
          assert.ok(error instanceof SshError && error.kind === "permission", String(error));
          return true;
        });
      }
    }
  });

  it("A file and folder of the login lose write access of others, and nothing else", async () => {
    for (const useSftpMode of [true, false]) {
      const account = host.account();
      write(account, `${key.publicKey}\n`);
      chmodSync(fileOf(account), 0o664);
      chmodSync(dirname(fileOf(account)), 0o777);
      assert.equal((await deploy(managed(account, { useSftpMode }), pair())).status, "connected");
      assert.deepEqual([modeOf(fileOf(account)), modeOf(dirname(fileOf(account)))], ["644", "755"]);
      chmodSync(fileOf(account), 0o664);
      chmodSync(dirname(fileOf(account)), 0o777);
      assert.equal((await deploy(managed(account, { useSftpMode }), pair(other))).status, "connected");
      assert.deepEqual([modeOf(fileOf(account)), modeOf(dirname(fileOf(account)))], ["644", "755"]);
    }
  });

  it("A deployed key serves as the credential", async () => {
    const account = host.account();
    write(account, `${key.publicKey}\n`);
    const target = managed(account, { credentials: [{ privateKey: key.privateKey }] });
    assert.equal((await deploy(target, { ...pair(), options: "no-pty" })).access, "shell");
    assert.equal(contentOf(account), `no-pty ${key.publicKey}\n`);
  });

  it("The status is deployed, not connected, without a private key", async () => {
    const account = host.account();
    const { status, access } = await deploy(managed(account), { publicKey: key.publicKey });
    assert.deepEqual([status, access], ["deployed", undefined]);
  });

  it("A key of a hardware token is deployed with its options, observed and removed", async () => {
    const account = host.account();
    const token =
      "sk-ssh-ed25519@openssh.com AAAAGnNrLXNzaC1lZDI1NTE5QG9wZW5zc2guY29tAAAAIBAt/X37WDQ3cNPEVHQBsW3lH7XPeea5rUoeXuhoTkzRAAAABHNzaDo= me@token";
    const options = renderOptions({ options: "restrict,no-touch-required,verify-required" });
    assert.equal((await deploy(managed(account), { publicKey: token, options })).status, "deployed");
    assert.equal(contentOf(account), `${options} ${token}\n`);
    assert.deepEqual((await observe(managed(account), token)).lines, [{ options, comment: "me@token" }]);
    await remove(managed(account), token);
    assert.equal(contentOf(account), "");
  });

  it("A symbolic link is followed instead of replaced", async () => {
    for (const useSftpMode of [true, false]) {
      const account = host.account();
      write(account, "");
      const real = join(account.home, "keys");
      execFileSync("sh", ["-c", `mv "$1" "$2" && ln -s ../keys "$1"`, "sh", fileOf(account), real]);
      await deploy(managed(account, { useSftpMode }), pair());
      assert.equal(readFileSync(real, "utf8"), `${key.publicKey}\n`);
    }
  });

  it("authorizedKeysPath names another file, whose folders are made", async () => {
    for (const useSftpMode of [true, false]) {
      const account = host.account();
      const target = managed(account, { useSftpMode, authorizedKeysPath: `${account.home}/a b/it's/keys` });
      await deploy(target, { publicKey: key.publicKey });
      assert.equal(readFileSync(`${account.home}/a b/it's/keys`, "utf8"), `${key.publicKey}\n`);
    }
  });

  it("sshPathPrefix precedes absolute paths over a shell, and only there", async () => {
    const account = host.account();
    mkdirSync(join(account.home, "etc"));
    execFileSync("chown", [`${account.username}:`, join(account.home, "etc")]);
    const more = { sshPathPrefix: account.home, authorizedKeysPath: "/etc/keys" };
    await deploy(managed(account, { ...more, useSftpMode: false }), { publicKey: key.publicKey });
    assert.ok(existsSync(join(account.home, "etc/keys")));
    const overSftp = deploy(managed(account, { ...more, useSftpMode: true }), { publicKey: key.publicKey });
    await assert.rejects(overSftp, (error: unknown) => error instanceof SshError && error.kind === "permission");
    assert.equal(existsSync("/etc/keys"), false);
  });

  it("Output of the shell's start-up files does not change the content that is read", async () => {
    const account = host.account({
      shell: host.script("noisy", '#!/bin/sh\necho "Welcome! $(date)"\nshift\nsh -c "$1"\necho "bye"\n'),
    });
    write(account, `${other.publicKey}`);
    await deploy(managed(account, {}, withoutSftp), { publicKey: key.publicKey });
    assert.equal(contentOf(account), `${other.publicKey}\n${key.publicKey}\n`);
  });

  describe("a failed verification", () => {
    async function unproven(target: ManagedAccount, wanted = pair()): Promise<SshError> {
      const error = await deploy(target, wanted).then(
        () => assert.fail("it succeeded"),
        (reason: unknown) => reason,
      );
      assert.ok(error instanceof SshError, String(error));
      return error;
    }

    it("A server without public-key login keeps no key, and the error says so", async () => {
      write(noKeys, `${other.publicKey}\n`);
      const error = await unproven(managed(noKeys));
      assert.equal(error.kind, "authentication");
      assert.match(error.message, /taken off again.*not offered: the private key; the server offers: password/);
      assert.equal(contentOf(noKeys), `${other.publicKey}\n`);
      assert.deepEqual(beside(noKeys), ["authorized_keys"]);
    });

    it("A failed verification of a new key keeps the old one", async () => {
      write(noKeys, `${other.publicKey}\n`);
      const wanted = { ...pair(), replaces: other.publicKey };
      await unproven(managed(noKeys), wanted);
      assert.equal(contentOf(noKeys), `${other.publicKey}\n`);
    });

    it("A failed verification restores the old options of the key", async () => {
      const account = host.account();
      write(account, `# first\nno-pty ${key.publicKey}\n`);
      const wanted = { ...pair(), options: 'from="192.0.2.1"' };
      const error = await unproven(managed(account), wanted);
      assert.match(error.message, /again what it was before/);
      assert.equal(contentOf(account), `# first\nno-pty ${key.publicKey}\n`);
    });

    it("A home folder that others can write is named in the error", async () => {
      const account = host.account();
      chmodSync(account.home, 0o777);
      assert.match((await unproven(managed(account))).message, /home folder is writable by others \(mode 0777\)/);
    });

    it("A private key that is not the other half is refused before any contact", async () => {
      const target = managed(host.account(), { port: 1 });
      const error = await unproven(target, { publicKey: key.publicKey, privateKey: other.privateKey });
      assert.deepEqual([error.kind, error.property], ["input", "privateKey"]);
    });
  });

  describe("restriction to borg serve", () => {
    function borg(account: TestAccount, path: string, ...args: string[]) {
      const identity = join(host.folder, "borg-key");
      writeFileSync(identity, key.privateKey, { mode: 0o600 });
      const rsh = `ssh -p ${sshd.port} -i ${identity} -o BatchMode=yes -o IdentitiesOnly=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR`;
      const repo = `ssh://${account.username}@127.0.0.1:${sshd.port}${path}`;
      const env = {
        ...process.env,
        BORG_RSH: rsh,
        BORG_BASE_DIR: host.folder,
        BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK: "yes",
      };
      return execFileSync("borg", [args[0] ?? "", ...args.slice(1), repo], { env, encoding: "utf8", stdio: "pipe" });
    }

    it("A restricted key lets a real borg write to its folder and nowhere else", async () => {
      const account = host.account();
      const path = join(account.home, "my repos");
      const options = renderOptions({ borgServe: { path, appendOnly: true, storageQuota: 500 } });
      const { status, access } = await deploy(managed(account), { ...pair(), options });
      assert.deepEqual([status, access], ["connected", "restricted"]);
      execFileSync("install", ["-d", "-o", account.username, path]);
      borg(account, `${path}/one`, "init", "--encryption", "none");
      assert.match(borg(account, `${path}/one`, "info"), /Repository ID/);
      assert.throws(() => borg(account, `${account.home}/elsewhere`, "init", "--encryption", "none"));
      assert.ok(existsSync(join(path, "one/config")) && !existsSync(join(account.home, "elsewhere")));
    });
  });
});
