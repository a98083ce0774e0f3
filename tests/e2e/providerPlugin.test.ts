import { strict as assert } from "node:assert";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import * as borgbase from "../../sdk";
import { startAccount } from "../support/account";
import { TestStack } from "../support/stack";
import { installPlugin } from "../support/standInPlugin";

/** A resource as the SDK of a plugin declares it: a token and arguments, without the dynamic host. */
class Plain extends pulumi.CustomResource {
  declare readonly repoPath: pulumi.Output<string>;
  declare readonly publicKey: pulumi.Output<string>;

  constructor(type: string, name: string, args: object, opts?: pulumi.CustomResourceOptions) {
    const secrets = { additionalSecretOutputs: ["privateKey", "passphrase", "resticUrl", "htpasswd"] };
    const outputs = { repoPath: undefined, publicKey: undefined };
    super(`borgbase:index:${type}`, name, { ...outputs, ...args }, pulumi.mergeOptions(secrets, opts));
  }
}

describe("State of the dynamic host in a provider plugin", function () {
  this.timeout(600_000);
  let account: Awaited<ReturnType<typeof startAccount>>;
  let stack: TestStack;
  const folder = mkdtempSync(join(tmpdir(), "borgbase-plugin-"));

  before(async () => {
    account = await startAccount();
    installPlugin(folder);
  });
  after(async () => {
    await account.emulator.close();
    rmSync(folder, { recursive: true });
  });
  afterEach(async () => stack.close());

  it("The state moves to a plugin of the same tokens with updates in place, no mutation and no later change", async () => {
    const dynamic = async () => {
      const pair = new borgbase.KeyPair("pair", { comment: "root@web" });
      const key = new borgbase.SshKey("web", { publicKey: pair.publicKey });
      const repo = new borgbase.Repo("web", { region: "eu", alertDays: 2, appendOnlyKeys: [key.id] });
      return { publicKey: pair.publicKey, path: repo.repoPath };
    };
    const plain = (alertDays: number) => async () => {
      const pair = new Plain("KeyPair", "pair", { comment: "root@web" });
      const key = new Plain("SshKey", "web", { publicKey: pair.publicKey });
      const repo = new Plain("Repo", "web", { region: "eu", alertDays, appendOnlyKeys: [key.id] });
      return { publicKey: pair.publicKey, path: repo.repoPath };
    };
    const up = async () => {
      const run = await stack.up();
      assert.ok(run.ok, run.output);
      return run.steps;
    };
    const plugins = { providers: [{ name: "borgbase", path: folder, version: "0.0.1" }] };
    stack = await TestStack.create(dynamic, account.env, {}, plugins);
    await up();
    const values = async () => {
      const { publicKey, path } = await stack.outputs();
      const { deployment } = await stack.state();
      const ids = deployment.resources.filter(({ type }) => type.startsWith("borgbase:")).map(({ id }) => id);
      return { publicKey: publicKey?.value, path: path?.value, ids };
    };
    const before = await values();
    account.mutations();

    stack.program = plain(2);
    const preview = await stack.preview();
    assert.ok(preview.ok, preview.output);
    for (const steps of [preview.steps, await up()]) {
      assert.deepEqual([...new Set(steps.map(({ op }) => op))], ["update"]);
    }
    assert.deepEqual(await values(), before);
    const { deployment } = await stack.state();
    const providers = deployment.resources.filter(({ type }) => type.startsWith("pulumi:providers:"));
    assert.deepEqual(
      providers.map(({ type }) => type),
      ["pulumi:providers:borgbase"],
    );
    assert.ok(!JSON.stringify(deployment.resources).includes("__provider"));
    assert.match(JSON.stringify((await stack.resource("KeyPair", "pair"))?.outputs?.privateKey), /"ciphertext":"v1:/);

    const drift = await stack.drift();
    assert.ok(drift.ok, drift.output);
    assert.deepEqual(await up(), []);
    assert.deepEqual(account.mutations(), []);

    stack.program = plain(9);
    assert.deepEqual(await up(), [{ op: "update", type: "Repo", name: "web", diffs: ["alertDays"] }]);
    assert.deepEqual(account.mutations(), ["repoEdit"]);
    assert.ok((await stack.destroy()).ok);
    assert.deepEqual(account.mutations().sort(), ["repoDelete", "sshDelete"]);
  });
});
