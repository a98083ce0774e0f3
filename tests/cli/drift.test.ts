import { strict as assert } from "node:assert";
import { join } from "node:path";
import * as borgbase from "../../sdk";
import { startAccount } from "../support/account";
import { TestStack } from "../support/stack";

const MAIN = join(__dirname, "../../cli/main.js");

describe("pulumi-borgbase drift", function () {
  this.timeout(180_000);
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

  async function drift(...args: string[]): Promise<{ code: number; out: string }> {
    try {
      const { stdout } = await stack.run(process.execPath, MAIN, "drift", ...args);
      return { code: 0, out: stdout };
    } catch (error) {
      const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
      return { code, out: stdout + stderr };
    }
  }

  it("exits with 0 when nothing has drifted, also after a backup and changes of what was not declared", async () => {
    account.emulator.control.setContent(repoId, { currentUsage: 10, lastModified: "2026-11-20T10:00:00Z" });
    account.emulator.control.setVariants({ newer: true });
    await account.console.edit(repoId, "sftpEnabled: true");
    assert.deepEqual(await drift(), { code: 0, out: "Nothing has drifted.\n" });
    assert.deepEqual(JSON.parse((await drift("--json")).out), { status: "clean", drifted: [], errors: [] });
  });

  it("exits with 2 when something has drifted, and names the property and what is gone", async () => {
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

  it("exits with 1 and one line per reason when it cannot tell", async () => {
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

  it("does not take a wrong command line for drift", async () => {
    assert.equal((await drift("--sideways")).code, 64);
  });
});
