import { strict as assert } from "node:assert";
import * as borgbase from "../../sdk";
import { startAccount } from "../support/account";
import { assertOneLineError } from "../support/output";
import { TestStack } from "../support/stack";

const KEYS = [
  "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGB4RQlFh1wpXyGPjkKSBQBZwTRf+tSu8ZvFBrSkX3fQ a@example",
  "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAabN6FmtLKOo3WMNcfjyXNDV7AgMVJkAaOpXKQCAmmR b@example",
];

describe("Repo through the real CLI", function () {
  this.timeout(600_000);
  let account: Awaited<ReturnType<typeof startAccount>>;
  let stack: TestStack;
  let keyIds: string[];
  let args: borgbase.RepoArgs;
  const program = async () => {
    new borgbase.Repo("web", args);
  };
  const onlyRepo = async () => {
    const repos = await account.console.repos();
    assert.equal(repos.length, 1, `expected one repository, not ${JSON.stringify(repos)}`);
    return repos[0] as (typeof repos)[0];
  };

  before(async () => {
    account = await startAccount();
  });
  after(async () => account.emulator.close());

  beforeEach(async () => {
    await account.emulator.control.reset();
    args = { region: "eu" };
    stack = await TestStack.create(program, account.env);
    keyIds = [];
    for (const [index, keyData] of KEYS.entries()) {
      const { sshAdd } = await account.console.ask<{ sshAdd: { keyAdded: { id: string } } }>(
        "mutation ($keyData: String!, $name: String!) { sshAdd(name: $name, keyData: $keyData) { keyAdded { id } } }",
        { keyData, name: `key ${index}` },
      );
      keyIds.push(sshAdd.keyAdded.id);
    }
    account.mutations();
  });
  afterEach(async () => stack.close());

  async function up() {
    const run = await stack.up();
    assert.ok(run.ok, run.output);
    return run;
  }

  it("Repo is created with every argument, and a second up sends no mutation", async () => {
    args = {
      name: "Web server",
      region: "us",
      format: "borg1",
      quota: 5000,
      alertDays: 3,
      appendOnlyKeys: [keyIds[0] as string],
      fullAccessKeys: [keyIds[1] as string],
      rsyncKeys: [keyIds[0] as string],
      appendOnly: true,
      sftpEnabled: true,
      borgVersion: "V_1_2_X",
      compaction: { interval: 2, unit: "weeks", hour: 5, timezone: "Europe/Berlin" },
    };
    await up();
    const { id, ...repo } = await onlyRepo();
    assert.deepEqual(repo, {
      name: "Web server",
      region: "us",
      format: "borg1",
      quota: 5000,
      quotaEnabled: true,
      alertDays: 3,
      appendOnlyKeys: [keyIds[0]],
      fullAccessKeys: [keyIds[1]],
      rsyncKeys: [keyIds[0]],
      appendOnly: true,
      sftpEnabled: true,
      borgVersion: "V_1_2_X",
      compactionEnabled: true,
      compactionInterval: 2,
      compactionIntervalUnit: "weeks",
      compactionHour: 5,
      compactionHourTimezone: "Europe/Berlin",
    });
    assert.equal((await stack.resource("Repo", "web"))?.id, id);
    account.mutations();
    assert.deepEqual((await up()).steps, []);
    assert.deepEqual(account.mutations(), []);
    const drift = await stack.drift();
    assert.ok(drift.ok, drift.output);
  });

  it("Repo is named like its resource and keeps that name after a rename with an alias", async () => {
    await up();
    assert.equal((await onlyRepo()).name, "web");
    stack.program = async () => {
      new borgbase.Repo("www", args, { aliases: [{ name: "web" }] });
    };
    account.mutations();
    await up();
    assert.deepEqual(account.mutations(), []);
    assert.equal((await onlyRepo()).name, "web");
  });

  const edits: [string, borgbase.RepoArgs, (run: { keyIds: string[] }) => borgbase.RepoArgs, object][] = [
    ["alertDays", { region: "eu", alertDays: 1 }, () => ({ region: "eu", alertDays: 4 }), { alertDays: 4 }],
    ["the quota", { region: "eu" }, () => ({ region: "eu", quota: 700 }), { quota: 700, quotaEnabled: true }],
    [
      "the keys",
      { region: "eu" },
      ({ keyIds }) => ({ region: "eu", appendOnlyKeys: keyIds }),
      { appendOnlyKeys: undefined },
    ],
    [
      "compaction",
      { region: "eu" },
      () => ({ region: "eu", compaction: { interval: 3, unit: "days" as const, hour: 0, timezone: "UTC" } }),
      {
        compactionEnabled: true,
        compactionInterval: 3,
        compactionIntervalUnit: "days",
        compactionHour: 0,
        compactionHourTimezone: "UTC",
      },
    ],
    ["the name", { region: "eu" }, () => ({ region: "eu", name: "other" }), { name: "other" }],
  ];
  for (const [what, first, then, sent] of edits) {
    it(`Repo changes ${what} with one repoEdit of that argument alone`, async () => {
      args = first;
      await up();
      const { id } = await onlyRepo();
      account.mutations();
      args = then({ keyIds });
      await up();
      const edit = account.emulator.control.log().find((request) => request.operations.includes("repoEdit"));
      const expected = "appendOnlyKeys" in sent ? { appendOnlyKeys: keyIds } : sent;
      assert.deepEqual(edit?.variables, { id, ...expected });
      assert.deepEqual(account.mutations(), ["repoEdit"]);
    });
  }

  it("Repo resets a removed argument to its default and shows the change", async () => {
    args = {
      region: "eu",
      name: "given",
      quota: 900,
      alertDays: 7,
      appendOnly: true,
      sftpEnabled: true,
      fullAccessKeys: keyIds,
      borgVersion: "V_1_2_X",
      compaction: { interval: 1, unit: "days", hour: 1, timezone: "UTC" },
    };
    await up();
    args = { region: "eu" };
    const preview = await stack.preview();
    assert.ok(preview.ok, preview.output);
    assert.deepEqual(
      preview.steps.map(({ op, name }) => [op, name]),
      [["update", "web"]],
    );
    assert.match(preview.output, /compaction/);
    await up();
    const repo = await onlyRepo();
    assert.deepEqual(
      { ...repo, id: undefined, compactionInterval: 0, compactionIntervalUnit: "", compactionHour: 0, quota: 0 },
      {
        id: undefined,
        name: "web",
        region: "eu",
        format: "borg1",
        quota: 0,
        quotaEnabled: false,
        alertDays: 0,
        appendOnlyKeys: [],
        fullAccessKeys: [],
        rsyncKeys: [],
        appendOnly: false,
        sftpEnabled: false,
        borgVersion: "LATEST",
        compactionEnabled: false,
        compactionInterval: 0,
        compactionIntervalUnit: "",
        compactionHour: 0,
        compactionHourTimezone: "UTC",
      },
    );
    account.mutations();
    assert.deepEqual((await up()).steps, []);
    assert.deepEqual(account.mutations(), []);
  });

  it("Repo shows drift property by property, and the next up corrects it", async () => {
    args = { region: "eu", name: "web", alertDays: 2, fullAccessKeys: [keyIds[0] as string] };
    await up();
    const { id } = await onlyRepo();
    await account.console.edit(
      id,
      `name: "renamed", alertDays: 9, fullAccessKeys: ["${keyIds[1]}"], sftpEnabled: true`,
    );
    const drift = await stack.drift();
    assert.ok(!drift.ok);
    for (const property of ["name", "alertDays", "fullAccessKeys"])
      assert.match(drift.output, new RegExp(`\\b${property}\\b`));
    assert.ok((await stack.refresh()).ok);
    await up();
    const repo = await onlyRepo();
    assert.deepEqual([repo.id, repo.name, repo.alertDays, repo.fullAccessKeys], [id, "web", 2, [keyIds[0]]]);
    assert.ok((await stack.drift()).ok);
  });

  it("Repo shows no drift for undeclared arguments and new backups", async () => {
    args = { region: "eu" };
    await up();
    const { id } = await onlyRepo();
    await account.console.edit(
      id,
      `name: "renamed", alertDays: 9, quotaEnabled: true, quota: 100, sftpEnabled: true, compactionEnabled: true, fullAccessKeys: ["${keyIds[1]}"]`,
    );
    account.emulator.control.setContent(id, { currentUsage: 12.5, lastModified: "2026-11-20T10:00:00Z" });
    const drift = await stack.drift();
    assert.ok(drift.ok, drift.output);
    account.mutations();
    assert.deepEqual((await up()).steps, []);
    assert.deepEqual(account.mutations(), []);
  });

  it("Repo is created again after a deletion outside", async () => {
    await up();
    const { id } = await onlyRepo();
    await account.console.deleteRepo(id);
    assert.ok(!(await stack.drift()).ok);
    assert.ok((await stack.refresh()).ok);
    await up();
    assert.notEqual((await onlyRepo()).id, id);
  });

  it("Repo creates an empty successor in another region before it deletes the old repository", async () => {
    await up();
    const { id } = await onlyRepo();
    account.mutations();
    args = { region: "us" };
    const run = await up();
    assert.ok(run.steps.some(({ op }) => op === "replace"));
    const repo = await onlyRepo();
    assert.equal(repo.region, "us");
    assert.notEqual(repo.id, id);
    assert.deepEqual(account.mutations(), ["repoAdd", "repoDelete"]);
  });

  it("Repo refuses in preview, in one line, to replace a repository with backups", async () => {
    await up();
    const { id } = await onlyRepo();
    account.emulator.control.setContent(id, { currentUsage: 12.5, lastModified: "2026-11-20T10:00:00Z" });
    args = { region: "us" };
    account.mutations();
    const preview = await stack.preview();
    assert.ok(!preview.ok);
    assert.match(preview.output, /error: .*holds backups \(12\.5 MB, .*so it is not replaced for another region/);
    assert.doesNotMatch(preview.output, /^\s+at .*\.js/m);
    assert.ok(!(await stack.up()).ok);
    assert.deepEqual(account.mutations(), []);
  });

  it("Repo deletes a repository with backups only if the last deployment had forceDestroy: true", async () => {
    await up();
    const { id } = await onlyRepo();
    account.emulator.control.setContent(id, { currentUsage: 0, lastModified: "2026-11-20T10:00:00Z" });
    account.mutations();
    const refused = await stack.destroy();
    assert.ok(!refused.ok);
    assert.match(refused.output, /holds backups .*forceDestroy: true/);
    assert.deepEqual(account.mutations(), []);
    args = { region: "eu", forceDestroy: true };
    await up();
    assert.deepEqual(account.mutations(), []);
    assert.ok((await stack.destroy()).ok);
    assert.deepEqual(await account.console.repos(), []);
  });

  it("Repo adopts an existing repository without a create, previews the changes and makes only those", async () => {
    const { repoAdd } = await account.console.ask<{ repoAdd: { repoAdded: { id: string } } }>(
      'mutation { repoAdd(name: "old", region: "eu", alertDays: 5, sftpEnabled: true) { repoAdded { id } } }',
    );
    const { id } = repoAdd.repoAdded;
    account.mutations();
    args = { region: "eu", alertDays: 1, existingId: id };
    const preview = await stack.preview();
    assert.match(preview.output, /alertDays: 5 => 1/);
    assert.doesNotMatch(preview.output, /sftpEnabled: /);
    await up();
    const repo = await onlyRepo();
    assert.deepEqual([repo.id, repo.name, repo.alertDays, repo.sftpEnabled], [id, "old", 1, true]);
    assert.deepEqual(account.mutations(), ["repoEdit"]);

    args = { region: "eu", alertDays: 1 };
    assert.deepEqual((await up()).steps, [], "removing existingId is no change");
    args = { region: "eu", alertDays: 1, existingId: "zzzzzzzz" };
    const other = await stack.up();
    assert.match(other.output, /existingId now says zzzzzzzz/);
    assert.deepEqual(account.mutations(), []);
  });

  it("Repo previews the key lists of a repository that it will adopt", async () => {
    const { repoAdd } = await account.console.ask<{ repoAdd: { repoAdded: { id: string } } }>(
      `mutation { repoAdd(name: "old", region: "eu", appendOnlyKeys: ["${keyIds[0]}"]) { repoAdded { id } } }`,
    );
    const { id } = repoAdd.repoAdded;
    account.mutations();
    stack.program = async () => {
      const adopted = new borgbase.SshKey("key 1", { publicKey: KEYS[1] as string, existingId: keyIds[1] });
      const added = new borgbase.SshKey("new", { publicKey: new borgbase.KeyPair("new").publicKey });
      const keys = { appendOnlyKeys: [adopted.id], fullAccessKeys: [added.id], rsyncKeys: [] };
      new borgbase.Repo("old", { region: "eu", ...keys, existingId: id });
    };
    const { output } = await stack.preview();
    assert.match(output, new RegExp(`appendOnlyKeys: \\["${keyIds[0]}"\\] => \\["${keyIds[1]}"\\]`));
    assert.match(output, /fullAccessKeys: none => not known before the deployment/);
    assert.doesNotMatch(output, /rsyncKeys: |it changes nothing/);
    await up();
    const repo = await onlyRepo();
    assert.deepEqual([repo.id, repo.appendOnlyKeys], [id, [keyIds[1]]]);
    assert.deepEqual(account.mutations().sort(), ["repoEdit", "sshAdd"]);
  });

  it("Repo reports all bad arguments together before any change", async () => {
    args = { region: "", quota: -1, compaction: { interval: 0, unit: "years" as "days", hour: 24, timezone: "Mars" } };
    const run = await stack.up();
    assert.ok(!run.ok);
    for (const reason of [
      /region/,
      /quota.*must not be negative/s,
      /interval must be at least 1/,
      /hour from 0 to 23/,
      /time zone/,
    ]) {
      assert.match(run.output, reason);
    }
    assert.deepEqual(account.mutations(), []);
  });

  it("Repo.get reads a repository managed elsewhere and never changes it", async () => {
    const { repoAdd } = await account.console.ask<{ repoAdd: { repoAdded: { id: string } } }>(
      'mutation { repoAdd(name: "theirs", region: "eu") { repoAdded { id } } }',
    );
    stack.program = async () => ({ path: borgbase.Repo.get("theirs", repoAdd.repoAdded.id).repoPath });
    await up();
    assert.match(String((await stack.outputs()).path?.value), new RegExp(`^ssh://${repoAdd.repoAdded.id}@`));
    assert.ok((await stack.destroy()).ok);
    assert.equal((await account.console.repos()).length, 1);
  });

  it("Repo.get fails for a missing repository instead of returning empty values", async () => {
    stack.program = async () => {
      borgbase.Repo.get("theirs", "zzzzzzzz");
    };
    assertOneLineError(await stack.preview(), /There is no Repo zzzzzzzz\./);
  });
});
