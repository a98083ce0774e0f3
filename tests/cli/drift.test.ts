import { strict as assert } from "node:assert";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PendingCreates } from "../../provider/pendingCreates";
import * as borgbase from "../../sdk";
import { startAccount } from "../support/account";
import { killBelow, until } from "../support/processes";
import { MAIN } from "../support/project";
import { TestStack } from "../support/stack";

const PUBLIC_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGB4RQlFh1wpXyGPjkKSBQBZwTRf+tSu8ZvFBrSkX3fQ";

async function runDrift(stack: TestStack, ...args: string[]): Promise<{ code: number; out: string }> {
  try {
    const { stdout } = await stack.run(process.execPath, MAIN, "drift", ...args);
    return { code: 0, out: stdout };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { code, out: stdout + stderr };
  }
}

describe("pulumi-borgbase drift", function () {
  this.timeout(600_000);
  let account: Awaited<ReturnType<typeof startAccount>>;
  let stack: TestStack;
  let repoId: string;

  before(async () => {
    account = await startAccount();
    stack = await TestStack.create(async () => {
      const pair = new borgbase.KeyPair("web");
      const key = new borgbase.SshKey("web", { publicKey: pair.publicKey });
      new borgbase.Repo("web", { region: "eu", fullAccessKeys: [key.id], alertDays: 2 });
      new borgbase.Repo("old", { region: "eu" });
    }, account.env);
    const up = await stack.up();
    assert.ok(up.ok, up.output);
    repoId = String((await stack.resource("Repo", "web"))?.id);
  });
  after(async () => {
    await stack.close();
    await account.emulator.close();
  });

  const drift = (...args: string[]) => runDrift(stack, ...args);

  it("The drift command exits with 0 without drift, also after a backup and changes of undeclared arguments", async () => {
    account.emulator.control.setContent(repoId, { currentUsage: 10, lastModified: "2026-11-20T10:00:00Z" });
    account.emulator.control.setVariants({ newer: true });
    await account.console.edit(repoId, "sftpEnabled: true");
    assert.deepEqual(await drift(), { code: 0, out: "Nothing has drifted.\n" });
    assert.deepEqual(JSON.parse((await drift("--json")).out), {
      status: "clean",
      drifted: [],
      orphans: [],
      errors: [],
    });
  });

  it("The drift command works in a folder below the project's", async () => {
    const below = mkdtempSync(join(stack.environment.cwd, "below-"));
    try {
      assert.deepEqual(await drift("--cwd", below), { code: 0, out: "Nothing has drifted.\n" });
    } finally {
      rmSync(below, { recursive: true });
    }
  });

  it("The drift command exits with 2 after drift and names the property and the missing resource", async () => {
    await account.console.edit(repoId, "alertDays: 0");
    await account.console.deleteRepo(String((await stack.resource("Repo", "old"))?.id));
    const { code, out } = await drift();
    assert.equal(code, 2, out);
    assert.match(out, /^Type +Name +Property +State +Actual$/m);
    assert.match(out, /^borgbase:index:Repo +web +alertDays +2 +0$/m);
    assert.match(out, /^borgbase:index:Repo +old +exists +gone$/m);
    const json = JSON.parse((await drift("--json")).out);
    assert.equal(json.status, "drifted");
    assert.deepEqual(json.drifted.find((each: { name: string }) => each.name === "web").properties, [
      { property: "alertDays", state: 2, actual: 0 },
    ]);
    assert.ok((await stack.up({ refresh: true })).ok);
    assert.equal((await drift()).code, 0);
  });

  it("The drift command exits with 1 and one line per reason when it cannot check", async () => {
    stack.env = { BORGBASE_TOKEN: "no-such-token" };
    const { code, out } = await drift();
    assert.equal(code, 1);
    assert.match(out, /could not be told/);
    assert.match(out, /refused the token in the environment variable BORGBASE_TOKEN/);
    assert.ok(!out.includes("no-such-token"));
    assert.doesNotMatch(out, /^\s+at /m);
    assert.equal(JSON.parse((await drift("--json")).out).status, "unknown");
    assert.equal((await drift("--cwd", "/nonexistent")).code, 1);
  });

  it("The drift command reports a missing or failing Pulumi CLI and a missing folder in one line each", () => {
    const folder = mkdtempSync(join(tmpdir(), "borgbase-no-cli-"));
    try {
      const reasonOf = (cwd: string) => {
        const args = [MAIN, "drift", "--cwd", cwd, "--json"];
        const env = { PATH: folder, HOME: folder };
        const { status, stdout, stderr } = spawnSync(process.execPath, args, { env, encoding: "utf8" });
        assert.deepEqual([status, stderr], [1, ""]);
        return JSON.parse(stdout).errors;
      };
      writeFileSync(join(folder, "Pulumi.yaml"), "name: without\nruntime: nodejs\n");
      assert.match(String(reasonOf(folder)), /^there is no pulumi on the PATH: install the Pulumi CLI \(https:.*\)/);
      writeFileSync(join(folder, "pulumi"), "no program", { mode: 0o644 });
      assert.match(String(reasonOf(folder)), /^the pulumi on the PATH cannot be started \(EACCES\)/);
      const missing = join(folder, "missing");
      assert.deepEqual(reasonOf(missing), [`there is no folder ${missing}: name the project's with --cwd`]);
      const file = join(folder, "Pulumi.yaml");
      assert.deepEqual(reasonOf(file), [`there is no folder ${file}: name the project's with --cwd`]);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it("The drift command leaves the selection of a stack as it is", async () => {
    const selected = async () => {
      const { stdout } = await stack.run("sh", "-c", "pulumi stack ls --json");
      return JSON.parse(stdout).filter(({ current }: { current: boolean }) => current);
    };
    await stack.run("sh", "-c", "pulumi stack unselect");
    await drift();
    assert.deepEqual(await selected(), []);
  });

  it("The drift command exits with 64 for a wrong command line", async () => {
    assert.equal((await drift("--sideways")).code, 64);
  });
});

describe("pulumi-borgbase drift after a killed run", function () {
  this.timeout(600_000);
  let account: Awaited<ReturnType<typeof startAccount>>;
  let stack: TestStack;
  let args: borgbase.RepoArgs | undefined;
  const drift = (...options: string[]) => runDrift(stack, ...options);

  before(async () => {
    account = await startAccount();
  });
  after(async () => account.emulator.close());
  beforeEach(async () => {
    await account.emulator.control.reset();
    stack = await TestStack.create(async () => {
      new borgbase.SshKey("web", { publicKey: PUBLIC_KEY });
      if (args) new borgbase.Repo("web", args);
    }, account.env);
    args = undefined;
    await up();
    args = { region: "eu" };
  });
  afterEach(async () => stack.close());

  async function up() {
    const run = await stack.up();
    assert.ok(run.ok, run.output);
  }

  async function upKilledAfter(operation: string) {
    account.emulator.control.resetCounters();
    account.emulator.control.addFault({ operation, kind: "silence", work: true });
    const run = stack.up();
    await until(
      () => account.emulator.control.log().some(({ operations }) => operations.includes(operation)),
      120,
      `${operation} is asked for`,
    );
    assert.ok(killBelow(/dynamic-provider|pulumi (up|preview)/) > 0, "there was nothing to kill");
    assert.ok(!(await run).ok);
    await stack.recover();
  }

  const orphan = async (toldBy: string) => ({
    type: "borgbase:index:Repo",
    name: "web",
    id: (await account.console.repos())[0]?.id,
    toldBy,
  });

  it("The drift command lists an orphan of a killed run until the next up adopts it", async () => {
    await upKilledAfter("repoAdd");
    const { code, out } = await drift();
    assert.equal(code, 2, out);
    const { id } = await orphan("name");
    assert.match(out, /^Type +Name +In the account +Told by$/m);
    assert.match(out, new RegExp(`^borgbase:index:Repo +web +${id} +name$`, "m"));
    assert.match(out, /^1 object .*`pulumi up` takes up .*existingId/m);
    const { status, drifted, orphans } = JSON.parse((await drift("--json")).out);
    assert.deepEqual({ status, drifted, orphans }, { status: "drifted", drifted: [], orphans: [await orphan("name")] });
    await up();
    assert.deepEqual(await drift(), { code: 0, out: "Nothing has drifted.\n" });
  });

  it("The drift command lists an orphan by its id, also without the resource in the program, until its deletion", async () => {
    await upKilledAfter("repoAdd");
    args = { region: "eu", alertDays: 3 };
    await upKilledAfter("repoEdit");
    args = undefined;
    await up();
    const { code, out } = await drift("--json");
    assert.equal(code, 2, out);
    const expected = await orphan("id");
    assert.deepEqual(JSON.parse(out).orphans, [expected]);
    await account.console.deleteRepo(String(expected.id));
    assert.deepEqual(await drift(), { code: 0, out: "Nothing has drifted.\n" });
  });

  it("The drift command omits objects adopted with existingId and orphans of other stacks", async () => {
    await upKilledAfter("repoAdd");
    const { id } = await orphan("name");
    const { repoAdd } = await account.console.ask<{ repoAdd: { repoAdded: { id: string } } }>(
      'mutation { repoAdd(name: "other", region: "eu") { repoAdded { id } } }',
    );
    const origin = "borgbase-test/another/web";
    const addition = { origin, kind: "Repo", args: { name: "other" }, before: [], id: repoAdd.repoAdded.id };
    new PendingCreates(account.emulator.endpoint).record(addition);
    args = { region: "eu", existingId: String(id) };
    await up();
    assert.equal((await drift()).code, 0);
  });
});
