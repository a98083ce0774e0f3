import { strict as assert } from "node:assert";
import * as pulumi from "@pulumi/pulumi";
import * as borgbase from "../../sdk";
import { Console, startAccount } from "../support/account";
import { assertOneLineError, holds } from "../support/output";
import { TestStack } from "../support/stack";

const KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGB4RQlFh1wpXyGPjkKSBQBZwTRf+tSu8ZvFBrSkX3fQ a@example";

describe("Data functions through the real CLI", function () {
  this.timeout(600_000);
  let account: Awaited<ReturnType<typeof startAccount>>;
  let other: Console;
  let stack: TestStack;
  let program: pulumi.automation.PulumiFn;

  before(async () => {
    account = await startAccount();
    other = new Console(account.emulator, 1);
  });
  after(async () => account.emulator.close());

  beforeEach(async () => {
    await account.emulator.control.reset();
    // The name is in the stack's configuration, as a secret.
    const config = { "borgbase:token": account.console.token, "borgbase:endpoint": account.emulator.endpoint };
    stack = await TestStack.create(() => program(), {}, config);
  });
  afterEach(async () => stack.close());

  async function up() {
    const run = await stack.up();
    assert.ok(run.ok, run.output);
    return run;
  }

  async function addKey(at: Console, name: string): Promise<string> {
    const { sshAdd } = await at.ask<{ sshAdd: { keyAdded: { id: string } } }>(
      "mutation ($keyData: String!, $name: String!) { sshAdd(name: $name, keyData: $keyData) { keyAdded { id } } }",
      { keyData: KEY, name },
    );
    return sshAdd.keyAdded.id;
  }

  async function addRepo(at: Console, name: string, more = ""): Promise<string> {
    const { repoAdd } = await at.ask<{ repoAdd: { repoAdded: { id: string } } }>(
      `mutation { repoAdd(name: "${name}", region: "eu" ${more}) { repoAdded { id } } }`,
    );
    return repoAdd.repoAdded.id;
  }

  it("Data functions return keys, repositories and the account as promises and outputs without any password", async () => {
    const keyId = await addKey(account.console, "laptop");
    const borgId = await addRepo(account.console, "borg", `, alertDays: 3, fullAccessKeys: ["${keyId}"]`);
    const resticId = await addRepo(account.console, "restic", ', format: "restic"');
    account.emulator.control.setContent(borgId, { currentUsage: 12.5, lastModified: "2026-11-20T10:00:00Z" });
    const { repo: restic } = await account.console.ask<{ repo: { htpasswd: string } }>(
      `{ repo(repoId: "${resticId}") { htpasswd } }`,
    );
    assert.ok(restic.htpasswd.length > 8);

    account.emulator.control.resetCounters();
    program = async () => ({
      promised: {
        key: await borgbase.getSshKey({ id: keyId }),
        keys: await borgbase.getSshKeys(),
        repo: await borgbase.getRepo({ name: "borg" }),
        repos: await borgbase.getRepos(),
        named: await borgbase.getRepos({ name: "restic" }),
        none: await borgbase.getRepos({ name: "rest" }),
        account: await borgbase.getAccount(),
      },
      lifted: {
        key: borgbase.getSshKeyOutput({ name: "laptop" }),
        keys: borgbase.getSshKeysOutput(),
        repo: borgbase.getRepoOutput({ id: borgId }),
        repos: borgbase.getReposOutput(),
        named: borgbase.getReposOutput({ name: pulumi.output("restic") }),
        none: borgbase.getReposOutput({ name: "rest" }),
        account: borgbase.getAccountOutput(),
      },
    });
    const run = await up();
    const { operations } = account.emulator.control.counters();
    // The promises are awaited in sequence; the outputs are requested together.
    assert.deepEqual(operations, { sshList: 2 + 1, repoList: 4 + 1, me: 1 + 1 });
    const { promised, lifted } = await stack.outputs();
    assert.deepEqual(lifted?.value, promised?.value);
    const shown = await stack.cli("stack", "output", "--json");
    assert.deepEqual(JSON.parse(shown.stdout).lifted, lifted?.value, "what it tells is no secret, though the token is");

    const { key, keys, repo, repos, named, none, account: me } = promised?.value ?? {};
    assert.deepEqual([key.id, key.name, key.publicKey], [keyId, "laptop", KEY.replace(" a@example", "")]);
    assert.deepEqual(keys, [key]);
    assert.deepEqual(
      [repo.id, repo.name, repo.region, repo.format, repo.alertDays, repo.fullAccessKeys],
      [borgId, "borg", "eu", "borg1", 3, [keyId]],
    );
    assert.deepEqual([repo.currentUsage, repo.lastModified], [12.5, "2026-11-20T10:00:00Z"]);
    assert.deepEqual(repos[0], repo);
    assert.deepEqual([named.length, named[0].id, named[0].currentUsage], [1, resticId, 0]);
    assert.ok(!("lastModified" in named[0]), "never modified");
    assert.deepEqual(none, [], "an exact name");
    assert.deepEqual(
      [me.username, me.repoCount, me.sshKeyCount, me.diskUsage],
      [account.emulator.accounts[0].email, 2, 1, 12.5],
    );
    assert.ok(me.plan.includedGb > 0);

    for (const text of [JSON.stringify(promised?.value), run.output, JSON.stringify(await stack.state())])
      for (const secret of [restic.htpasswd, account.console.token]) assert.ok(!holds(text, secret), text);
  });

  it("Data functions wait for the resources that their arguments depend on", async () => {
    program = async () => {
      assert.ok((await borgbase.getRepos()).length <= 1);
      const repo = new borgbase.Repo("backup", { name: "backup", region: "eu" });
      const key = new borgbase.SshKey("laptop", { publicKey: KEY });
      return {
        byId: borgbase.getSshKeyOutput({ id: key.id }).name,
        // The preview knows the name already, although no repository has it yet.
        byName: borgbase.getRepoOutput({ name: repo.name }).id,
        after: borgbase.getReposOutput({}, { dependsOn: [repo] }).length,
      };
    };
    const preview = await stack.preview();
    assert.ok(preview.ok, preview.output);
    for (const name of ["byId", "byName", "after"])
      assert.match(preview.output, new RegExp(`${name}\\s*: \\[unknown\\]`));
    await up();
    const { byId, byName, after } = await stack.outputs();
    const [repo] = await account.console.repos();
    assert.deepEqual([byId?.value, byName?.value, after?.value], ["laptop", repo?.id, 1]);
  });

  it("Data functions read the account of their provider", async () => {
    await addRepo(account.console, "mine");
    const theirs = await addRepo(other, "theirs");
    program = async () => {
      const provider = new borgbase.Provider("second", { token: other.token, endpoint: account.emulator.endpoint });
      return {
        names: (await borgbase.getRepos({}, { provider })).map(({ name }) => name),
        lifted: borgbase.getRepoOutput({ name: "theirs" }, { provider }).id,
        username: borgbase.getAccountOutput({ provider }).username,
        own: (await borgbase.getRepos()).map(({ name }) => name),
      };
    };
    await up();
    const values = Object.entries(await stack.outputs()).map(([name, { value }]) => [name, value]);
    assert.deepEqual(Object.fromEntries(values), {
      names: ["theirs"],
      lifted: theirs,
      username: account.emulator.accounts[1].email,
      own: ["mine"],
    });
  });

  it("Data functions report an ambiguous or unknown name, bad arguments and a bad token in one line", async () => {
    const ids = [await addRepo(account.console, "twin"), await addRepo(account.console, "twin")];
    const wrong = "0123456789abcdef-not-a-token";
    const cases: [pulumi.automation.PulumiFn, ...RegExp[]][] = [
      [
        async () => ({ repo: await borgbase.getRepo({ name: "twin" }) }),
        /getRepo: .*named "twin": ask by id/,
        ...ids.map((id) => new RegExp(id)),
      ],
      [async () => ({ repo: borgbase.getRepoOutput({ name: "twin" }) }), /getRepo: .*named "twin": ask by id/],
      [async () => ({ key: await borgbase.getSshKey({ id: "404" }) }), /getSshKey: .*no SSH key with the id 404/],
      [async () => ({ repo: await borgbase.getRepo({} as { id: string }) }), /getRepo: give \{ id \} or \{ name \}/],
      [
        async () => {
          const provider = new borgbase.Provider("bad", { token: wrong, endpoint: account.emulator.endpoint });
          return { me: borgbase.getAccountOutput({ provider }).username };
        },
        /getAccount: BorgBase refused the stack's token/,
      ],
    ];
    for (const [failing, ...patterns] of cases) {
      program = failing;
      const run = await stack.preview();
      assertOneLineError(run, ...patterns);
      assert.ok(!run.output.includes(wrong) && !run.output.includes(account.console.token), run.output);
    }
  });
});
