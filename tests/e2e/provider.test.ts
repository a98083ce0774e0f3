import { strict as assert } from "node:assert";
import * as pulumi from "@pulumi/pulumi";
import * as borgbase from "../../sdk";
import { Console, startAccount } from "../support/account";
import { assertOneLineError, filesWith } from "../support/output";
import { TestStack } from "../support/stack";

const PUBLIC_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGB4RQlFh1wpXyGPjkKSBQBZwTRf+tSu8ZvFBrSkX3fQ";

/** A component that contains a repository, as programs write it. */
class Backup extends pulumi.ComponentResource {
  readonly repo: borgbase.Repo;

  constructor(name: string, opts?: pulumi.ComponentResourceOptions) {
    super("test:index:Backup", name, {}, opts);
    this.repo = new borgbase.Repo(name, { region: "eu" }, { parent: this });
  }
}

describe("Provider through the real CLI", function () {
  this.timeout(600_000);
  let account: Awaited<ReturnType<typeof startAccount>>;
  let other: Console;
  const stacks: TestStack[] = [];

  before(async () => {
    account = await startAccount();
    other = new Console(account.emulator, 1);
  });
  after(async () => account.emulator.close());
  beforeEach(() => account.emulator.control.reset());
  afterEach(async () => {
    for (const stack of stacks.splice(0)) await stack.close();
  });

  async function newStack(program: pulumi.automation.PulumiFn, env = {}, config = {}) {
    const stack = await TestStack.create(program, env, config);
    stacks.push(stack);
    return stack;
  }

  async function up(stack: TestStack) {
    const run = await stack.up();
    assert.ok(run.ok, run.output);
    return run;
  }

  /** The provider entries of the state by name. */
  async function providers(stack: TestStack) {
    const { deployment } = await stack.state();
    return deployment.resources
      .filter(({ type }) => type === "pulumi:providers:pulumi-nodejs")
      .map(({ urn, inputs }) => ({ name: urn.split("::").at(-1) ?? "", inputs: inputs ?? {} }));
  }

  const names = async (console: Console) => (await console.repos()).map(({ name }) => name).sort();

  it("Provider reads token and address from the stack's configuration and encrypts the token in its entry alone", async () => {
    const { token } = account.console;
    const stack = await newStack(
      async () => {
        const repo = new borgbase.Repo("web", { region: "eu" });
        return { id: repo.id, seen: (await borgbase.getAccount()).username };
      },
      {},
      { "borgbase:token": token, "borgbase:endpoint": account.emulator.endpoint },
    );
    const run = await up(stack);
    assert.deepEqual(await names(account.console), ["web"]);
    assert.ok(!run.output.includes(token));
    assert.deepEqual(await filesWith(stack.folder, token), []);

    const { deployment } = await stack.state();
    const revealed = JSON.parse((await stack.cli("stack", "export", "--show-secrets")).stdout) as typeof deployment & {
      deployment: typeof deployment;
    };
    const holders = revealed.deployment.resources.filter((each) => JSON.stringify(each).includes(token));
    assert.deepEqual(
      holders.map(({ type }) => type),
      ["pulumi:providers:pulumi-nodejs"],
    );
    const [entry] = await providers(stack);
    assert.match(JSON.stringify(entry?.inputs["borgbase:token"]), /"ciphertext":"v1:/);
    const destroyed = await stack.destroy();
    assert.ok(destroyed.ok, destroyed.output);
    assert.deepEqual(await names(account.console), []);
  });

  it("Provider reads a token from the environment and stores it nowhere", async () => {
    const { token } = account.console;
    const stack = await newStack(async () => ({ path: new borgbase.Repo("web", { region: "eu" }).repoPath }), {
      BORGBASE_ENDPOINT: account.emulator.endpoint,
      BORGBASE_API_TOKEN: token,
    });
    const run = await up(stack);
    assert.deepEqual(await names(account.console), ["web"]);
    assert.ok(!run.output.includes(token));
    assert.deepEqual(await filesWith(stack.folder, token), []);
    const { stdout } = await stack.cli("stack", "export", "--show-secrets");
    assert.ok(!stdout.includes(token));
    assert.ok(!stdout.includes(account.emulator.endpoint));
  });

  it("Provider explains in one line how to set a missing token, and needs no token for a key pair alone", async () => {
    const stack = await newStack(
      async () => {
        new borgbase.SshKey("web", { publicKey: PUBLIC_KEY });
      },
      { BORGBASE_ENDPOINT: account.emulator.endpoint },
    );
    assertOneLineError(await stack.up(), /No BorgBase API token is set/, /pulumi config set --secret borgbase:token/);
    stack.program = async () => {
      new borgbase.KeyPair("web");
    };
    await up(stack);
  });

  it("Provider serves two accounts in one program and is inherited through components in every form", async () => {
    const { endpoint } = account.emulator;
    const stack = await newStack(async () => {
      const first = new borgbase.Provider("first", { endpoint, token: account.console.token });
      // A token that is unknown until another resource is created.
      const pair = new borgbase.KeyPair("unrelated");
      const second = new borgbase.Provider("second", { endpoint, token: pair.bits.apply(() => other.token) });
      new borgbase.Repo("own", { region: "eu" }, { provider: first });
      const one = new Backup("one", { provider: second });
      new Backup("list", { providers: [second] });
      new Backup("map", { providers: { borgbase: second } });
      const nested = new pulumi.ComponentResource("test:index:Outer", "outer", {}, { providers: [first] });
      const inner = new Backup("inner", { parent: nested });
      const list = (opts: pulumi.InvokeOutputOptions) =>
        borgbase.getReposOutput({}, { ...opts, dependsOn: [one.repo, inner.repo] });
      return {
        second: list({ provider: second }).apply((repos) => repos.some(({ name }) => name === "one")),
        nested: list({ parent: inner }).apply((repos) => repos.some(({ name }) => name === "inner")),
      };
    });
    await up(stack);
    assert.deepEqual(await names(account.console), ["inner", "own"]);
    assert.deepEqual(await names(other), ["list", "map", "one"]);
    const { second, nested } = await stack.outputs();
    assert.deepEqual([second?.value, nested?.value], [true, true]);
    const entries = (await providers(stack)).map(({ name }) => name);
    assert.deepEqual(entries.sort(), ["borgbase-default", "first", "second"], "the default one serves the pair alone");
    const drift = await stack.drift();
    assert.ok(drift.ok, drift.output);
    assert.deepEqual((await up(stack)).steps, []);
    assert.ok((await stack.destroy()).ok);
    assert.deepEqual([...(await names(account.console)), ...(await names(other))], []);
  });

  it("Provider keeps resources that are renamed, moved into a component or assigned to an explicit provider", async () => {
    const { endpoint } = account.emulator;
    const stack = await newStack(async () => {
      new borgbase.SshKey("key", { publicKey: PUBLIC_KEY });
      new borgbase.Repo("repo", { region: "eu" });
    }, account.env);
    await up(stack);
    const before = [(await account.console.keys())[0]?.id, (await account.console.repos())[0]?.id];
    account.mutations();

    const keep = async (what: string, program: pulumi.automation.PulumiFn) => {
      stack.program = program;
      assert.deepEqual((await up(stack)).steps, [], what);
      assert.deepEqual((await up(stack)).steps, [], `${what}, again`);
      assert.deepEqual(account.mutations(), [], what);
    };
    await keep("renamed and moved", async () => {
      new borgbase.SshKey("renamed key", { publicKey: PUBLIC_KEY }, { aliases: [{ name: "key" }] });
      const parent = new pulumi.ComponentResource("test:index:Team", "team");
      const aliases = [{ name: "repo", parent: pulumi.rootStackResource }];
      new borgbase.Repo("renamed repo", { region: "eu" }, { parent, aliases });
    });
    await keep("given to an explicit provider", async () => {
      const provider = new borgbase.Provider("explicit", { endpoint, token: account.console.token });
      new borgbase.SshKey("renamed key", { publicKey: PUBLIC_KEY }, { provider });
      const parent = new pulumi.ComponentResource("test:index:Team", "team", {}, { provider });
      new borgbase.Repo("renamed repo", { region: "eu" }, { parent });
    });
    const after = [(await account.console.keys())[0]?.id, (await account.console.repos())[0]?.id];
    assert.deepEqual(after, before);
    const [entry, ...more] = await providers(stack);
    assert.deepEqual([entry?.name, more.length], ["explicit", 0]);
    assert.ok((await stack.destroy()).ok);
    assert.deepEqual(account.mutations().sort(), ["repoDelete", "sshDelete"]);
  });

  it("Provider accepts a new token without changes of resources and destroys with it", async () => {
    const { control, accounts, endpoint } = account.emulator;
    const { email, tokens } = accounts[0];
    const stack = await newStack(
      async () => {
        new borgbase.Repo("web", { region: "eu" });
      },
      { BORGBASE_ENDPOINT: endpoint },
      { "borgbase:token": tokens.fullAccess },
    );
    await up(stack);
    const [old] = await providers(stack);
    control.changeToken({ account: email, token: "createOnly", level: "fullAccess" });
    await stack.setConfig("borgbase:token", tokens.createOnly);
    assert.deepEqual((await up(stack)).steps, []);
    const [renewed] = await providers(stack);
    assert.equal(renewed?.name, old?.name);
    assert.notDeepEqual(renewed?.inputs, old?.inputs);
    control.changeToken({ account: email, token: "fullAccess", expiresAt: "now" });
    const destroyed = await stack.destroy();
    assert.ok(destroyed.ok, destroyed.output);
  });

  it("Provider gives two stacks that run at once in one process separate default providers", async () => {
    const run = (name: string, token: string) =>
      newStack(
        async () => {
          new borgbase.Repo(name, { region: "eu" });
          return { user: borgbase.getAccountOutput().username };
        },
        {},
        { "borgbase:token": token, "borgbase:endpoint": account.emulator.endpoint },
      );
    const both = [await run("mine", account.console.token), await run("theirs", other.token)];
    await Promise.all(both.map(up));
    assert.deepEqual(await names(account.console), ["mine"]);
    assert.deepEqual(await names(other), ["theirs"]);
    const users = await Promise.all(both.map(async (stack) => (await stack.outputs()).user?.value));
    assert.deepEqual(
      users,
      account.emulator.accounts.map(({ email }) => email),
    );
    for (const stack of both) assert.deepEqual((await providers(stack)).length, 1);
  });
});
