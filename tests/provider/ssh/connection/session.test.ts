import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { addressProblems } from "../../../../provider/ssh/connection/address";
import {
  type Credentials,
  credentialCandidates,
  credentialProblems,
} from "../../../../provider/ssh/connection/credentials";
import type { Target } from "../../../../provider/ssh/connection/target";
import { closeIdleSessions } from "../../../../provider/ssh/connection/withSession";
import { isUnreachable } from "../../../../provider/ssh/error";
import { generate } from "../../../../provider/ssh/keys";
import { until } from "../../../support/processes";
import { type TestAccount, TestHost } from "../support/accounts";
import { fails, hello, inSession } from "../support/sessions";
import { freePort, Sshd } from "../support/sshd";

describe("SSH sessions", function () {
  this.timeout(300_000);
  let host: TestHost;
  let sshd: Sshd;
  let account: TestAccount;

  before(async () => {
    host = new TestHost();
    account = host.account();
    sshd = await Sshd.start(host);
  });
  after(async () => {
    closeIdleSessions();
    await sshd?.stop();
    host?.remove();
  });
  afterEach(closeIdleSessions);

  const target = (more: Partial<Target> = {}) => sshd.target(account, more);
  const by = (credentials: Credentials) => hello(target({ credentials: [credentials] }));

  describe("addresses", () => {
    it("A session connects by IPv4, IPv6 and name", async () => {
      for (const address of ["127.0.0.1", "::1", "localhost"]) {
        assert.equal((await hello(target({ host: address }))).said, "hello\n");
      }
    });

    it("An unknown name and a closed port have errors of their own", async () => {
      await fails(hello(target({ host: "no-such-host.invalid" })), "resolve", "resolve", /no-such-host\.invalid/);
      await fails(hello(target({ port: await freePort() })), "connect", "connect", /refused/);
    });

    it("isUnreachable is true for a host that never answered, and false for one that refused", async () => {
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

    it("credentialCandidates prefers bootstrap credentials before the deployment, and the managed key after it", () => {
      const [bootstrap, managedKey] = [{ password: "p" }, { privateKey: "k" }];
      const candidates = (restricted: boolean, deployed: boolean) =>
        credentialCandidates(bootstrap, managedKey, { restricted, deployed });
      assert.deepEqual(candidates(false, false), [bootstrap, managedKey]);
      assert.deepEqual(candidates(false, true), [managedKey, bootstrap]);
      assert.deepEqual(candidates(true, true), [bootstrap]);
      assert.deepEqual(credentialCandidates({}, managedKey, { restricted: true, deployed: false }), [managedKey]);
      assert.deepEqual(credentialCandidates(bootstrap, {}, { restricted: false, deployed: true }), [bootstrap]);
    });

    it("Bad addresses and keys are refused before any contact", async () => {
      const properties = (more: Partial<Target>) =>
        addressProblems({ ...target(), ...more }).map(({ property }) => property);
      for (const port of [0, -1, 65536, 70000, 22.5, Number.NaN]) assert.deepEqual(properties({ port }), ["port"]);
      for (const username of ["", "-V", "-oProxyCommand=x", "a b", "a\nb", "a\u0000", "a\u00a0b"]) {
        assert.deepEqual(properties({ username }), ["username"], username);
        await fails(hello(target({ username })), "input", undefined, /username/);
      }
      for (const name of ["", "-x", "a b", "[::1]", "user@host", "host/path", "a\nb", "ssh://h"]) {
        assert.deepEqual(properties({ host: name }), ["host"], name);
      }
      assert.deepEqual(properties({ host: "", port: 0, username: "" }), ["host", "port", "username"]);
      assert.deepEqual(properties({ host: "fe80::1%eth0", username: "u12345-sub1" }), []);
      for (const username of [
        "name@domain.example",
        "CORP\\backup",
        "a/b",
        "a:b",
        "o'neill",
        'a"b',
        "a;b",
        "$(id)",
        "müller",
      ])
        assert.deepEqual(properties({ host: "box.example.com", username }), [], username);
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

    it("Sequential operations on an account share one login", async () => {
      const before = logins();
      let running = 0;
      await Promise.all(
        Array.from({ length: 20 }, () =>
          inSession(target(), async (session) => {
            assert.equal(++running, 1);
            assert.equal((await session.exec("echo hello"))?.stdout.toString(), "hello\n");
            running--;
          }),
        ),
      );
      await delay(100);
      assert.equal(logins() - before, 1);
    });

    it("A session is never shared with other credentials", async () => {
      await hello(target());
      await fails(by({ password: "other" }), "authentication", "authentication", /refused/);
      const { fingerprintSha256 } = await generate();
      await fails(hello(target({ hostKey: fingerprintSha256 })), "hostKey", "hostKey", /expected/);
    });

    it("A new session opens after the old one has ended", async () => {
      const one = await inSession(target(), async (session) => session.connection.socket);
      one.destroy();
      assert.equal((await hello(target())).said, "hello\n");
    });

    it("Many accounts are reached at once", async () => {
      const accounts = [account, ...Array.from({ length: 11 }, () => host.account())];
      await Promise.all(
        accounts.map(async (each) => {
          const said = await inSession(sshd.target(each), async (session) =>
            (await session.exec("id -un"))?.stdout.toString(),
          );
          assert.equal(said, `${each.username}\n`);
        }),
      );
    });

    it("An idle session closes by itself, and does not keep the process alive", async () => {
      const socket = await inSession(target(), async (session) => session.connection.socket);
      assert.equal(socket.destroyed, false);
      await once(socket, "close");
      const script = `const { inSession } = require(${JSON.stringify(require.resolve("../support/sessions"))});
        inSession(${JSON.stringify(target())}, (session) => session.exec("echo hello")).then(({ stdout }) => process.stdout.write(stdout))`;
      const said = execFileSync(process.execPath, ["-e", script], { encoding: "utf8", timeout: 60_000 });
      assert.equal(said, "hello\n");
    });
  });

  describe("faults", () => {
    const open = new Set<Socket>();
    /** A server that sends this text alone. */
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
      it(`A server that is silent after ${when} fails at the deadline, and the socket is closed`, async () => {
        const { port, stop } = await silent(banner);
        const started = Date.now();
        await fails(hello(target({ port, timeout: 0.5 })), "timeout", phase, /within 0\.5 s, while/);
        const took = Date.now() - started;
        assert.ok(took >= 450 && took < 15_000, `${took} ms`);
        await until(() => open.size === 0, 60, "the socket is closed");
        await stop();
      });
    }

    it("A server without SSH is reported as such", async () => {
      const { port, stop } = await silent("HTTP/1.1 400 Bad Request\r\n\r\n", true);
      const login = hello(target({ port, timeout: 15 }));
      await fails(login, "connect", "hostKey", /is that port an SSH server/);
      await stop();
    });

    it("A command that hangs ends at the deadline, and frees the account", async () => {
      // The deadline covers the login too, so log in before.
      await hello(target());
      const started = Date.now();
      const hang = inSession(target({ timeout: 1 }), (session) => session.exec("sleep 60"));
      await fails(hang, "timeout", "session", /working on the account/);
      assert.ok(Date.now() - started < 30_000);
      assert.equal((await hello(target())).said, "hello\n");
    });

    it("The deadline includes the wait for the account", async () => {
      const busy = inSession(target(), (session) => session.exec("sleep 1.5"));
      await fails(hello(target({ timeout: 0.5 })), "timeout", "connect", /0\.5 s/);
      await busy;
    });

    it("A connection that drops in the middle is noticed", async () => {
      const dropped = inSession(target(), async (session) => {
        setTimeout(() => session.connection.socket.destroy(), 200);
        return session.exec("sleep 30");
      });
      await fails(dropped, "session", "session", /was lost/);
    });

    it("An endless answer of a server is cut off", async () => {
      const endless = inSession(target(), (session) => session.exec("yes"));
      await fails(endless, "session", "session", /16 MB/);
    });
  });
});
