import { strict as assert } from "node:assert";
import { execFileSync } from "node:child_process";
import * as pulumi from "@pulumi/pulumi";
import { generate, type KeyMaterial } from "../../provider/ssh/keys";
import * as borgbase from "../../sdk";
import { type TestAccount, TestHost } from "../provider/ssh/support/accounts";
import { FaultServer } from "../provider/ssh/support/faultServer";
import { freePort, Sshd } from "../provider/ssh/support/sshd";
import { assertOneLineError, holds } from "../support/output";
import { byPassword, worked } from "../support/sshStack";
import { TestStack } from "../support/stack";

describe("getStorage and testConnection through the real CLI", function () {
  this.timeout(600_000);
  let host: TestHost;
  let sshd: Sshd;
  let stack: TestStack;
  let key: KeyMaterial;
  let shell: TestAccount;
  let box: TestAccount;
  let program: pulumi.automation.PulumiFn;

  before(async () => {
    host = new TestHost();
    [shell, box] = [host.account(), host.account({ shell: host.boxShell() })];
    sshd = await Sshd.start(host);
    key = await generate();
  });
  after(async () => {
    await sshd?.stop();
    host?.remove();
  });
  beforeEach(async () => {
    stack = await TestStack.create(() => program(), {});
  });
  afterEach(async () => stack.close());

  it("getStorage and testConnection return space and access of a shell and a storage box, and no secret", async () => {
    program = async () => {
      const { publicKey, privateKey } = key;
      const [inShell, inBox] = [byPassword(sshd, shell), byPassword(sshd, box)];
      const deployed = new borgbase.SshConnection("box", { ...inBox, publicKey, privateKey });
      const byKey = {
        host: deployed.host,
        port: deployed.port,
        username: deployed.username,
        hostKey: deployed.knownHosts,
        privateKey: pulumi.secret(privateKey),
      };
      return {
        promised: [await borgbase.getStorage({ ...inShell, path: "/" }), await borgbase.testConnection(inShell)],
        storage: borgbase.getStorageOutput(byKey),
        connection: borgbase.testConnectionOutput(byKey),
      };
    };
    const preview = worked(await stack.preview());
    assert.doesNotMatch(sshd.log(), new RegExp(box.username), "waits for the key to be deployed");
    const run = worked(await stack.up());
    const { promised, storage, connection } = await stack.outputs();
    const [space, test] = promised?.value ?? [];
    const [, total] = execFileSync("df", ["-kP", "/"], { encoding: "utf8" }).split("\n")[1]?.split(/ +/) ?? [];
    assert.equal(space.total, Number(total) * 1024);
    assert.ok(space.used + space.available <= space.total && space.percentUsed > 0 && space.percentUsed <= 100);
    assert.deepEqual([storage?.value.total > 0, storage?.secret], [true, true], "secret like the key that asked");
    const borg = execFileSync("borg", ["--version"], { encoding: "utf8" }).trim().split(" ")[1];
    const { latencyMs, ...result } = test;
    assert.deepEqual(result, { status: "connected", phase: "session", access: "shell", remoteBorgVersion: borg });
    assert.ok(latencyMs > 0 && latencyMs < 30_000);
    assert.deepEqual(
      [connection?.value.status, connection?.value.access, connection?.value.remoteBorgVersion],
      ["connected", "restricted", borg],
    );
    const texts = [preview.output, run.output, JSON.stringify(await stack.state())];
    for (const text of texts) {
      for (const secret of [shell.password, box.password, key.privateKey]) assert.ok(!holds(text, secret), text);
    }
  });

  it("getStorage and testConnection name the failed step and throw only for unusable arguments", async () => {
    const [silent, port] = [await new FaultServer().start(), await freePort()];
    silent.authenticate = () => {};
    const where = byPassword(sshd, shell);
    const failing: Record<string, [Partial<borgbase.Where>, RegExp]> = {
      resolve: [{ host: "no-such-host.invalid" }, /no-such-host\.invalid/],
      connect: [{ port }, /nothing listens there/],
      hostKey: [{ hostKey: `SHA256:${"A".repeat(43)}` }, /presented the host key .* is expected/],
      authentication: [{ password: "not that one" }, /refused the login .*tried once each: the password/],
    };
    const late = silent.target();
    program = async () => ({
      ...Object.fromEntries(
        await Promise.all(
          Object.entries(failing).map(async ([phase, [change]]) => [
            phase,
            await borgbase.testConnection({ ...where, ...change }),
          ]),
        ),
      ),
      late: await borgbase.testConnection({ ...where, port: late.port, hostKey: String(late.hostKey), timeout: 1 }),
    });
    try {
      const run = worked(await stack.up());
      const { late: timedOut, ...outputs } = await stack.outputs();
      for (const [phase, { value }] of Object.entries(outputs)) {
        assert.deepEqual([value.status, value.phase], ["failed", phase]);
        assert.match(value.error, failing[phase]?.[1] ?? /^$/);
      }
      assert.equal(timedOut?.value.phase, "authentication");
      assert.match(timedOut?.value.error, /did not answer within 1 s, while logging in/);
      assert.ok(!run.output.includes("not that one") && !holds(run.output, shell.password));
    } finally {
      await silent.stop();
    }
    const { hostKey: _, ...unpinned } = where;
    const bad: [pulumi.automation.PulumiFn, RegExp][] = [
      [
        async () => void (await borgbase.getStorage({ ...where, port })),
        /getStorage: cannot connect to .*nothing listens/,
      ],
      [
        async () => void (await borgbase.testConnection(unpinned as borgbase.Where)),
        /testConnection: hostKey is required: a SHA256/,
      ],
      [
        async () => ({ a: borgbase.getStorageOutput({ ...where, privateKey: "-----BEGIN junk", port: 0 }).total }),
        /getStorage: port: must be a whole number from 1 to 65535/,
      ],
    ];
    for (const [wrong, pattern] of bad) {
      program = wrong;
      const run = await stack.preview();
      assertOneLineError(run, pattern);
      assert.ok(!holds(run.output, shell.password) && !run.output.includes("BEGIN junk"));
    }
  });
});
