import { strict as assert } from "node:assert";
import {
  ComponentResource,
  type CustomResourceOptions,
  mergeOptions,
  type ResourceTransformationArgs,
  runtime,
} from "@pulumi/pulumi";
import * as borgbase from "../../sdk";
import { startAccount } from "../support/account";
import { assertOneLineError } from "../support/output";
import { TestStack } from "../support/stack";

const PUBLIC_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGB4RQlFh1wpXyGPjkKSBQBZwTRf+tSu8ZvFBrSkX3fQ";

describe("Pulumi's resource options", function () {
  this.timeout(600_000);
  let account: Awaited<ReturnType<typeof startAccount>>;
  let stack: TestStack;
  let args: borgbase.RepoArgs;
  let opts: CustomResourceOptions;
  /** Other resources of the program. */
  let more: () => void;

  before(async () => {
    account = await startAccount();
  });
  after(async () => account.emulator.close());
  beforeEach(async () => {
    await account.emulator.control.reset();
    args = { region: "eu" };
    opts = {};
    more = () => {};
    stack = await TestStack.create(async () => {
      const repo = new borgbase.Repo("web", args, opts);
      more();
      return { path: repo.repoPath };
    }, account.env);
  });
  afterEach(async () => stack.close());

  async function up(...options: Parameters<TestStack["up"]>) {
    const run = await stack.up(...options);
    assert.ok(run.ok, run.output);
    return run;
  }

  async function repoIds() {
    return (await account.console.repos()).map(({ id }) => id);
  }

  const holdBackups = (id: string | undefined) =>
    account.emulator.control.setContent(id ?? "", { currentUsage: 12.5, lastModified: "2026-11-20T10:00:00Z" });

  async function urnOf(type: string, name: string) {
    const resource = await stack.resource(type, name);
    assert.ok(resource, `${type} ${name} is not in the state`);
    return resource.urn;
  }

  it("Repo with protect is neither destroyed nor replaced until the option is removed", async () => {
    opts = { protect: true };
    await up();
    const ids = await repoIds();
    assert.match((await stack.destroy()).output, /protect/);
    args = { region: "us" };
    assert.match((await stack.up()).output, /protect/);
    assert.deepEqual(await repoIds(), ids);
    args = { region: "eu" };
    opts = { protect: false };
    await up();
    assert.ok((await stack.destroy()).ok);
    assert.deepEqual(await repoIds(), []);
  });

  it("Repo with retainOnDelete leaves the stack on destroy and stays at BorgBase with its backups", async () => {
    opts = { retainOnDelete: true };
    await up();
    const ids = await repoIds();
    holdBackups(ids[0]);
    const destroyed = await stack.destroy();
    assert.ok(destroyed.ok, destroyed.output);
    assert.deepEqual(await repoIds(), ids);
    assert.equal(await stack.resource("Repo", "web"), undefined);
  });

  it("Repo with retainOnDelete and forceDestroy is replaced, and the old repository stays with its backups", async () => {
    args = { region: "eu", forceDestroy: true };
    opts = { retainOnDelete: true };
    await up();
    const [old] = await repoIds();
    holdBackups(old);
    args = { region: "us", forceDestroy: true };
    await up();
    const ids = await repoIds();
    assert.equal(ids.length, 2);
    assert.ok(ids.includes(old ?? ""));
  });

  it("Repo with deletedWith sends no deletion when its key is deleted", async () => {
    more = () => {
      const key = new borgbase.SshKey("key", { publicKey: PUBLIC_KEY });
      new borgbase.Repo("carried", { region: "eu" }, { deletedWith: key });
    };
    await up();
    account.mutations();
    assert.ok((await stack.destroy()).ok);
    assert.deepEqual(account.mutations().sort(), ["repoDelete", "sshDelete"]);
    assert.deepEqual(
      (await account.console.repos()).map(({ name }) => name),
      ["carried"],
    );
  });

  it("Repo with ignoreChanges keeps its arguments after a change in the program and after drift", async () => {
    args = { region: "eu", alertDays: 2 };
    opts = { ignoreChanges: ["alertDays", "region"] };
    await up();
    const [id] = await repoIds();
    args = { region: "us", alertDays: 5 };
    assert.deepEqual((await up()).steps, []);
    await account.console.edit(id ?? "", "alertDays: 9");
    assert.ok((await stack.refresh()).ok);
    account.mutations();
    const { steps } = await up();
    assert.deepEqual(account.mutations(), [], JSON.stringify(steps));
    assert.deepEqual(steps, []);
    assert.equal((await account.console.repos())[0]?.alertDays, 9);
    args = { region: "us", alertDays: 5, quota: 100 };
    await up();
    const repo = (await account.console.repos())[0];
    assert.deepEqual([repo?.id, repo?.quota, repo?.alertDays], [id, 100, 9], "another argument is changed alone");
  });

  it("Repo with replaceOnChanges is replaced for a change that is otherwise made in place", async () => {
    args = { region: "eu", alertDays: 2 };
    opts = { replaceOnChanges: ["alertDays"] };
    await up();
    const [old] = await repoIds();
    account.mutations();
    args = { region: "eu", alertDays: 3 };
    await up();
    const ids = await repoIds();
    assert.deepEqual(account.mutations(), ["repoAdd", "repoDelete"]);
    assert.ok(ids.length === 1 && ids[0] !== old);

    holdBackups(ids[0]);
    args = { region: "eu", alertDays: 4 };
    assert.match((await stack.preview()).output, /holds backups .*so it is not replaced for another alertDays/);
    assert.ok(!(await stack.up()).ok);
    assert.deepEqual(await repoIds(), ids);
  });

  const COMPACTION = { interval: 1, unit: "weeks", hour: 4, timezone: "UTC" } as const;
  it("Repo with ignoreChanges on a path ignores that value and updates the rest of the argument", async () => {
    args = { region: "eu", compaction: COMPACTION };
    opts = { ignoreChanges: ['compaction["hour"]'] };
    await up();
    const [id = ""] = await repoIds();
    args = { region: "eu", compaction: { ...COMPACTION, hour: 5 } };
    assert.deepEqual((await up()).steps, []);
    await account.console.edit(id, "compactionHour: 9");
    assert.ok((await stack.refresh()).ok);
    assert.deepEqual((await up()).steps, []);
    args = { region: "eu", compaction: { ...COMPACTION, interval: 2, hour: 5 } };
    await up();
    const [repo] = await account.console.repos();
    assert.deepEqual([repo?.compactionInterval, repo?.compactionHour], [2, 9]);
    await account.console.edit(id, "compactionInterval: 3");
    assert.ok((await stack.refresh()).ok);
    await up();
    assert.equal((await account.console.repos())[0]?.compactionInterval, 2);
  });

  it("Repo with replaceOnChanges on a path is replaced for that value and updated for the rest of the argument", async () => {
    args = { region: "eu", compaction: COMPACTION };
    opts = { replaceOnChanges: ["compaction.hour"] };
    await up();
    const [old] = await repoIds();
    args = { region: "eu", compaction: { ...COMPACTION, interval: 2 } };
    await up();
    assert.deepEqual(await repoIds(), [old]);
    args = { region: "eu", compaction: { ...COMPACTION, interval: 2, hour: 5 } };
    const preview = await stack.preview();
    assert.ok(
      preview.steps.some(({ op }) => op === "replace"),
      preview.output,
    );
    await up();
    const [id, ...others] = await repoIds();
    assert.deepEqual([others, id === old], [[], false]);
    args = { region: "eu" };
    await up();
    assert.deepEqual(await repoIds(), [id], "without the whole argument, more has changed than the path names");
  });

  it("Repo refuses an unsupported path in ignoreChanges and replaceOnChanges before any mutation", async () => {
    args = { region: "eu", fullAccessKeys: ["1"] };
    for (const [path, reason] of [
      [
        "fullAccessKeys[0]",
        /ignoreChanges: "fullAccessKeys\[0\]" leads into a list .*name "fullAccessKeys" as a whole/,
      ],
      ["compaction.", /ignoreChanges: "compaction\." is no property path/],
    ] as const) {
      opts = { ignoreChanges: [path] };
      assertOneLineError(await stack.up(), reason);
    }
    opts = { replaceOnChanges: ["fullAccessKeys[0]"] };
    assertOneLineError(await stack.preview(), /replaceOnChanges: "fullAccessKeys\[0\]" leads into a list/);
    assert.deepEqual(account.mutations(), []);
  });

  it("Repo applies options that transformations of itself, its parent and the stack add", async () => {
    let ignoreChanges = ["alertDays"];
    const adding = (added: CustomResourceOptions) => (given: ResourceTransformationArgs) =>
      given.type === "borgbase:index:Repo"
        ? { props: given.props, opts: mergeOptions(given.opts, added) as CustomResourceOptions }
        : undefined;
    const program = () => {
      runtime.registerStackTransformation((given) => adding({ ignoreChanges })(given));
      const parent = new ComponentResource(
        "test:index:Group",
        "group",
        {},
        {
          transformations: [adding({ ignoreChanges: ["quota"] })],
        },
      );
      new borgbase.Repo("web", args, { parent, transformations: [adding({ replaceOnChanges: ["compaction.hour"] })] });
    };
    stack.program = async () => program();
    args = { region: "eu", alertDays: 2, quota: 100, compaction: COMPACTION };
    await up();
    const [id = ""] = await repoIds();
    await account.console.edit(id, "alertDays: 9, quota: 300");
    assert.ok((await stack.refresh()).ok);
    assert.deepEqual((await up()).steps, []);
    ignoreChanges = [];
    await up();
    const [repo] = await account.console.repos();
    assert.deepEqual([repo?.id, repo?.alertDays, repo?.quota], [id, 2, 300]);
    args = { region: "eu", alertDays: 2, quota: 100, compaction: { ...COMPACTION, hour: 5 } };
    await up();
    assert.notDeepEqual(await repoIds(), [id]);
  });

  it("Repo with deleteBeforeReplace is deleted before its successor is created, and never with backups", async () => {
    opts = { deleteBeforeReplace: true };
    await up();
    account.mutations();
    args = { region: "us" };
    await up();
    assert.deepEqual(account.mutations(), ["repoDelete", "repoAdd"]);
    const ids = await repoIds();
    holdBackups(ids[0]);
    args = { region: "eu" };
    assert.match((await stack.up()).output, /holds backups/);
    assert.deepEqual(await repoIds(), ids);
  });

  it("Repo with additionalSecretOutputs encrypts the output in the state and marks it secret for the program", async () => {
    opts = { additionalSecretOutputs: ["repoPath", "server"] };
    await up();
    const outputs = (await stack.resource("Repo", "web"))?.outputs as Record<string, { ciphertext?: string }>;
    assert.ok(outputs.repoPath?.ciphertext);
    assert.ok(outputs.server?.ciphertext);
    assert.equal((await stack.outputs()).path?.secret, true);
    const drift = await stack.drift();
    assert.ok(drift.ok, drift.output);
    assert.deepEqual((await up()).steps, []);
  });

  it("An up and a destroy with --target affect only the named resources", async () => {
    more = () => {
      new borgbase.SshKey("key", { publicKey: PUBLIC_KEY });
    };
    await up();
    args = { region: "eu", alertDays: 7 };
    more = () => {
      new borgbase.SshKey("key", { publicKey: PUBLIC_KEY, name: "another" });
    };
    account.mutations();
    await up({ target: [await urnOf("Repo", "web")] });
    assert.deepEqual(account.mutations(), ["repoEdit"]);
    const destroyed = await stack.destroy({ target: [await urnOf("SshKey", "key")] });
    assert.ok(destroyed.ok, destroyed.output);
    assert.deepEqual(account.mutations(), ["sshDelete"]);
    assert.equal((await repoIds()).length, 1);
  });

  it("An up with --replace directly after the create replaces the object and deletes the old one", async () => {
    more = () => {
      new borgbase.SshKey("key", { publicKey: PUBLIC_KEY });
    };
    // A program run by the CLI has the CLI's environment; this program runs in the test's process.
    await stack.setConfig("borgbase:endpoint", account.emulator.endpoint);
    await up();
    const [old] = await repoIds();
    account.mutations();
    await up({ replace: [await urnOf("Repo", "web"), await urnOf("SshKey", "key")] });
    assert.deepEqual(account.mutations().sort(), ["repoAdd", "repoDelete", "sshAdd", "sshDelete"]);
    const [id, ...others] = await repoIds();
    assert.deepEqual([others, id === old, (await stack.resource("Repo", "web"))?.id], [[], false, id]);
    const drift = await stack.drift();
    assert.ok(drift.ok, drift.output);
  });

  for (const deleteBeforeReplace of [false, true]) {
    const order = deleteBeforeReplace ? "old before new" : "new before old";
    it(`An up with --replace, ${order}, never deletes an object adopted with existingId`, async () => {
      const { repoAdd, sshAdd } = await account.console.ask<{
        repoAdd: { repoAdded: { id: string } };
        sshAdd: { keyAdded: { id: string } };
      }>(
        `mutation {
          repoAdd(name: "theirs", region: "eu") { repoAdded { id } }
          sshAdd(name: "theirs", keyData: "${PUBLIC_KEY}") { keyAdded { id } }
        }`,
      );
      const [repo, key] = [repoAdd.repoAdded.id, sshAdd.keyAdded.id];
      args = { region: "eu", existingId: repo };
      opts = { deleteBeforeReplace };
      more = () => {
        new borgbase.SshKey("key", { publicKey: PUBLIC_KEY, existingId: key }, { deleteBeforeReplace });
      };
      await up();
      account.mutations();
      const run = await up({ replace: [await urnOf("Repo", "web"), await urnOf("SshKey", "key")] });
      assert.equal(run.steps.filter(({ op }) => op === "replace").length, 2, run.output);
      assert.deepEqual(account.mutations(), []);
      assert.deepEqual(await repoIds(), [repo]);
      assert.deepEqual(
        (await account.console.keys()).map(({ id }) => id),
        [key],
      );
      assert.ok((await stack.destroy()).ok);
      assert.deepEqual(account.mutations().sort(), ["repoDelete", "sshDelete"]);
    });
  }
});
