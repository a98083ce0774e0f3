import { strict as assert } from "node:assert";
import * as borgbase from "../../sdk";
import { startAccount } from "../support/account";
import { assertOneLineError } from "../support/output";
import { inspect, type MadeKey, makeKey } from "../support/sshKeygen";
import { TestStack } from "../support/stack";

describe("SshKey through the real CLI", function () {
  this.timeout(600_000);
  let account: Awaited<ReturnType<typeof startAccount>>;
  let stack: TestStack;
  let one: MadeKey;
  let other: MadeKey;
  let args: borgbase.SshKeyArgs;
  let program: () => Promise<Record<string, unknown> | undefined>;

  before(async () => {
    account = await startAccount();
    [one, other] = (await Promise.all([makeKey("-t ed25519"), makeKey("-t rsa -b 2048")])) as [MadeKey, MadeKey];
  });
  after(async () => account.emulator.close());

  beforeEach(async () => {
    await account.emulator.control.reset();
    args = { publicKey: `${one.publicKey} root@web` };
    program = async () => ({ key: withoutUrn(new borgbase.SshKey("web", args)) });
    stack = await TestStack.create(() => program(), account.env);
  });
  afterEach(async () => stack.close());

  function withoutUrn({
    id,
    name,
    publicKey,
    comment,
    keyType,
    bits,
    fingerprintSha256,
    fingerprintMd5,
  }: borgbase.SshKey) {
    return { id, name, publicKey, comment, keyType, bits, fingerprintSha256, fingerprintMd5 };
  }

  async function up() {
    const run = await stack.up();
    assert.ok(run.ok, run.output);
    return run;
  }

  async function onlyKey() {
    const keys = await account.console.keys();
    assert.equal(keys.length, 1, `expected one key, not ${JSON.stringify(keys)}`);
    return keys[0] as (typeof keys)[0];
  }

  async function addOutside(name: string, keyData: string): Promise<string> {
    const { sshAdd } = await account.console.ask<{ sshAdd: { keyAdded: { id: string } } }>(
      "mutation ($keyData: String!, $name: String!) { sshAdd(name: $name, keyData: $keyData) { keyAdded { id } } }",
      { keyData, name },
    );
    account.mutations();
    return sshAdd.keyAdded.id;
  }

  it("SshKey is created under the resource's name, and a second up or another comment changes nothing", async () => {
    await up();
    const { id } = await onlyKey();
    const seen = await inspect(one.privateKey);
    assert.deepEqual((await stack.outputs()).key?.value, {
      id,
      name: "web",
      publicKey: one.publicKey.trim(),
      comment: "root@web",
      keyType: "ssh-ed25519",
      bits: 256,
      fingerprintSha256: seen.sha256,
      fingerprintMd5: seen.md5,
    });
    assert.deepEqual(account.mutations(), ["sshAdd"]);

    assert.deepEqual((await up()).steps, []);
    args = { publicKey: `${one.publicKey} admin@db` };
    assert.deepEqual((await up()).steps, []);
    const drift = await stack.drift();
    assert.ok(drift.ok, drift.output);
    assert.deepEqual(account.mutations(), []);

    assert.ok((await stack.destroy()).ok);
    assert.deepEqual(await account.console.keys(), []);
    assert.deepEqual(account.mutations(), ["sshDelete"]);
  });

  it("SshKey is replaced for another name or body, and its repository always lists one of both keys", async () => {
    program = async () => {
      const key = new borgbase.SshKey("web", args);
      new borgbase.Repo("backup", { region: "eu", fullAccessKeys: [key.id] });
      return undefined;
    };
    await up();
    const changes: borgbase.SshKeyArgs[] = [
      { name: "Web server", publicKey: one.publicKey },
      { name: "Web server", publicKey: other.publicKey },
    ];
    for (const change of changes) {
      const old = await onlyKey();
      account.mutations();
      args = change;
      const preview = await stack.preview();
      assert.ok(preview.ok, preview.output);
      assert.ok(preview.steps.some(({ op, type }) => op === "replace" && type === "SshKey"));
      await up();
      const key = await onlyKey();
      assert.notEqual(key.id, old.id);
      assert.deepEqual([key.name, key.keyData], [change.name, String(change.publicKey).trim()]);
      assert.deepEqual(
        (await account.console.repos()).map(({ fullAccessKeys }) => fullAccessKeys),
        [[key.id]],
      );
      const edit = account.emulator.control.log().find(({ operations }) => operations.includes("repoEdit"));
      assert.deepEqual(edit?.variables.fullAccessKeys, [key.id], "one edit from the old key to the new one");
      assert.deepEqual(account.mutations(), ["sshAdd", "repoEdit", "sshDelete"]);
    }
  });

  it("SshKey with deleteBeforeReplace is not deleted while a repository of others lists it", async () => {
    let pinned: borgbase.KeyPairArgs = { keepers: { rotated: "1" } };
    let dbr: { key?: boolean; pair?: boolean } = { key: true };
    program = async () => {
      const pair = new borgbase.KeyPair("pair", pinned, { deleteBeforeReplace: dbr.pair ?? false });
      const key = new borgbase.SshKey(
        "web",
        { publicKey: pair.publicKey, ...(args.name && { name: args.name }) },
        {
          deleteBeforeReplace: dbr.key ?? false,
        },
      );
      new borgbase.Repo("backup", { region: "eu", fullAccessKeys: [key.id] });
      return undefined;
    };
    args = { publicKey: one.publicKey, name: "a" };
    await up();
    const old = await onlyKey();
    const theirs = await account.console.addRepo(`name: "theirs", region: "eu", appendOnlyKeys: ["${old.id}"]`);
    account.mutations();
    const refused =
      /SSH key \d+ is not deleted before its replacement exists: it still opens the repositories "theirs" \(\w+\), which/;

    args = { publicKey: one.publicKey, name: "b" };
    assertOneLineError(await stack.up(), refused);
    assert.deepEqual([await onlyKey(), account.mutations()], [old, []], "nothing is changed");

    // The key is replaced along with its pair, before the program declares it.
    args = { publicKey: one.publicKey, name: "a" };
    dbr = { pair: true };
    pinned = { keepers: { rotated: "2" } };
    assertOneLineError(await stack.up(), refused);
    assert.deepEqual([await onlyKey(), account.mutations()], [old, []], "nothing is changed");

    await account.console.ask(`mutation { repoEdit(id: "${theirs}", appendOnlyKeys: []) { repoEdited { id } } }`);
    account.mutations();
    await up();
    const key = await onlyKey();
    assert.notEqual(key.keyData, old.keyData);
    assert.deepEqual(account.mutations(), ["sshDelete", "sshAdd", "repoEdit"]);
  });

  it("SshKey and its key pair are rotated by a keeper, and access to the repository never lapses", async () => {
    let rotated = "2026-11";
    program = async () => {
      const pair = new borgbase.KeyPair("pair", { keepers: { rotated } });
      const key = new borgbase.SshKey("web", { publicKey: pair.publicKey });
      new borgbase.Repo("backup", { region: "eu", appendOnlyKeys: [key.id] });
      return { publicKey: pair.publicKey };
    };
    await up();
    const old = await onlyKey();
    account.mutations();
    assert.deepEqual((await up()).steps, []);
    assert.deepEqual(account.mutations(), []);

    rotated = "2026-12";
    const preview = await stack.preview();
    assert.ok(preview.ok, preview.output);
    assert.deepEqual(
      preview.steps.filter(({ op }) => op === "replace" || op === "update").map(({ op, type }) => [op, type]),
      [
        ["replace", "KeyPair"],
        ["replace", "SshKey"],
        ["update", "Repo"],
      ],
    );
    await up();
    const key = await onlyKey();
    assert.notEqual(key.keyData, old.keyData);
    assert.equal(key.keyData, (await stack.outputs()).publicKey?.value);
    assert.deepEqual((await account.console.repos())[0]?.appendOnlyKeys, [key.id]);
    assert.deepEqual(account.mutations(), ["sshAdd", "repoEdit", "sshDelete"]);
  });

  it("SshKey is created again after a deletion outside", async () => {
    await up();
    const { id } = await onlyKey();
    await account.console.deleteKey(id);
    const drift = await stack.drift();
    assert.ok(!drift.ok);
    assert.match(drift.output, /web/);
    assert.ok((await stack.refresh()).ok);
    assert.equal(await stack.resource("SshKey", "web"), undefined);
    await up();
    const again = await onlyKey();
    assert.notEqual(again.id, id);

    await account.console.deleteKey(again.id);
    const destroyed = await stack.destroy();
    assert.ok(destroyed.ok, `a key that is gone already is deleted: ${destroyed.output}`);
  });

  it("SshKey adopts an existing key without a create and refuses another name or body in preview", async () => {
    const existingId = await addOutside("theirs", one.publicKey);
    const refusals: [borgbase.SshKeyArgs, RegExp][] = [
      [{ publicKey: other.publicKey, existingId }, new RegExp(`SSH key ${existingId} to take over is another key`)],
      [{ publicKey: one.publicKey, name: "mine", existingId }, /is named "theirs", and BorgBase cannot rename keys/],
      [{ publicKey: one.publicKey, existingId: "999999" }, /no SSH key 999999 to take over \(existingId\)/],
    ];
    for (const [refused, reason] of refusals) {
      args = refused;
      assertOneLineError(await stack.preview(), reason);
    }

    args = { publicKey: `${one.publicKey} here`, existingId };
    const preview = await stack.preview();
    assert.match(preview.output, new RegExp(`takes over the SSH key ${existingId} and changes nothing`));
    await up();
    assert.equal((await stack.resource("SshKey", "web"))?.id, existingId);
    args = { publicKey: one.publicKey };
    assert.deepEqual((await up()).steps, [], "removing existingId is no change");
    args = { publicKey: one.publicKey, existingId: "999999" };
    assertOneLineError(await stack.preview(), /existingId now says 999999/);
    assert.deepEqual(account.mutations(), []);
    assert.equal((await onlyKey()).id, existingId);
  });

  it("SshKey reports all bad arguments together, and SshKey.get reads a key managed elsewhere", async () => {
    args = { name: "", publicKey: one.privateKey.split("\n")[0] as string };
    const refused = await stack.preview();
    assertOneLineError(refused, /name.*must not be empty/);
    assertOneLineError(refused, /publicKey.*not a usable public key/);

    const id = await addOutside("theirs", one.publicKey);
    program = async () => ({ name: borgbase.SshKey.get("theirs", id).name });
    await up();
    assert.equal((await stack.outputs()).name?.value, "theirs");
    assert.ok((await stack.destroy()).ok);
    assert.equal((await onlyKey()).id, id);
    assert.deepEqual(account.mutations(), []);

    program = async () => ({ name: borgbase.SshKey.get("none", "999999").name });
    assertOneLineError(await stack.preview(), /There is no SshKey 999999\./);
  });
});
