import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { deploy, type ManagedAccount, observe, remove } from "../../../../provider/ssh/authorizedKeys/deploy";
import type { Hop } from "../../../../provider/ssh/connection/target";
import { testConnection } from "../../../../provider/ssh/connection/testConnection";
import { closeIdleSessions } from "../../../../provider/ssh/connection/withSession";
import { isUnreachable } from "../../../../provider/ssh/error";
import { storage } from "../../../../provider/ssh/files/storage";
import { generate, type KeyMaterial } from "../../../../provider/ssh/keys";
import { type TestAccount, TestHost } from "../support/accounts";
import { CuttingProxy } from "../support/cuttingProxy";
import { fails, hello, inSession } from "../support/sessions";
import { freePort, Sshd } from "../support/sshd";

describe("A connection through jump hosts", function () {
  this.timeout(90_000);
  let host: TestHost;
  let [first, second, end]: Sshd[] = [];
  let [one, two, account]: TestAccount[] = [];
  let key: KeyMaterial;

  before(async () => {
    host = new TestHost();
    [one, two, account] = [host.account(), host.account(), host.account()];
    const servers = [one, two, account].map((each) => Sshd.start(host, { config: `AllowUsers ${each?.username}` }));
    [first, second, end] = await Promise.all(servers);
    key = await generate();
  });
  after(async () => {
    closeIdleSessions();
    await Promise.all([first, second, end].map((server) => server?.stop()));
    host?.remove();
  });
  afterEach(closeIdleSessions);

  const given = <T>(value: T | undefined): T => value as T;
  const hop = (server: Sshd | undefined, account: TestAccount | undefined, more: Partial<Hop> = {}): Hop => {
    const {
      credentials: _,
      timeout: __,
      trustOnFirstUse: ___,
      proxyJump: ____,
      ...where
    } = given(server).target(given(account));
    return { ...where, password: given(account).password, ...more };
  };
  const target = (proxyJump: ManagedAccount["proxyJump"], more: Partial<ManagedAccount> = {}): ManagedAccount => ({
    ...given(end).target(given(account)),
    proxyJump,
    ...more,
  });
  const [byFirst, byBoth] = [() => hop(first, one), () => [hop(first, one), hop(second, two)]];
  /** The number of open connections per server, after they have settled. */
  async function connections(): Promise<number> {
    const pids = [first, second, end].map((server) => given(server?.process.pid));
    const children = () =>
      pids.map(
        (pid) => readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ").filter(Boolean).length,
      );
    for (let round = 0; round < 50; round++) {
      if (children().every((count) => count === 0)) return 0;
      await delay(100);
    }
    return children().reduce((sum, count) => sum + count, 0);
  }

  for (const [what, proxyJump] of [
    ["one hop", byFirst],
    ["a list of one", () => [byFirst()]],
    ["two hops", byBoth],
  ] as const) {
    it(`A key is deployed, verified, observed and removed through ${what}, and nothing stays open`, async () => {
      const managed = target(proxyJump());
      const log = await given(first).logDuring(async () => {
        const { status, access, hostKey } = await deploy(managed, {
          publicKey: key.publicKey,
          privateKey: key.privateKey,
        });
        assert.deepEqual([status, access], ["connected", "shell"]);
        assert.equal(hostKey.fingerprint, end?.hostKeys[0]?.fingerprintSha256);
      });
      assert.equal(log.match(/^Accepted password/gm)?.length, 2, "the proof goes through the hop too");
      assert.equal((await observe(managed, key.publicKey)).lines.length, 1);
      assert.ok((await storage(managed)).total > 0);
      const test = await testConnection(managed);
      assert.deepEqual([test.status, test.access, (test.latencyMs ?? 0) > 0], ["connected", "shell", true]);
      await remove(managed, key.publicKey);
      assert.equal(readFileSync(join(given(account).home, ".ssh/authorized_keys"), "utf8"), "");
      closeIdleSessions();
      assert.equal(await connections(), 0);
    });
  }

  it("A jump host may have a name that only the jump host before it resolves", async () => {
    const hops = [hop(first, one), { ...hop(second, two), host: "localhost" }];
    assert.equal((await hello(target(hops, { host: "localhost" }))).said, "hello\n");
  });

  it("A jump host with an unexpected or unpinned key gets no secret, and the error names it", async () => {
    const { fingerprintSha256 } = await generate();
    const seen = second?.hostKeys[0]?.fingerprintSha256 ?? "";
    const hops = (hostKey?: string): Hop[] => [byFirst(), { ...hop(second, two), hostKey }];
    const log = await given(second).logDuring(async () => {
      const text = new RegExp(
        `^proxyJump\\[1\\] 127\\.0\\.0\\.1:${second?.port} \\(hostKey\\): .*presented the host key`,
      );
      const wrong = await fails(hello(target(hops(fingerprintSha256))), "hostKey", "hostKey", text);
      assert.ok(wrong.message.includes(seen) && wrong.message.includes(fingerprintSha256));
      const none = await fails(hello(target(hops())), "hostKey", "hostKey", /nothing says whether that is right/);
      assert.ok(none.message.includes(`set hostKey: "${seen}"`), none.message);
      assert.equal(isUnreachable(none), false);
    });
    assert.doesNotMatch(log, new RegExp(`Failed|Accepted|user ${two?.username}`));
    const endLog = await given(end).logDuring(() => fails(hello(target(hops())), "hostKey", "hostKey", /./));
    assert.equal(endLog, "", "the host behind is not even contacted");
    assert.equal(await connections(), 0);
  });

  it("The host behind a jump host is verified before a secret is sent to it", async () => {
    const { fingerprintSha256 } = await generate();
    const log = await given(end).logDuring(() =>
      fails(
        hello(target(byFirst(), { hostKey: fingerprintSha256 })),
        "hostKey",
        "hostKey",
        /^127\.0\.0\.1:\d+ presented/,
      ),
    );
    assert.doesNotMatch(log, new RegExp(`Failed|Accepted|user ${account?.username}`));
    assert.equal(await connections(), 0);
  });

  it("A failure names its jump host and its phase", async () => {
    const port = await freePort();
    const gone = await fails(hello(target({ ...byFirst(), port })), "connect", "connect", /nothing listens there/);
    assert.match(gone.message, new RegExp(`^proxyJump 127\\.0\\.0\\.1:${port} \\(connect\\): cannot connect`));
    assert.equal(isUnreachable(gone), true);
    const unknown = [byFirst(), { ...hop(second, two), host: "no-such-host.invalid" }];
    await fails(
      hello(target(unknown)),
      "connect",
      "connect",
      /^proxyJump\[1\] no-such-host.*\(connect\): proxyJump\[0\] .*it said/,
    );
    await fails(
      hello(target({ ...byFirst(), host: "no-such-host.invalid" })),
      "resolve",
      "resolve",
      /^proxyJump no-such-host\.invalid:\d+ \(resolve\): the host name/,
    );
    const refused = hello(target([{ ...byFirst(), password: "not that one" }]));
    const { message } = await fails(
      refused,
      "authentication",
      "authentication",
      /^proxyJump\[0\] .*\(authentication\): .*refused/,
    );
    assert.doesNotMatch(message, /not that one/);
    const behind = hello(target(byFirst(), { port }));
    await fails(
      behind,
      "connect",
      "connect",
      new RegExp(`^proxyJump 127.*cannot connect to 127.0.0.1:${port} \\(it said: Connection refused`),
    );
    const result = await testConnection(target({ ...byFirst(), password: "not that one" }));
    assert.deepEqual([result.status, result.phase], ["failed", "authentication"]);
    assert.equal(await connections(), 0);
  });

  it("A jump host that forbids forwarding is named in the error", async () => {
    const closed = await Sshd.start(host, { config: "AllowTcpForwarding no" });
    try {
      const text =
        /^proxyJump 127.* lets nothing through to 127.*\(it said: .*\); sshd_config\(5\) has AllowTcpForwarding/;
      await fails(hello(target(hop(closed, one))), "session", "session", text);
    } finally {
      await closed.stop();
    }
  });

  it("The time limit covers all jump hosts together, and its error names the silent one", async () => {
    const silent = await Sshd.start(host);
    silent.process.kill("SIGSTOP");
    try {
      const where = { ...hop(silent, one) };
      const started = Date.now();
      const text = new RegExp(
        `^proxyJump\\[1\\] 127\\.0\\.0\\.1:${silent.port} \\(hostKey\\): 127\\.0\\.0\\.1:${silent.port} did not answer`,
      );
      await fails(hello(target([byFirst(), where], { timeout: 2 })), "timeout", "hostKey", text);
      assert.ok(Date.now() - started < 10_000);
      assert.equal(await connections(), 0);
    } finally {
      silent.process.kill("SIGCONT");
      await silent.stop();
    }
  });

  it("A broken connection to a jump host ends the operation at once, and the next one reconnects", async () => {
    const proxy = await new CuttingProxy(given(first).port).start();
    try {
      const managed = target({ ...byFirst(), port: proxy.port });
      const broken = inSession(managed, async (session) => {
        setTimeout(() => session.connection.socket.resetAndDestroy(), 200);
        return session.exec("sleep 30");
      });
      await fails(broken, "session", "session", /was lost/);
      assert.equal((await hello(managed)).said, "hello\n");
      proxy.limit = 4000;
      closeIdleSessions();
      const error = await hello(managed).catch((reason: Error) => reason);
      assert.ok(error instanceof Error);
      assert.doesNotMatch(error.message, /[\r\n]/);
      proxy.limit = Number.POSITIVE_INFINITY;
      assert.equal((await hello(managed)).said, "hello\n");
    } finally {
      closeIdleSessions();
      await proxy.stop();
    }
  });

  it("A session that ends behind a working jump host is noticed", async () => {
    const managed = target(byFirst());
    const lost = inSession(managed, async (session) => {
      await session.exec("kill -9 $PPID");
      return session.exec("echo still here");
    });
    await fails(lost, "session", "session", /was lost/);
    assert.equal((await hello(managed)).said, "hello\n");
  });

  it("Sessions are never shared between different jump hosts", async () => {
    await hello(target(byFirst()));
    await fails(
      hello(target({ ...byFirst(), password: "not that one" })),
      "authentication",
      "authentication",
      /proxyJump/,
    );
    const log = await given(first).logDuring(() => hello(target(undefined)));
    assert.doesNotMatch(log, /Accepted/);
  });

  it("Many accounts behind one jump host are reached at once", async () => {
    const open = await Sshd.start(host);
    const accounts = Array.from({ length: 8 }, () => host.account());
    try {
      const names = await Promise.all(
        accounts.map((each) =>
          inSession({ ...open.target(each), proxyJump: byFirst() }, async (session) =>
            (await session.exec("id -un"))?.stdout.toString().trim(),
          ),
        ),
      );
      assert.deepEqual(
        names,
        accounts.map(({ username }) => username),
      );
    } finally {
      closeIdleSessions();
      await open.stop();
    }
  });
});
