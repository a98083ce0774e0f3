import { strict as assert } from "node:assert";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as borgbase from "../../sdk";
import { startAccount } from "../support/account";
import { killBelow, until } from "../support/processes";
import { TestStack } from "../support/stack";

describe("A run that is killed", function () {
  this.timeout(180_000);
  let account: Awaited<ReturnType<typeof startAccount>>;
  let stack: TestStack;
  let alertDays: number;
  /** `PULUMI_HOME`, where a test has one of its own. */
  let home: string | undefined;

  before(async () => {
    account = await startAccount();
  });
  after(async () => account.emulator.close());
  beforeEach(async () => {
    await account.emulator.control.reset();
    alertDays = 1;
    stack = await TestStack.create(program, account.env);
  });
  afterEach(async () => {
    await stack.close();
    if (home) rmSync(home, { recursive: true, force: true });
    home = undefined;
  });

  async function program() {
    const pair = new borgbase.KeyPair("web");
    const key = new borgbase.SshKey("web", { publicKey: pair.publicKey });
    new borgbase.Repo("web", { region: "eu", fullAccessKeys: [key.id], alertDays });
  }

  /** Runs `up` and kills what `victims` says once the server has done `operation` and has not answered yet. */
  async function upKilledAfter(operation: string, victims: RegExp) {
    account.emulator.control.addFault({ operation, kind: "silence", work: true });
    const run = stack.up();
    await until(
      () => account.emulator.control.log().some((request) => request.operations.includes(operation)),
      60,
      `${operation} is asked for`,
    );
    assert.ok(killBelow(victims) > 0, "there was nothing to kill");
    assert.ok(!(await run).ok);
    // What a person does whose terminal died: the file backend keeps the lock of a killed CLI.
    await stack.cli("cancel", "--yes").catch(() => {});
  }

  async function assertAsDeclared() {
    const run = await stack.up();
    assert.ok(run.ok, run.output);
    const [keys, repos] = [await account.console.keys(), await account.console.repos()];
    assert.deepEqual([keys.length, repos.length], [1, 1]);
    assert.equal(repos[0]?.alertDays, alertDays);
    assert.deepEqual(repos[0]?.fullAccessKeys, [keys[0]?.id]);
    assert.equal((await stack.resource("Repo", "web"))?.id, repos[0]?.id);
    assert.ok((await stack.drift()).ok);
    account.mutations();
    assert.deepEqual((await stack.up()).steps, []);
    assert.deepEqual(account.mutations(), []);
  }

  for (const operation of ["sshAdd", "repoAdd"]) {
    for (const [who, victims] of [
      ["the CLI and the provider", /dynamic-provider|pulumi (up|preview)/],
      ["the provider", /dynamic-provider/],
    ] as const) {
      it(`leaves nothing twice when ${who} died after the server had done ${operation}`, async () => {
        await upKilledAfter(operation, victims);
        await assertAsDeclared();
      });
    }
  }

  it("is brought to what the program says by then", async () => {
    await upKilledAfter("repoAdd", /dynamic-provider|pulumi (up|preview)/);
    alertDays = 5;
    await assertAsDeclared();
  });

  it("is told of by the next run where nothing is remembered, as on another machine", async () => {
    home = mkdtempSync(join(tmpdir(), "borgbase-home-"));
    await stack.close();
    stack = await TestStack.create(program, { ...account.env, PULUMI_HOME: home });
    await upKilledAfter("repoAdd", /dynamic-provider|pulumi (up|preview)/);
    const [left] = await account.console.repos();
    rmSync(join(home, "borgbase"), { recursive: true });
    const run = await stack.up();
    assert.ok(run.ok, run.output);
    assert.match(run.output, new RegExp(`an unused one just like it before: ${left?.id}\\.`));
    assert.equal((await account.console.repos()).length, 2);
  });

  it("leaves nothing twice when it had saved nothing of what it did, with PULUMI_SKIP_CHECKPOINTS", async () => {
    // For the engine, which inherits it, and for the program, which runs in this process and has not the CLI's environment.
    await stack.setConfig("borgbase:endpoint", account.emulator.endpoint);
    process.env.PULUMI_SKIP_CHECKPOINTS = "true";
    try {
      await upKilledAfter("repoAdd", /dynamic-provider|pulumi (up|preview)/);
    } finally {
      delete process.env.PULUMI_SKIP_CHECKPOINTS;
    }
    assert.equal(await stack.resource("SshKey", "web"), undefined);
    assert.equal((await account.console.keys()).length, 1);
    await assertAsDeclared();
  });
});
