import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import {
  accountProblems,
  type Credentials,
  credentialProblems,
  type Target,
  waysIn,
} from "../../../provider/ssh/account";
import { isUnreachable, SshError, type SshErrorKind, type SshPhase } from "../../../provider/ssh/error";
import { formatKnownHosts } from "../../../provider/ssh/hostKeys";
import { generate, type KeyMaterial } from "../../../provider/ssh/keys";
import { closeIdleSessions, withSession } from "../../../provider/ssh/session";
import { type TestAccount, TestHost } from "./support/accounts";
import { freePort, Sshd } from "./support/sshd";

const hello = (target: Target) =>
  withSession(target, async (session) => ({
    hostKey: session.hostKey,
    method: session.method,
    said: (await session.exec("echo hello"))?.stdout.toString(),
  }));

async function fails(
  work: Promise<unknown>,
  kind: SshErrorKind,
  phase: SshPhase | undefined,
  text: RegExp,
): Promise<SshError> {
  const error = await work.then(
    () => assert.fail("it succeeded"),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof SshError, String(error));
  assert.deepEqual([error.kind, error.phase], [kind, phase], error.message);
  assert.match(error.message, text);
  assert.doesNotMatch(error.message, /[\r\n]/);
  return error;
}

describe("SSH sessions", function () {
  this.timeout(60_000);
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

  describe("ways in", () => {
    it("logs in with a password", async () => {
      const { method, said, hostKey } = await hello(target());
      assert.deepEqual([method, said], ["password", "hello\n"]);
      assert.ok(sshd.hostKeys.some(({ fingerprintSha256 }) => fingerprintSha256 === hostKey.fingerprint));
    });

    it("logs in with a private key of each type, with and without passphrase", async () => {
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

    it("logs in with the keys of an agent", async () => {
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

    it("falls back from a key to a password, each once", async () => {
      const before = sshd.log().length;
      const other = await generate();
      assert.equal((await by({ privateKey: other.privateKey, password: account.password })).method, "password");
      assert.equal(
        sshd
          .log()
          .slice(before)
          .match(/^Accepted password/gm)?.length,
        1,
      );
    });

    it("tries a wrong password once, and names what the server offers", async () => {
      const before = sshd.log().length;
      const error = await fails(
        by({ password: "wr0ng-pa55word" }),
        "authentication",
        "authentication",
        /tried once each: the password; the server offers: publickey, password/,
      );
      assert.doesNotMatch(error.message, /wr0ng/);
      await delay(100);
      assert.equal(
        sshd
          .log()
          .slice(before)
          .match(/^Failed password/gm)?.length,
        1,
      );
    });

    it("tries a refused rsa key once", async () => {
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

    it("says what is offered when nothing that was given fits", async () => {
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

    it("logs in where the server wants key and password both", async () => {
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
    it("accepts the fingerprint of any of the host's keys, also one it does not prefer", async () => {
      for (const { fingerprintSha256 } of sshd.hostKeys) {
        const { hostKey } = await hello(target({ hostKey: fingerprintSha256 }));
        assert.equal(hostKey.fingerprint, fingerprintSha256);
        closeIdleSessions();
      }
    });

    it("accepts the known_hosts line of any of the host's keys", async () => {
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

    it("refuses another key, names both, and sends nothing secret", async () => {
      const before = sshd.log().length;
      const { fingerprintSha256 } = await generate();
      const error = await fails(
        hello(target({ hostKey: fingerprintSha256 })),
        "hostKey",
        "hostKey",
        /no secret was sent/,
      );
      assert.ok(error.message.includes(fingerprintSha256));
      assert.ok(sshd.hostKeys.some((each) => error.message.includes(each.fingerprintSha256)));
      await delay(100);
      const log = sshd.log().slice(before);
      assert.match(log, /preauth/);
      assert.doesNotMatch(log, new RegExp(`Failed|Accepted|user ${account.username}`));
    });

    it("shows what it saw when nothing was pinned, and trusts it only when asked", async () => {
      const { hostKey, ...unpinned } = target();
      const error = await fails(hello(unpinned), "hostKey", "hostKey", /Compare it with/);
      const seen = /SHA256:\S+/.exec(error.message)?.[0];
      assert.ok(seen && hostKey?.includes(seen));
      assert.equal((await hello({ ...unpinned, trustOnFirstUse: true })).hostKey.fingerprint, seen);
    });
  });

  describe("addresses", () => {
    it("connects by IPv4, IPv6 and name", async () => {
      for (const address of ["127.0.0.1", "::1", "localhost"]) {
        assert.equal((await hello(target({ host: address }))).said, "hello\n");
      }
    });

    it("tells an unknown name from a closed port", async () => {
      await fails(hello(target({ host: "no-such-host.invalid" })), "resolve", "resolve", /no-such-host\.invalid/);
      await fails(hello(target({ port: await freePort() })), "connect", "connect", /refused/);
    });

    it("tells hosts that cannot be spoken to from those that can", async () => {
      const port = await freePort();
      const unpinned = target({ hostKey: (await generate()).fingerprintSha256 });
      for (const [login, expected] of [
        [hello(target({ host: "no-such-host.invalid" })), true],
        [hello(target({ port })), true],
        [hello(unpinned), false],
        [by({ password: "wrong" }), false],
      ] as const) {
        assert.equal(isUnreachable(await login.catch((reason: unknown) => reason)), expected);
      }
    });

    it("prefers the bootstrap on the first way in, and the deployed key later", () => {
      const [bootstrap, deployed] = [{ password: "p" }, { privateKey: "k" }];
      const ways = (restricted: boolean, there: boolean) => waysIn(bootstrap, deployed, { restricted, there });
      assert.deepEqual(ways(false, false), [bootstrap, deployed]);
      assert.deepEqual(ways(false, true), [deployed, bootstrap]);
      assert.deepEqual(ways(true, true), [bootstrap]);
      assert.deepEqual(waysIn({}, deployed, { restricted: true, there: false }), [deployed]);
      assert.deepEqual(waysIn(bootstrap, {}, { restricted: false, there: true }), [bootstrap]);
    });

    it("refuses bad addresses and keys before any contact", async () => {
      const properties = (more: Partial<Target>) =>
        accountProblems({ ...target(), ...more }).map(({ property }) => property);
      for (const port of [0, -1, 65536, 70000, 22.5, Number.NaN]) assert.deepEqual(properties({ port }), ["port"]);
      for (const username of ["", "-V", "-oProxyCommand=x", "a b", "a\nb", "a\u0000", "a;b", "$(id)"]) {
        assert.deepEqual(properties({ username }), ["username"], username);
        await fails(hello(target({ username })), "input", undefined, /username/);
      }
      for (const name of ["", "-x", "a b", "[::1]", "user@host", "host/path", "a\nb", "ssh://h"]) {
        assert.deepEqual(properties({ host: name }), ["host"], name);
      }
      assert.deepEqual(properties({ host: "", port: 0, username: "" }), ["host", "port", "username"]);
      assert.deepEqual(properties({ host: "fe80::1%eth0", username: "u12345-sub1" }), []);
      assert.deepEqual(properties({ host: "box.example.com", username: "name@domain.example" }), []);
      const locked = execFileSync("openssl", ["genrsa", "-aes128", "-passout", "pass:right", "2048"], {
        encoding: "utf8",
        stdio: "pipe",
      });
      for (const [credentials, property] of [
        [{ privateKey: "junk" }, "privateKey"],
        [{ privateKey: locked }, "passphrase"],
        [{ privateKey: locked, passphrase: "wrong" }, "passphrase"],
      ] as const) {
        assert.deepEqual(
          credentialProblems(credentials).map((problem) => problem.property),
          [property],
        );
        await fails(by(credentials), "input", undefined, /key/);
      }
      const names = { privateKey: "bootstrapPrivateKey", passphrase: "bootstrapPassphrase" };
      assert.deepEqual(credentialProblems({ privateKey: locked }, names)[0]?.property, "bootstrapPassphrase");
    });
  });

  describe("sharing", () => {
    const logins = () => sshd.log().match(/^Accepted /gm)?.length ?? 0;

    it("uses one login for many operations on an account, one after the other", async () => {
      const before = logins();
      let running = 0;
      await Promise.all(
        Array.from({ length: 20 }, () =>
          withSession(target(), async (session) => {
            assert.equal(++running, 1);
            assert.equal((await session.exec("echo hello"))?.stdout.toString(), "hello\n");
            running--;
          }),
        ),
      );
      await delay(100);
      assert.equal(logins() - before, 1);
    });

    it("never lends a session to other credentials", async () => {
      await hello(target());
      await fails(by({ password: "other" }), "authentication", "authentication", /refused/);
      const { fingerprintSha256 } = await generate();
      await fails(hello(target({ hostKey: fingerprintSha256 })), "hostKey", "hostKey", /expected/);
    });

    it("opens a new session when the old one is gone", async () => {
      const one = await withSession(target(), async (session) => session.connection.socket);
      one.destroy();
      assert.equal((await hello(target())).said, "hello\n");
    });

    it("reaches many accounts at once", async () => {
      const accounts = [account, ...Array.from({ length: 11 }, () => host.account())];
      await Promise.all(
        accounts.map(async (each) => {
          const said = await withSession(sshd.target(each), async (session) =>
            (await session.exec("id -un"))?.stdout.toString(),
          );
          assert.equal(said, `${each.username}\n`);
        }),
      );
    });

    it("closes an idle session by itself, and does not keep the process alive", async () => {
      const socket = await withSession(target(), async (session) => session.connection.socket);
      assert.equal(socket.destroyed, false);
      await once(socket, "close");
      const script = `const { withSession } = require(${JSON.stringify(require.resolve("../../../provider/ssh/session"))});
        withSession(${JSON.stringify(target())}, (session) => session.exec("echo hello")).then(({ stdout }) => process.stdout.write(stdout))`;
      const started = Date.now();
      assert.equal(execFileSync(process.execPath, ["-e", script], { encoding: "utf8" }), "hello\n");
      assert.ok(Date.now() - started < 3000);
    });
  });

  describe("faults", () => {
    const open = new Set<Socket>();
    /** A server that says only this. */
    async function silent(banner: string, hangUp = false): Promise<{ port: number; stop: () => Promise<unknown> }> {
      const server = createServer((socket) => {
        open.add(socket);
        socket.on("error", () => {}).on("close", () => open.delete(socket));
        socket.resume();
        if (banner) socket.write(banner);
        if (hangUp) socket.end();
      });
      server.listen(0, "127.0.0.1");
      await once(server, "listening");
      const address = server.address();
      assert.ok(address && typeof address === "object");
      return { port: address.port, stop: () => new Promise((resolve) => server.close(resolve)) };
    }

    for (const [when, banner, phase] of [
      ["accepting", "", "hostKey"],
      ["its banner", "SSH-2.0-Silent\r\n", "hostKey"],
    ] as const) {
      it(`gives up at the deadline on a server that is silent after ${when}, and closes the socket`, async () => {
        const { port, stop } = await silent(banner);
        const started = Date.now();
        await fails(hello(target({ port, timeout: 0.5 })), "timeout", phase, /within 0\.5 s, while/);
        const took = Date.now() - started;
        assert.ok(took >= 450 && took < 1500, `${took} ms`);
        await delay(50);
        assert.equal(open.size, 0);
        await stop();
      });
    }

    it("says so when no SSH server is there", async () => {
      const { port, stop } = await silent("HTTP/1.1 400 Bad Request\r\n\r\n", true);
      const login = hello(target({ port, timeout: 15 }));
      await fails(login, "connect", "hostKey", /is that port an SSH server/);
      await stop();
    });

    it("ends a command that hangs at the deadline, and frees the account", async () => {
      const started = Date.now();
      const hang = withSession(target({ timeout: 1 }), (session) => session.exec("sleep 60"));
      await fails(hang, "timeout", "session", /working on the account/);
      assert.ok(Date.now() - started < 3000);
      assert.equal((await hello(target())).said, "hello\n");
    });

    it("counts waiting for the account as part of the deadline", async () => {
      const busy = withSession(target(), (session) => session.exec("sleep 1.5"));
      await fails(hello(target({ timeout: 0.5 })), "timeout", "connect", /0\.5 s/);
      await busy;
    });

    it("notices a link that drops in the middle", async () => {
      const dropped = withSession(target(), async (session) => {
        setTimeout(() => session.connection.socket.destroy(), 200);
        return session.exec("sleep 30");
      });
      await fails(dropped, "session", "session", /was lost/);
    });

    it("stops reading from a server that answers without end", async () => {
      const endless = withSession(target(), (session) => session.exec("yes"));
      await fails(endless, "session", "session", /16 MB/);
    });
  });
});
