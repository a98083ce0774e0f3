import { strict as assert } from "node:assert";
import * as borgbase from "../../sdk";
import { startAccount } from "../support/account";
import { assertOneLineError } from "../support/output";
import { TestStack } from "../support/stack";

const KEYS = [
  "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGB4RQlFh1wpXyGPjkKSBQBZwTRf+tSu8ZvFBrSkX3fQ",
  "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAabN6FmtLKOo3WMNcfjyXNDV7AgMVJkAaOpXKQCAmmR",
] as const;

describe("Token levels through the real CLI", function () {
  this.timeout(600_000);
  let account: Awaited<ReturnType<typeof startAccount>>;
  let stack: TestStack;
  let key: borgbase.SshKeyArgs | undefined;
  let repo: borgbase.RepoArgs | undefined;
  let more: number;

  before(async () => {
    account = await startAccount();
  });
  after(async () => account.emulator.close());

  beforeEach(async () => {
    await account.emulator.control.reset();
    key = { publicKey: KEYS[0] };
    repo = { region: "eu", alertDays: 1 };
    more = 0;
    stack = await TestStack.create(async () => {
      const ids = key ? [new borgbase.SshKey("key", key).id] : [];
      if (repo) new borgbase.Repo("repo", { ...repo, fullAccessKeys: ids });
      for (let i = 0; i < more; i++) new borgbase.SshKey(`more${i}`, { publicKey: KEYS[1] });
    }, account.env);
  });
  afterEach(async () => stack.close());

  function use(level: "readOnly" | "createOnly" | "fullAccess", of = 0) {
    const token = account.emulator.accounts[of]?.tokens[level];
    stack.env = { BORGBASE_TOKEN: String(token) };
  }

  async function up() {
    const run = await stack.up();
    assert.ok(run.ok, run.output);
    return run;
  }

  /** The contents of the account, for comparisons. */
  async function everything() {
    return { keys: await account.console.keys(), repos: await account.console.repos() };
  }

  /** Checks that a command fails with the required level and leaves the account unchanged. */
  async function assertRefused(run: Awaited<ReturnType<TestStack["up"]>>, before: object, ...patterns: RegExp[]) {
    assertOneLineError(run, ...patterns);
    assert.deepEqual(await everything(), before, run.output);
  }

  it("A Create Only token creates, previews and refreshes, and is refused for edits and deletions", async () => {
    use("createOnly");
    await up();
    assert.deepEqual((await up()).steps, []);
    const drift = await stack.drift();
    assert.ok(drift.ok, drift.output);
    assert.ok((await stack.refresh()).ok);
    const before = await everything();
    assert.deepEqual([before.keys.length, before.repos.length], [1, 1]);

    repo = { region: "eu", alertDays: 5 };
    await assertRefused(await stack.up(), before, /BORGBASE_TOKEN/, /level Full Access/);
    repo = { region: "us", alertDays: 1 };
    await assertRefused(await stack.up(), before, /level Full Access/);
    repo = { region: "eu", alertDays: 1 };
    key = { publicKey: KEYS[1] };
    await assertRefused(await stack.up(), before, /Replacing the SSH key/, /level Full Access/);
    key = { publicKey: KEYS[0] };
    await assertRefused(await stack.destroy(), before, /BORGBASE_TOKEN/, /level Full Access/);

    use("fullAccess");
    assert.deepEqual((await up()).steps, [], "nothing was left half done");
    assert.ok((await stack.destroy()).ok);
    assert.deepEqual(await everything(), { keys: [], repos: [] });
  });

  it("A Read Only token previews and refreshes, and up and destroy name the required level", async () => {
    await up();
    const before = await everything();
    use("readOnly");
    assert.deepEqual((await up()).steps, []);
    const drift = await stack.drift();
    assert.ok(drift.ok, drift.output);
    assert.ok((await stack.refresh()).ok);

    repo = { region: "eu", alertDays: 5 };
    more = 1;
    const preview = await stack.preview();
    assert.ok(preview.ok, preview.output);
    assert.deepEqual(preview.steps.map(({ op, name }) => `${op} ${name}`).sort(), ["create more0", "update repo"]);
    const refused = await stack.up();
    await assertRefused(refused, before, /add the SSH key "more0"/, /level Create Only or Full Access/);
    repo = { region: "eu", alertDays: 1 };
    more = 0;
    await assertRefused(await stack.destroy(), before, /delete the repository/, /level Full Access/);
  });

  it("An expired token is refused without a retry, and the error names its source", async () => {
    more = 4;
    await up();
    const before = await everything();
    const expire = (token: "readOnly" | "createOnly") =>
      account.emulator.control.changeToken({ account: account.emulator.accounts[0].email, token, expiresAt: "now" });
    expire("readOnly");
    expire("createOnly");

    use("readOnly");
    account.emulator.control.resetCounters();
    const refreshed = await stack.refresh();
    assertOneLineError(refreshed, /BorgBase refused the token in the environment variable BORGBASE_TOKEN/, /expired/);
    // Account and lists are requested in parallel; none of the six resources sends another request.
    assert.deepEqual(account.emulator.control.counters().operations, { me: 1, sshList: 1, repoList: 1 });

    await stack.setConfig("borgbase:token", account.emulator.accounts[0].tokens.createOnly);
    repo = { region: "eu", alertDays: 5 };
    account.emulator.control.resetCounters();
    const edited = await stack.up();
    assertOneLineError(edited, /BorgBase refused the stack's token \(of the Provider or `borgbase:token`/, /expired/);
    assert.equal(account.emulator.control.counters().requests, 1);
    assert.deepEqual(await everything(), before);
    assert.ok(await stack.resource("Repo", "repo"));
  });

  it("A token of another account makes refresh name both accounts and up create nothing", async () => {
    await up();
    const before = await everything();
    const [mine, theirs] = account.emulator.accounts.map(({ email }) => email.replace(".", "\\."));
    for (const level of ["fullAccess", "readOnly"] as const) {
      use(level, 1);
      account.mutations();
      const refreshed = await stack.refresh();
      assertOneLineError(refreshed, new RegExp(`of the account ${theirs}`), new RegExp(`belongs to ${mine}`));
      const updated = await stack.up({ refresh: true });
      assertOneLineError(updated, new RegExp(`belongs to ${mine}`));
      assert.ok((await stack.resource("SshKey", "key")) && (await stack.resource("Repo", "repo")), level);
      assert.deepEqual(account.mutations(), []);
    }
    use("createOnly", 1);
    assertOneLineError(await stack.refresh(), /may not tell whose account it sees/, new RegExp(`belongs to ${mine}`));
    use("fullAccess", 1);
    assertOneLineError(await stack.destroy(), new RegExp(`belongs to ${mine}`));
    assert.ok((await stack.resource("SshKey", "key")) && (await stack.resource("Repo", "repo")));

    use("fullAccess");
    assert.deepEqual((await up()).steps, []);
    const drift = await stack.drift();
    assert.ok(drift.ok, drift.output);
    assert.deepEqual(await everything(), before);
  });
});
