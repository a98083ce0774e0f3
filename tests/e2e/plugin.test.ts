import { strict as assert } from "node:assert";
import type * as pulumi from "@pulumi/pulumi";
import * as borgbase from "../../sdk";
import { startAccount } from "../support/account";
import { filesWith } from "../support/output";
import { InstalledPlugin } from "../support/plugin";
import { type Step, TestStack } from "../support/stack";

const WITH_PLUGIN = { "borgbase:plugin": "true" };

describe("Installed plugin", function () {
  this.timeout(600_000);
  let account: Awaited<ReturnType<typeof startAccount>>;
  let plugin: InstalledPlugin;
  let stack: TestStack;

  before(async () => {
    account = await startAccount();
    plugin = await InstalledPlugin.create();
  });
  after(async () => {
    plugin.close();
    await account.emulator.close();
  });
  beforeEach(async () => {
    await account.emulator.control.reset();
    account.mutations();
  });
  afterEach(async () => stack.close());

  async function newStack(program: pulumi.automation.PulumiFn, config: Record<string, string> = WITH_PLUGIN) {
    stack = await TestStack.create(program, { ...account.env, ...plugin.env }, config);
    return stack;
  }

  /** Runs a command that must succeed, and returns what it did. */
  async function steps(run: Promise<{ ok: boolean; output: string; steps: Step[] }>): Promise<Step[]> {
    const { ok, output, steps: done } = await run;
    assert.ok(ok, output);
    assert.doesNotMatch(output, /warning/i);
    return done;
  }

  it("serves a whole stack: create, no-op, drift, refresh, repair, destroy", async () => {
    await newStack(async () => {
      const pair = new borgbase.KeyPair("pair", { comment: "root@web" });
      const key = new borgbase.SshKey("web", { publicKey: pair.publicKey });
      const repo = new borgbase.Repo("web", { region: "eu", format: "restic", quota: 5, fullAccessKeys: [key.id] });
      return { privateKey: pair.privateKey, url: repo.resticUrl, path: repo.repoPath };
    });
    const created = await steps(stack.up());
    assert.deepEqual(created.map(({ op, type }) => `${op} ${type}`).sort(), [
      "create KeyPair",
      "create Repo",
      "create SshKey",
    ]);
    const { privateKey, url } = await stack.outputs();
    assert.deepEqual([privateKey?.secret, url?.secret], [true, true]);
    for (const { value } of [privateKey, url] as { value: string }[]) {
      assert.deepEqual(await filesWith(stack.folder, value), []);
    }
    const { deployment } = await stack.state();
    assert.doesNotMatch(JSON.stringify(deployment), /__provider|__origin|pulumi-nodejs/);
    assert.deepEqual((await stack.resource("Repo", "web"))?.inputs, {
      region: "eu",
      format: "restic",
      quota: 5,
      fullAccessKeys: [(await account.console.keys())[0]?.id],
    });

    account.mutations();
    assert.deepEqual(await steps(stack.preview({ expectNoChanges: true })), []);
    assert.deepEqual(await steps(stack.up({ expectNoChanges: true })), []);
    const clean = await stack.drift();
    assert.ok(clean.ok, clean.output);

    const [repo] = await account.console.repos();
    await account.console.edit(repo?.id ?? "", "quota: 9, alertDays: 3");
    const drift = await stack.drift();
    assert.ok(!drift.ok);
    assert.match(drift.output, /quota *: 5 => 9/);
    account.mutations();
    await steps(stack.refresh());
    assert.equal((await stack.resource("Repo", "web"))?.inputs?.quota, 9);
    assert.deepEqual(await steps(stack.up()), [{ op: "update", type: "Repo", name: "web", diffs: ["quota"] }]);
    assert.deepEqual(account.mutations(), ["repoEdit"]);
    const after = await account.console.repos();
    assert.deepEqual([after[0]?.quota, after[0]?.alertDays], [5, 3]);

    await steps(stack.destroy());
    assert.deepEqual([await account.console.repos(), await account.console.keys()], [[], []]);
  });

  it("takes over a stack of the dynamic host and gives it back: in place, without a question to BorgBase", async () => {
    await newStack(async () => {
      const pair = new borgbase.KeyPair("pair", { comment: "root@web" });
      const key = new borgbase.SshKey("web", { publicKey: pair.publicKey });
      new borgbase.Repo("web", { region: "eu", alertDays: 2, appendOnlyKeys: [key.id] });
      const provider = new borgbase.Provider("own");
      new borgbase.Repo("explicit", { region: "eu", format: "restic" }, { provider });
      return { publicKey: pair.publicKey };
    }, {});
    await steps(stack.up());
    const ids = async () => {
      const { deployment } = await stack.state();
      return deployment.resources
        .filter(({ type }) => type.startsWith("borgbase:"))
        .map(({ id }) => id)
        .sort();
    };
    const packages = async () => {
      const { deployment } = await stack.state();
      const types = deployment.resources.map(({ type }) => type).filter((type) => type.startsWith("pulumi:providers:"));
      return [...new Set(types)];
    };
    const before = await ids();
    const inputsBefore = await stack.resource("Repo", "web");
    account.emulator.control.resetCounters();

    for (const [toPlugin, expected] of [
      ["true", "pulumi:providers:borgbase"],
      ["false", "pulumi:providers:pulumi-nodejs"],
    ] as const) {
      await stack.setConfig("borgbase:plugin", toPlugin);
      if (toPlugin === "true") {
        const preview = await steps(stack.preview());
        assert.deepEqual([...new Set(preview.map(({ op }) => op))], ["update"]);
      }
      const moved = await steps(stack.up());
      assert.deepEqual([moved.length, ...new Set(moved.map(({ op }) => op))], [4, "update"]);
      assert.deepEqual(await packages(), [expected]);
      assert.deepEqual(account.emulator.control.log(), []);
      assert.deepEqual(await steps(stack.up({ expectNoChanges: true })), []);
      assert.deepEqual(await ids(), before);
      if (toPlugin === "true") {
        const { deployment } = await stack.state();
        assert.doesNotMatch(JSON.stringify(deployment.resources), /__provider|__origin/);
        const clean = await stack.drift();
        assert.ok(clean.ok, clean.output);
        account.emulator.control.resetCounters();
      }
    }
    const after = await stack.resource("Repo", "web");
    assert.deepEqual([after?.inputs, after?.outputs], [inputsBefore?.inputs, inputsBefore?.outputs]);
    await steps(stack.destroy());
    assert.deepEqual(await account.console.repos(), []);
  });

  it("imports what an account has: by command with minimal code, by option with a change", async () => {
    await newStack(async () => ({}));
    await steps(stack.up());
    const id = await account.console.addRepo('name: "web", region: "eu", alertDays: 2, quotaEnabled: true, quota: 700');
    const out = `${stack.folder}/import.ts`;
    const command = ["import", "borgbase:index:Repo", "web", id, "--yes", "--protect=false", "--out", out];
    // The language host of the registries generates no code: the state is what counts here.
    const failed = await stack.cli(...command).catch((error: { stdout: string; stderr: string }) => error);
    assert.match(failed.stdout, /borgbase:index:Repo/);
    assert.deepEqual((await stack.resource("Repo", "web"))?.inputs, { region: "eu", alertDays: 2, quota: 700 });

    account.mutations();
    stack.program = async () => {
      new borgbase.Repo("web", { region: "eu", alertDays: 2, quota: 700 });
    };
    assert.deepEqual(await steps(stack.up({ expectNoChanges: true })), []);
    const clean = await stack.drift();
    assert.ok(clean.ok, clean.output);
    assert.deepEqual(account.mutations(), []);

    const other = await account.console.addRepo('name: "other", region: "eu"');
    account.mutations();
    stack.program = async () => {
      new borgbase.Repo("web", { region: "eu", alertDays: 2, quota: 700 });
      new borgbase.Repo("other", { region: "eu", quota: 0, alertDays: 5 }, { import: other });
    };
    const imported = await steps(stack.up());
    assert.deepEqual(imported.map(({ op, name }) => `${op} ${name}`).sort(), ["import other", "update other"]);
    assert.deepEqual(account.mutations(), ["repoEdit"]);
    for (const [type, name, message] of [
      ["Repo", "nope", /error: .*resource 'nope' does not exist/],
      ["KeyPair", "SHA256:x", /Give it as privateKey/],
      ["SshConnection", "root@example.com:22", /tells neither the key nor the way in\. Declare it/],
    ] as const) {
      const refused = stack.cli("import", `borgbase:index:${type}`, "gone", name, "--yes", "--out", out);
      await assert.rejects(refused, ({ stdout }: { stdout: string }) => message.test(stdout));
    }
  });

  it("says under both hosts in one line why `get` cannot read a key pair or a connection, and what to do", async () => {
    await newStack(async () => {});
    for (const plugin of ["true", "false"]) {
      await stack.setConfig("borgbase:plugin", plugin);
      for (const [program, line] of [
        [() => borgbase.KeyPair.get("gone", "SHA256:x"), /Give it as privateKey\.$/m],
        [
          () => borgbase.SshConnection.get("gone", "root@example.com:22"),
          /Declare it: a key that is there .* untouched\.$/m,
        ],
      ] as const) {
        stack.program = async () => {
          program();
        };
        const { ok, output } = await stack.up();
        assert.ok(!ok);
        assert.match(output, line);
        assert.doesNotMatch(output, /^ +at /m);
      }
    }
  });

  it("acts on options of parts: ignoreChanges keeps what others set, replaceOnChanges replaces", async () => {
    const compaction = { interval: 1, unit: "weeks" as const, hour: 4, timezone: "UTC" };
    const repo = (hour: number, interval: number) => async () => {
      const options = { ignoreChanges: ["compaction.hour"], replaceOnChanges: ["compaction.interval"] };
      new borgbase.Repo("web", { region: "eu", compaction: { ...compaction, hour, interval } }, options);
    };
    await newStack(repo(4, 1));
    await steps(stack.up());
    const [made] = await account.console.repos();
    await account.console.edit(made?.id ?? "", "compactionHour: 9");
    stack.program = repo(5, 1);
    assert.deepEqual(await steps(stack.up()), []);
    assert.equal((await account.console.repos())[0]?.compactionHour, 9);
    stack.program = repo(5, 2);
    const preview = await steps(stack.preview());
    assert.ok(
      preview.some(({ op }) => op === "replace"),
      JSON.stringify(preview),
    );
    account.emulator.control.setContent(made?.id ?? "", { currentUsage: 5, lastModified: null });
    const refused = await stack.preview();
    assert.ok(!refused.ok);
    assert.match(refused.output, /holds backups .* so it is not replaced/);
    assert.equal((await account.console.repos()).length, 1);

    account.emulator.control.setContent(made?.id ?? "", { currentUsage: 0, lastModified: null });
    account.mutations();
    await steps(stack.up());
    assert.deepEqual(account.mutations(), ["repoAdd", "repoDelete"]);
  });
});
