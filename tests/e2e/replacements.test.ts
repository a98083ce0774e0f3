import { strict as assert } from "node:assert";
import type { CustomResourceOptions } from "@pulumi/pulumi";
import * as borgbase from "../../sdk";
import { newKey } from "../provider/api/support";
import { startAccount } from "../support/account";
import { assertOneLineError } from "../support/output";
import { TestStack } from "../support/stack";

const KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGB4RQlFh1wpXyGPjkKSBQBZwTRf+tSu8ZvFBrSkX3fQ";

describe("Replacements decided by the engine", function () {
  this.timeout(600_000);
  let account: Awaited<ReturnType<typeof startAccount>>;
  let stack: TestStack;
  let args: borgbase.RepoArgs;
  let opts: CustomResourceOptions;
  /** Other resources of the program, and the value of the repository's replaceWith. */
  let before: () => CustomResourceOptions;
  let declares: boolean;
  let rotation = 1;

  beforeEach(async () => {
    account = await startAccount();
    args = { region: "eu" };
    opts = {};
    before = () => ({});
    declares = true;
    stack = await TestStack.create(
      async () => {
        const more = before();
        return declares ? { path: new borgbase.Repo("web", args, { ...opts, ...more }).repoPath } : {};
        // The program runs in this process. Without this endpoint it would not confirm its creates,
        // and the next run would adopt the old object.
      },
      account.env,
      { "borgbase:endpoint": account.emulator.endpoint },
    );
  });
  afterEach(async () => {
    await stack.close();
    await account.emulator.close();
  });

  async function up(...options: Parameters<TestStack["up"]>) {
    const run = await stack.up(...options);
    assert.ok(run.ok, run.output);
    return run;
  }

  const repoIds = async () => (await account.console.repos()).map(({ id }) => id).sort();
  const holdBackups = (id: string) =>
    account.emulator.control.setContent(id, { currentUsage: 12.5, lastModified: "2026-11-20T10:00:00Z" });
  const path = async () => (await stack.outputs()).path?.value;
  const urn = async () => String((await stack.resource("Repo", "web"))?.urn);

  /** Deploys the repository and puts backups into it. */
  async function full(): Promise<string> {
    await up();
    const [id = ""] = await repoIds();
    holdBackups(id);
    return id;
  }

  /** State entries with a pending deletion. */
  async function pending(): Promise<string[]> {
    const { deployment } = await stack.state();
    const entries = deployment.resources as { type: string; delete?: boolean; id?: string }[];
    const ours = entries.filter((entry) => entry.delete && /:(Repo|SshKey)$/.test(entry.type));
    return ours.map(({ id = "" }) => id);
  }

  /** Checks that preview and deployment refuse the replacement and change nothing. */
  async function assertRefused() {
    const [ids, was] = [await repoIds(), await path()];
    const line = /"web" \(\w+\) holds backups \(12\.5 MB, .*so it is not replaced/;
    assertOneLineError(await stack.preview(), line);
    assertOneLineError(await stack.up(), line);
    assert.deepEqual([await repoIds(), await path(), await pending()], [ids, was, []]);
  }

  const TRIGGERS: [what: string, first: () => void, then: () => void][] = [
    ["replacementTrigger", () => (opts = { replacementTrigger: "1" }), () => (opts = { replacementTrigger: "2" })],
    [
      "replaceWith",
      () => {
        before = () => ({ replaceWith: [new borgbase.KeyPair("pair", { keepers: { rotated: "1" } })] });
      },
      () => {
        rotation++;
        before = () => ({ replaceWith: [new borgbase.KeyPair("pair", { keepers: { rotated: String(rotation) } })] });
      },
    ],
    [
      "replacementTrigger with deleteBeforeReplace",
      () => (opts = { replacementTrigger: "1", deleteBeforeReplace: true }),
      () => (opts = { replacementTrigger: "2", deleteBeforeReplace: true }),
    ],
    [
      "replaceOnChanges",
      () => {
        args = { region: "eu", alertDays: 1 };
        opts = { replaceOnChanges: ["alertDays"] };
      },
      () => {
        args = { ...args, alertDays: 2 };
      },
    ],
  ];
  for (const [what, first, then] of TRIGGERS) {
    it(`A repository with backups is not replaced by ${what} in preview and up, and no repository is created`, async () => {
      first();
      const id = await full();
      then();
      await assertRefused();

      // The up has replaced the replaceWith resource, so the reason for a replacement is gone.
      then();
      args = { ...args, keepOnDelete: true };
      await up();
      const ids = await repoIds();
      assert.equal(ids.length, 2);
      assert.ok(ids.includes(id), "the line's way out leaves the old one in the account");
      assert.deepEqual(await pending(), []);
      assert.deepEqual((await up()).steps, []);
    });
  }

  it("A replacementTrigger deletes backups only with a forceDestroy that an earlier run deployed", async () => {
    opts = { replacementTrigger: "1" };
    const id = await full();
    args = { region: "eu", forceDestroy: true };
    opts = { replacementTrigger: "2" };
    await assertRefused();
    opts = { replacementTrigger: "1" };
    await up();
    opts = { replacementTrigger: "2" };
    await up();
    const ids = await repoIds();
    assert.ok(ids.length === 1 && ids[0] !== id);
  });

  it("A replacementTrigger replaces an empty repository, also beside a full repository of another stack", async () => {
    await account.console.ask(`mutation { repoAdd(name: "web", region: "eu", alertDays: 9) { repoAdded { id } } }`);
    const [theirs = ""] = await repoIds();
    holdBackups(theirs);
    args = { region: "eu", alertDays: 2 };
    opts = { replacementTrigger: "1" };
    await up();
    const first = await repoIds();
    opts = { replacementTrigger: "2" };
    await up();
    const second = await repoIds();
    assert.ok(second.length === 2 && second.includes(theirs));
    assert.notDeepEqual(first, second);
  });

  it("A replacementTrigger finds a repository renamed outside and refuses to replace its backups", async () => {
    args = { region: "eu", name: "web", alertDays: 2 };
    opts = { replacementTrigger: "1" };
    const id = await full();
    await account.console.edit(id, `name: "renamed"`);
    opts = { replacementTrigger: "2" };
    assertOneLineError(await stack.preview(), /"renamed" \(\w+\) holds backups/);
    assert.deepEqual(await repoIds(), [id]);
  });

  const FORCED: [what: string, replace: () => Promise<{ ok: boolean; output: string }>][] = [
    ["up --replace", async () => stack.up({ replace: [await urn()] })],
    [
      "state taint",
      async () => {
        await stack.cli("state", "taint", await urn(), "--yes");
        return stack.up();
      },
    ],
  ];
  for (const [what, replace] of FORCED) {
    it(`The replaced repository of ${what} keeps its backups until keepOnDelete releases it`, async () => {
      const id = await full();
      assertOneLineError(
        (await replace()) as never,
        /holds backups .*so it is not deleted, though \w+ has taken its place.*keepOnDelete: true and run `pulumi up`/,
      );
      assert.deepEqual(await pending(), [id]);
      assertOneLineError(await stack.up(), /so it is not deleted, though \w+ has taken its place/);
      assert.equal((await repoIds()).length, 2, "no further one is made");

      args = { region: "eu", keepOnDelete: true };
      await up();
      assert.deepEqual(await pending(), []);
      assert.ok((await repoIds()).includes(id));
      args = { region: "eu" };
      await up();
      assert.ok((await stack.destroy()).ok);
      assert.deepEqual(await repoIds(), [id]);
    });

    it(`The replaced repository of ${what} is deleted by forceDestroy only in a later run`, async () => {
      const id = await full();
      args = { region: "eu", forceDestroy: true };
      assertOneLineError((await replace()) as never, /forceDestroy: true counts from the next `pulumi up` on/);
      assert.ok((await repoIds()).includes(id));
      await up();
      assert.deepEqual(await pending(), []);
      assert.equal((await repoIds()).includes(id), false);
    });
  }

  it("A forceDestroy that is removed in the run of a replacement erases nothing", async () => {
    args = { region: "eu", forceDestroy: true };
    const id = await full();
    for (const next of [{ region: "us" }, { region: "us", forceDestroy: false }]) {
      args = next;
      await assertRefused();
    }
    args = { region: "eu" };
    assertOneLineError(await stack.up({ replace: [await urn()] }), /holds backups .*so it is not deleted/);
    assert.ok((await repoIds()).includes(id));
  });

  it("An up with --refresh and --replace refuses a repository with backups before any create", async () => {
    const id = await full();
    const run = await stack.up({ replace: [await urn()], refresh: true });
    assertOneLineError(run, /holds backups .*so it is not replaced/);
    assert.deepEqual([await repoIds(), await pending()], [[id], []]);
  });

  it("A destroy with a pending deletion names keepOnDelete, which then lets it succeed", async () => {
    const id = await full();
    await stack.up({ replace: [await urn()] });
    assertOneLineError(
      await stack.destroy(),
      /holds backups .*set keepOnDelete: true for it in the program, and run `pulumi up` first/,
    );
    args = { region: "eu", keepOnDelete: true };
    await up();
    const destroyed = await stack.destroy();
    assert.ok(destroyed.ok, destroyed.output);
    assert.ok((await repoIds()).includes(id));
  });

  it("A removed Repo with a pending deletion is refused, and keepOnDelete then keeps its repository", async () => {
    const id = await full();
    await stack.up({ replace: [await urn()] });
    declares = false;
    assertOneLineError(await stack.up(), /holds backups .*keepOnDelete: true for it in the program/);
    declares = true;
    args = { region: "eu", keepOnDelete: true };
    await up();
    declares = false;
    await up();
    assert.ok((await repoIds()).includes(id));
    assert.deepEqual(await pending(), []);
  });

  it("A destroy with keepOnDelete leaves the repository and its backups in the account", async () => {
    args = { region: "eu", keepOnDelete: true };
    const id = await full();
    account.mutations();
    const destroyed = await stack.destroy();
    assert.ok(destroyed.ok, destroyed.output);
    assert.match(destroyed.output, new RegExp(`leaves the repository ${id} and its backups in the account`));
    assert.deepEqual([account.mutations(), await repoIds()], [[], [id]]);
  });

  it("Two Repos with one existingId fail in one line that names both, in either order", async () => {
    const id = await full();
    declares = false;
    await stack.cli("state", "delete", await urn(), "--yes");
    stack.program = async () => {
      new borgbase.Repo("one", { region: "eu", existingId: id });
      new borgbase.Repo("two", { region: "eu", existingId: id });
    };
    account.mutations();
    const line = assertOneLineError(await stack.preview(), /is the resource "(one|two)" of this program already/);
    assert.match(line, new RegExp(`Repo ${id}`));
    assert.ok(!(await stack.up()).ok);
    assert.deepEqual(account.mutations(), []);
  });

  it("A Repo with the existingId of another Repo of the stack is refused and deletes nothing on removal", async () => {
    await up();
    const [id = ""] = await repoIds();
    stack.program = async () => {
      new borgbase.Repo("web", { region: "eu" });
      new borgbase.Repo("again", { region: "eu", existingId: id });
    };
    assertOneLineError(await stack.up(), /is the resource "(web|again)" of this program already/);
    assert.deepEqual(await repoIds(), [id]);
  });

  it("A replaced SshKey is not deleted while a repository lists it, and is deleted after the list changes", async () => {
    let trigger = "1";
    stack.program = async () => {
      new borgbase.SshKey("web", { publicKey: KEY }, { replacementTrigger: trigger });
    };
    await up();
    const [key] = await account.console.keys();
    await account.console.ask(
      `mutation { repoAdd(name: "theirs", region: "eu", fullAccessKeys: ["${key?.id}"]) { repoAdded { id } } }`,
    );
    const [theirs = ""] = await repoIds();
    trigger = "2";
    const line = assertOneLineError(await stack.up(), /still opens the repositories "theirs"/);
    const [, successor] = /though (\d+) has taken its place/.exec(line) ?? [];
    assert.deepEqual(await pending(), [key?.id]);
    await account.console.edit(theirs, `fullAccessKeys: ["${successor}"]`);
    await up();
    assert.deepEqual(await pending(), []);
    assert.deepEqual(
      (await account.console.keys()).map(({ id }) => id),
      [successor],
    );
  });

  it("A key in use stays when --replace follows a run that was killed after its last checkpoint", async () => {
    let publicKey = KEY;
    await stack.close();
    // Without the endpoint in its configuration, the program confirms no create: the pending one stays, as after a kill.
    stack = await TestStack.create(async () => {
      new borgbase.SshKey("web", { publicKey });
    }, account.env);
    await up();
    const [key] = await account.console.keys();
    await account.console.ask(
      `mutation { repoAdd(name: "theirs", region: "eu", fullAccessKeys: ["${key?.id}"]) { repoAdded { id } } }`,
    );
    publicKey = await newKey();
    const urn = String((await stack.resource("SshKey", "web"))?.urn);
    const run = await stack.up({ replace: [urn] });
    assert.match(run.output, new RegExp(`keeps the SshKey ${key?.id} of an earlier run, as it opens`));
    const [theirs] = await account.console.repos();
    assert.deepEqual(theirs?.fullAccessKeys, [key?.id]);
    assert.deepEqual([await pending(), (await account.console.keys()).length], [[key?.id], 2]);
  });
});
