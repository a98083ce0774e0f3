import { strict as assert } from "node:assert";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import * as borgbase from "../../sdk";
import { startAccount } from "../support/account";
import { assertOneLineError, filesWith, holds } from "../support/output";
import { type MadeKey, makeKey } from "../support/sshKeygen";
import { type Run, TestStack } from "../support/stack";

const PASSPHRASE = "correct horse battery staple";

describe("Secrets through the real CLI", function () {
  this.timeout(600_000);
  const logged: string[] = [];
  let account: Awaited<ReturnType<typeof startAccount>>;
  let home: string;
  let stack: TestStack;
  let locked: MadeKey;
  let program: pulumi.automation.PulumiFn;

  before(async () => {
    account = await startAccount({ log: (line) => logged.push(line) });
    locked = await makeKey("-t ed25519", PASSPHRASE);
  });
  after(async () => account.emulator.close());

  beforeEach(async () => {
    await account.emulator.control.reset();
    home = await mkdtemp(join(tmpdir(), "borgbase-home-"));
    const config = { "borgbase:token": account.console.token, "borgbase:endpoint": account.emulator.endpoint };
    // Folders for files of CLI and provider: the backend, PULUMI_HOME and temporary files.
    stack = await TestStack.create(() => program(), { PULUMI_HOME: home, TMPDIR: home }, config);
  });
  afterEach(async () => {
    await stack.close();
    await rm(home, { recursive: true, force: true });
  });

  const all = async () => {
    // Plain text arguments, as in a careless program.
    const brought = new borgbase.KeyPair("brought", { privateKey: locked.privateKey, passphrase: PASSPHRASE });
    const made = new borgbase.KeyPair("made");
    const keys = [brought, made].map((pair, i) => new borgbase.SshKey(`key${i}`, { publicKey: pair.publicKey }).id);
    const borg = new borgbase.Repo("borg", { region: "eu", fullAccessKeys: keys, alertDays: 1 });
    const restic = new borgbase.Repo("restic", { region: "eu", format: "restic" });
    return {
      privateKeys: [brought.privateKey, made.privateKey],
      path: borg.repoPath,
      resticPath: restic.repoPath,
      url: restic.resticUrl,
      password: restic.htpasswd,
      usage: borgbase.getReposOutput({}, { dependsOn: [restic] }),
    };
  };

  /** Secrets that must appear nowhere in plain text, by name. */
  async function secrets(): Promise<Record<string, string>> {
    const { privateKeys, password, url } = await stack.outputs();
    assert.ok(privateKeys && password && url);
    const [brought, made] = privateKeys.value as [string, string];
    const { password: inUrl } = new URL(String(url.value).replace(/^rest:/, ""));
    assert.ok(password.value.length > 8 && inUrl.length > 8);
    return {
      token: account.console.token,
      passphrase: PASSPHRASE,
      "private key as it was given": locked.privateKey,
      "private key that was brought": brought,
      "private key that was made": made,
      htpasswd: password.value,
      "password in resticUrl": inUrl,
    };
  }

  it("Secrets are in no file, no output and no request log of any command", async () => {
    program = all;
    const runs: [string, Run][] = [["preview", await stack.preview({ diff: true })]];
    runs.push(["up", await stack.up({ diff: true })]);
    const known = await secrets();
    account.emulator.control.setVariants({ resticPath: "password" });
    runs.push(["second up", await stack.up()], ["refresh", await stack.refresh()]);
    const texts: [string, string][] = [
      ["stack export", JSON.stringify(await stack.state())],
      ["stack output", (await stack.cli("stack", "output", "--json")).stdout],
      ["config", (await stack.cli("config", "--json")).stdout],
    ];
    runs.push(["destroy", await stack.destroy()]);
    for (const [what, { ok, output }] of runs) {
      assert.ok(ok, `${what}: ${output}`);
      texts.push([what, output]);
    }
    texts.push(["the emulator's log", logged.join("\n")]);
    texts.push(["the emulator's requests", JSON.stringify(account.emulator.control.log())]);
    for (const [name, secret] of Object.entries(known)) {
      for (const [what, text] of texts) assert.ok(!holds(text, secret), `${name} in ${what}`);
      for (const folder of [stack.folder, home]) assert.deepEqual(await filesWith(folder, secret), [], name);
    }
  });

  // Pulumi's engine and SDK trace the values of every provider, token and arguments from -v=9 on.
  const TRACE =
    /"msg":"(Unmarshaling property for RPC|Marshaling property for RPC|RegisterResource RPC finished|eventSink::Debug)/;

  it("Secrets are in --logtostderr -v=9 only as the engine's own trace, and not in --debug", async () => {
    program = all;
    const loud = { logToStdErr: true, logVerbosity: 9, logFlow: true };
    const runs: [string, Run][] = [["up", await stack.up(loud)]];
    const known = await secrets();
    const debugged = await stack.up({ debug: true });
    runs.push(["preview", await stack.preview(loud)]);
    runs.push(["refresh", await stack.refresh(loud)]);
    runs.push(["destroy", await stack.destroy(loud)]);
    for (const [what, { ok, output }] of runs) {
      assert.ok(ok, `${what}: ${output}`);
      assert.match(output, /"level":"INFO"/, `${what} is logged`);
      // Newer engines trace no values where no program runs.
      if (what === "up") assert.match(output, TRACE, "it does trace");
      const own = output
        .split("\n")
        .filter((line) => !TRACE.test(line))
        .join("\n");
      for (const [name, secret] of Object.entries(known)) assert.ok(!holds(own, secret), `${name} in ${what}`);
    }
    assert.match(debugged.output, /debug: /);
    for (const name of ["token", "passphrase", "private key as it was given"])
      assert.ok(!holds(debugged.output, known[name] as string), name);
  });

  it("Secrets are in no error about a refused token or an unusable key", async () => {
    const token = "0123456789abcdef-a-token-that-nobody-knows";
    await stack.setConfig("borgbase:token", token);
    const failing: [pulumi.automation.PulumiFn, RegExp][] = [
      [async () => void new borgbase.Repo("web", { region: "eu" }), /BorgBase refused the stack's token/],
      [
        async () => void new borgbase.KeyPair("web", { privateKey: locked.privateKey, passphrase: "not that one" }),
        /passphrase does not open the private key/,
      ],
      [
        async () => void new borgbase.SshKey("web", { publicKey: locked.privateKey }),
        /this is a private key; give its public half/,
      ],
    ];
    for (const [wrong, reason] of failing) {
      program = wrong;
      const run = await stack.up();
      assertOneLineError(run, reason);
      for (const secret of [token, locked.privateKey, "not that one"]) {
        assert.ok(!holds(run.output, secret), run.output);
        for (const folder of [stack.folder, home]) assert.deepEqual(await filesWith(folder, secret), []);
      }
    }
  });

  it("A secret argument stays secret in the output of the same name", async () => {
    program = async () => {
      const name = pulumi.secret("Project Blackbird");
      const { id, ...repo } = new borgbase.Repo("web", { name, region: "eu" });
      return { name: repo.name, region: repo.region };
    };
    const run = await stack.up();
    assert.ok(run.ok, run.output);
    const { name, region } = await stack.outputs();
    assert.deepEqual([name?.secret, name?.value, region?.secret], [true, "Project Blackbird", false]);
    assert.deepEqual(await filesWith(stack.folder, "Project Blackbird"), []);
  });
});
