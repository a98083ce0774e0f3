import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Credentials } from "../../../../provider/ssh/connection/credentials";
import { formatKnownHosts } from "../../../../provider/ssh/connection/knownHosts";
import type { Target } from "../../../../provider/ssh/connection/target";
import { closeIdleSessions } from "../../../../provider/ssh/connection/withSession";
import { generate, type KeyMaterial } from "../../../../provider/ssh/keys";
import { until } from "../../../support/processes";
import { type TestAccount, TestHost } from "../support/accounts";
import { fails, hello } from "../support/sessions";
import { Sshd } from "../support/sshd";

describe("SSH logins", function () {
  this.timeout(300_000);
  let host: TestHost;
  let sshd: Sshd;
  let account: TestAccount;
  let key: KeyMaterial;

  before(async () => {
    host = new TestHost();
    account = host.account();
    sshd = await Sshd.start(host, { hostKeys: ["ed25519", "ecdsa", "rsa"] });
    key = await generate();
    authorize(account, key);
  });
  after(async () => {
    closeIdleSessions();
    await sshd?.stop();
    host?.remove();
  });
  afterEach(closeIdleSessions);

  function authorize({ home, username }: TestAccount, ...keys: KeyMaterial[]): void {
    mkdirSync(join(home, ".ssh"), { recursive: true, mode: 0o700 });
    writeFileSync(join(home, ".ssh/authorized_keys"), keys.map(({ publicKey }) => `${publicKey}\n`).join(""), {
      mode: 0o600,
    });
    execFileSync("chown", ["-R", `${username}:`, join(home, ".ssh")]);
  }
  const target = (more: Partial<Target> = {}) => sshd.target(account, more);
  const by = (credentials: Credentials) => hello(target({ credentials: [credentials] }));

  describe("credentials", () => {
    it("A password logs in", async () => {
      const { method, said, hostKey } = await hello(target());
      assert.deepEqual([method, said], ["password", "hello\n"]);
      assert.ok(sshd.hostKeys.some(({ fingerprintSha256 }) => fingerprintSha256 === hostKey.fingerprint));
    });

    it("A private key of each type logs in, with and without passphrase", async () => {
      const rsa = await generate({ keyType: "rsa", bits: 2048 });
      const ecdsa = await generate({ keyType: "ecdsa", bits: 521 });
      authorize(account, key, rsa, ecdsa);
      for (const each of [key, rsa, ecdsa]) {
        assert.equal((await by({ privateKey: each.privateKey })).method, "publickey");
      }
      const path = join(host.folder, "locked");
      writeFileSync(path, key.privateKey, { mode: 0o600 });
      execFileSync("ssh-keygen", ["-q", "-p", "-N", "geheim", "-f", path]);
      const privateKey = readFileSync(path, "utf8");
      assert.equal((await by({ privateKey, passphrase: "geheim" })).said, "hello\n");
    });

    it("The keys of an agent log in", async () => {
      const socket = join(host.folder, "agent");
      const agent = spawn("ssh-agent", ["-D", "-a", socket], { stdio: "ignore" });
      const before = process.env.SSH_AUTH_SOCK;
      try {
        while (!existsSync(socket)) await delay(10);
        process.env.SSH_AUTH_SOCK = socket;
        await fails(by({ agent: true }), "authentication", "authentication", /agent/);
        execFileSync("ssh-add", ["-q", "-"], { input: key.privateKey });
        assert.equal((await by({ agent: true })).method, "publickey");
      } finally {
        agent.kill();
        if (before === undefined) delete process.env.SSH_AUTH_SOCK;
        else process.env.SSH_AUTH_SOCK = before;
      }
      closeIdleSessions();
      if (process.env.SSH_AUTH_SOCK === undefined) {
        await fails(by({ agent: true }), "input", undefined, /SSH_AUTH_SOCK/);
      }
    });

    it("A refused key is followed by the password, each tried once", async () => {
      const { privateKey } = await generate();
      const log = await sshd.logDuring(async () => {
        assert.equal((await by({ privateKey, password: account.password })).method, "password");
      });
      assert.equal(log.match(/^Accepted password/gm)?.length, 1);
    });

    it("A wrong password is tried once, and the error names the methods of the server", async () => {
      const offer = /tried once each: the password; the server offers: publickey, password/;
      const log = await sshd.logDuring(async () => {
        const login = by({ password: "wr0ng-pa55word" });
        const error = await fails(login, "authentication", "authentication", offer);
        assert.doesNotMatch(error.message, /wr0ng/);
      });
      assert.equal(log.match(/^Failed password/gm)?.length, 1);
    });

    it("A refused rsa key is tried once", async () => {
      const strict = await Sshd.start(host, { config: "MaxAuthTries 1" });
      try {
        const { privateKey } = await generate({ keyType: "rsa", bits: 2048 });
        const login = hello(strict.target(account, { credentials: [{ privateKey }] }));
        await fails(login, "authentication", "authentication", /the private key/);
        assert.equal((await hello(strict.target(account))).said, "hello\n");
      } finally {
        await strict.stop();
      }
    });

    it("Credentials that the server offers no method for fail with its methods", async () => {
      const keysOnly = await Sshd.start(host, { config: "PasswordAuthentication no\nKbdInteractiveAuthentication no" });
      try {
        const login = hello(keysOnly.target(account));
        await fails(
          login,
          "authentication",
          "authentication",
          /not tried, since not offered: the password; the server offers: publickey/,
        );
        await fails(
          hello(keysOnly.target(account, { credentials: [] })),
          "authentication",
          "authentication",
          /nothing given fits/,
        );
      } finally {
        await keysOnly.stop();
      }
    });

    it("A server that requires key and password gets both", async () => {
      const both = await Sshd.start(host, { config: "AuthenticationMethods publickey,password" });
      try {
        const credentials = { privateKey: key.privateKey, password: account.password };
        assert.equal((await hello(both.target(account, { credentials: [credentials] }))).said, "hello\n");
      } finally {
        await both.stop();
      }
    });
  });

  describe("host keys", () => {
    it("A fingerprint of any host key is accepted, also of one that the host does not prefer", async () => {
      for (const { fingerprintSha256 } of sshd.hostKeys) {
        const { hostKey } = await hello(target({ hostKey: fingerprintSha256 }));
        assert.equal(hostKey.fingerprint, fingerprintSha256);
        closeIdleSessions();
      }
    });

    it("A known_hosts line of any host key is accepted", async () => {
      for (const each of sshd.hostKeys) {
        const line = formatKnownHosts("127.0.0.1", sshd.port, {
          type: each.algorithm,
          blob: each.blob,
          fingerprint: each.fingerprintSha256,
        });
        assert.equal((await hello(target({ hostKey: line }))).hostKey.type, each.algorithm);
        closeIdleSessions();
      }
    });

    it("An unexpected host key is refused with both fingerprints, and no secret is sent", async () => {
      const untouched = await Sshd.start(host);
      try {
        const { fingerprintSha256 } = await generate();
        const login = hello(untouched.target(account, { hostKey: fingerprintSha256 }));
        const error = await fails(login, "hostKey", "hostKey", /no secret was sent/);
        assert.ok(error.message.includes(fingerprintSha256));
        assert.ok(error.message.includes(untouched.hostKeys[0]?.fingerprintSha256 ?? "-"));
        await until(() => /preauth/.test(untouched.log()), 60, "the server has written its log");
        assert.doesNotMatch(untouched.log(), new RegExp(`Failed|Accepted|user ${account.username}`));
      } finally {
        await untouched.stop();
      }
    });

    it("An unpinned host key is shown in the error, and trusted only with trustOnFirstUse", async () => {
      const { hostKey, ...unpinned } = target();
      const error = await fails(hello(unpinned), "hostKey", "hostKey", /Compare it with/);
      const seen = /SHA256:\S+/.exec(error.message)?.[0];
      assert.ok(seen && hostKey?.includes(seen));
      assert.equal((await hello({ ...unpinned, trustOnFirstUse: true })).hostKey.fingerprint, seen);
    });
  });
});
