import { strict as assert } from "node:assert";
import * as pulumi from "@pulumi/pulumi";
import { generate, type KeyMaterial } from "../../provider/ssh/keys";
import * as borgbase from "../../sdk";
import { type TestAccount, TestHost } from "../provider/ssh/support/accounts";
import { freePort, Sshd } from "../provider/ssh/support/sshd";
import { assertOneLineError, holds } from "../support/output";
import { authorizedKeys, byPassword, SshStack, worked } from "../support/sshStack";
import { TestStack } from "../support/stack";

describe("SshConnection through jump hosts with the real CLI", function () {
  this.timeout(600_000);
  let host: TestHost;
  let servers: Sshd[];
  let jumps: TestAccount[];
  let stack: SshStack;
  let key: KeyMaterial;
  let jumpKey: KeyMaterial;
  const server = (index: number) => servers[index] as Sshd;

  before(async () => {
    host = new TestHost();
    [key, jumpKey] = await Promise.all([generate(), generate()]);
    jumps = [host.account(), host.account()];
    servers = await Promise.all([0, 1, 2].map(() => Sshd.start(host)));
  });
  after(async () => {
    await Promise.all((servers ?? []).map((each) => each.stop()));
    host?.remove();
  });
  afterEach(async () => stack?.close());

  const hop = (index: number, more: Partial<borgbase.JumpHost> = {}): borgbase.JumpHost => {
    const { timeout: _, ...where } = byPassword(server(index), jumps[index] as TestAccount);
    return { ...where, ...more };
  };

  it("SshConnection is deployed, refreshed and destroyed through one and two jump hosts without showing a secret", async () => {
    stack = await SshStack.create();
    const [one, two] = [host.account(), host.account()];
    const pair = { publicKey: key.publicKey, privateKey: key.privateKey };
    const through = (...hops: borgbase.JumpHost[]) => ({
      one: { ...byPassword(server(2), one), ...pair, proxyJump: hops[0] as borgbase.JumpHost },
      two: { ...byPassword(server(2), two), ...pair, proxyJump: hops },
    });
    const outputs: string[] = [];
    const log = await server(1).logDuring(async () => {
      outputs.push((await stack.up(through(hop(0), hop(1)))).output);
    });
    assert.equal(log.match(/^Accepted password/gm)?.length, 2, "of one connection, whose proof goes that way too");
    for (const name of ["one", "two"]) assert.equal((await stack.outputs(name))?.status, "connected");
    assert.deepEqual([authorizedKeys(one), authorizedKeys(two)], [`${key.publicKey}\n`, `${key.publicKey}\n`]);
    assert.equal(await stack.drift(), "");

    const changed = through(hop(0, { agent: false }), hop(1));
    for (const index of [0, 1, 2]) {
      const contacts = await server(index).logDuring(async () => {
        outputs.push((await stack.up(index === 0 ? changed : through(hop(0), hop(1)))).output);
      });
      assert.equal(contacts, "", "another way there is no reason to contact a host");
    }
    outputs.push(JSON.stringify(await stack.stack.state()));
    outputs.push((await stack.destroy()).output);
    assert.deepEqual([authorizedKeys(one), authorizedKeys(two)], ["", ""]);
    for (const secret of [...jumps, one, two].map(({ password }) => password)) {
      for (const output of outputs) assert.ok(!holds(output, secret), output);
    }
  });

  it("SshConnection fails in one line that names a wrong jump host, before it sends a secret there", async () => {
    stack = await SshStack.create();
    const account = host.account();
    const seen = server(1).hostKeys[0]?.fingerprintSha256 ?? "";
    const deployed = (...proxyJump: borgbase.JumpHost[]) =>
      stack.tryUp({ box: { ...byPassword(server(2), account), publicKey: key.publicKey, proxyJump } });
    const port = await freePort();
    const { hostKey: _, ...unpinned } = hop(1);
    const cases: [hop: borgbase.JumpHost, text: RegExp][] = [
      [hop(1, { hostKey: jumpKey.fingerprintSha256 }), /proxyJump\[1\] 127.* \(hostKey\): .* is expected/],
      [unpinned, /proxyJump\[1\] 127.* \(hostKey\): .*nothing says whether that is right/],
      [hop(1, { port }), /proxyJump\[1\] 127.* \(connect\): proxyJump\[0\] 127.* cannot connect to .*refused/],
      [hop(1, { password: "not that one" }), /proxyJump\[1\] 127.* \(authentication\): .* refused the login of/],
      [hop(1, { port: 0 }), /proxyJump\[1\]\.port must be a whole number/],
    ];
    for (const [wrong, text] of cases) {
      const log = await server(1).logDuring(async () => {
        const run = await deployed(hop(0), wrong);
        assertOneLineError(run, text);
        if (/hostKey/.test(text.source)) assert.ok(run.output.includes(seen), run.output);
        for (const { password } of [account, ...jumps]) assert.ok(!holds(run.output, password));
        assert.ok(!run.output.includes("not that one"));
      });
      if (!/authentication/.test(text.source)) assert.doesNotMatch(log, /Accepted|Failed|user ssht/);
    }
    assert.doesNotMatch(server(2).log(), new RegExp(account.username));
    assert.equal(authorizedKeys(account), undefined);
  });

  it("getStorage and testConnection use jump hosts and name the one that fails", async () => {
    const account = host.account();
    const where = byPassword(server(2), account);
    const program = async () => {
      const proxyJump = [hop(0), { ...hop(1), password: pulumi.secret(hop(1).password ?? "") }];
      const wrong = [hop(0, { password: "not that one" })];
      return {
        storage: borgbase.getStorageOutput({ ...where, proxyJump }),
        test: await borgbase.testConnection({ ...where, proxyJump: hop(0) }),
        failed: await borgbase.testConnection({ ...where, proxyJump: wrong }),
      };
    };
    const own = await TestStack.create(program, {});
    try {
      const run = worked(await own.up());
      const { storage, test, failed } = await own.outputs();
      assert.ok(storage?.value.total > 0);
      assert.deepEqual([test?.value.status, test?.value.access], ["connected", "shell"]);
      assert.deepEqual([failed?.value.status, failed?.value.phase], ["failed", "authentication"]);
      assert.match(failed?.value.error, /^proxyJump\[0\] 127.* \(authentication\): .*refused the login/);
      for (const { password } of [account, ...jumps]) assert.ok(!holds(run.output, password));
    } finally {
      await own.close();
    }
  });
});
