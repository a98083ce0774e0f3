import { strict as assert } from "node:assert";
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as borgbase from "../../sdk";
import { startAccount } from "../support/account";
import { killBelow, until } from "../support/processes";
import { TestStack } from "../support/stack";

describe("Killed runs", function () {
  this.timeout(600_000);
  let account: Awaited<ReturnType<typeof startAccount>>;
  let stack: TestStack;
  let alertDays: number;
  /** False: the program declares the key pair alone. */
  let whole: boolean;
  /** A separate `PULUMI_HOME` of one test. */
  let home: string | undefined;

  before(async () => {
    account = await startAccount();
  });
  after(async () => account.emulator.close());
  beforeEach(async () => {
    await account.emulator.control.reset();
    alertDays = 1;
    whole = true;
    stack = await TestStack.create(program, account.env);
  });
  afterEach(async () => {
    await stack.close();
    if (home) rmSync(home, { recursive: true, force: true });
    home = undefined;
  });

  async function program() {
    const pair = new borgbase.KeyPair("web");
    if (!whole) return;
    const key = new borgbase.SshKey("web", { publicKey: pair.publicKey });
    new borgbase.Repo("web", { region: "eu", fullAccessKeys: [key.id], alertDays });
  }

  /** Runs `up` and kills `victims` after the server has done `operation` and before it answers. */
  async function upKilledAfter(operation: string, victims: RegExp) {
    account.emulator.control.addFault({ operation, kind: "silence", work: true });
    const run = stack.up();
    await until(
      () => account.emulator.control.log().some((request) => request.operations.includes(operation)),
      120,
      `${operation} is asked for`,
    );
    assert.ok(killBelow(victims) > 0, "there was nothing to kill");
    assert.ok(!(await run).ok);
    await stack.recover();
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
      it(`A run creates no duplicate after the kill of ${who} behind ${operation}`, async () => {
        await upKilledAfter(operation, victims);
        await assertAsDeclared();
      });
    }
  }

  /** Simulates a CLI killed while it writes its state: an empty state file and the backup. */
  async function leaveEmptyState(backup?: string) {
    if (backup !== undefined) writeFileSync(`${stack.file}.bak`, backup);
    truncateSync(stack.file);
    const { ok, output } = await stack.up();
    assert.deepEqual([ok, /failed to load checkpoint|EOF/.test(output)], [false, true], output);
    await stack.recover();
  }

  it("A run creates no duplicate when the backup replaces an empty state", async () => {
    assert.ok((await stack.up()).ok);
    await leaveEmptyState();
    await assertAsDeclared();
  });

  it("A run creates no duplicate when the backup is older than the last checkpoint", async () => {
    // The program runs in this process, without the CLI's environment, and confirms the creates.
    await stack.setConfig("borgbase:endpoint", account.emulator.endpoint);
    whole = false;
    assert.ok((await stack.up()).ok);
    const before = readFileSync(stack.file, "utf8");
    whole = true;
    // The other repository gets no answer, so that only the kill ends the run.
    account.emulator.control.addFault({ operation: "repoAdd", kind: "silence", work: true, count: null });
    const run = stack.up();
    await until(() => /borgbase:index:SshKey::web/.test(readFileSync(stack.file, "utf8")), 120, "the key is saved");
    await until(
      () => account.emulator.control.log().some((request) => request.operations.includes("repoAdd")),
      120,
      "repoAdd is asked for",
    );
    assert.ok(killBelow(/dynamic-provider|pulumi (up|preview)/) > 0, "there was nothing to kill");
    assert.ok(!(await run).ok);
    account.emulator.control.clearFaults();
    await stack.recover();
    await leaveEmptyState(before);
    assert.equal(await stack.resource("SshKey", "web"), undefined);
    await assertAsDeclared();
  });

  it("A run after a kill applies arguments that changed since", async () => {
    await upKilledAfter("repoAdd", /dynamic-provider|pulumi (up|preview)/);
    alertDays = 5;
    await assertAsDeclared();
  });

  it("A run without pending creates, as on another machine, names the possible duplicate", async () => {
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

  it("A run creates no duplicate after a kill with PULUMI_SKIP_CHECKPOINTS", async () => {
    // The engine inherits the variable. The program runs in this process, without the CLI's environment.
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
