import { strict as assert } from "node:assert";
import { readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Finding } from "../../cli/doctor/finding";
import { OLDEST_CLI, OLDEST_NODE } from "../../cli/doctor/machine";
import { OLDEST_SDK } from "../../cli/doctor/program";
import { checkHostKey } from "../../cli/doctor/servers";
import { PendingCreates } from "../../provider/pendingCreates";
import * as borgbase from "../../sdk";
import { Console, startAccount } from "../support/account";
import { execute, MAIN, ROOT } from "../support/project";
import { TestStack } from "../support/stack";

const CHECKS = [
  ..."pulumi-cli node borg ssh language pulumi-sdk package plugin api clock token account borg-ui stack".split(" "),
  ..."pending-operations objects interrupted-runs host-keys".split(" "),
];

describe("pulumi-borgbase doctor", function () {
  this.timeout(600_000);
  let account: Awaited<ReturnType<typeof startAccount>>;
  let stack: TestStack;
  let home: string;
  let env: Record<string, string>;

  before(async () => {
    account = await startAccount({ storage: true });
    home = await mkdtemp(join(tmpdir(), "borgbase-doctor-"));
    env = { ...account.env, PULUMI_HOME: home, PULUMI_CONFIG_PASSPHRASE: "test", PATH: process.env.PATH ?? "" };
    stack = await TestStack.create(async () => {
      const pair = new borgbase.KeyPair("web");
      const key = new borgbase.SshKey("web", { publicKey: pair.publicKey });
      new borgbase.Repo("web", { region: "eu", fullAccessKeys: [key.id] });
    }, env);
    const up = await stack.up();
    assert.ok(up.ok, up.output);
  });
  after(async () => {
    await stack.close();
    await account.emulator.close();
    rmSync(home, { recursive: true, force: true });
  });
  afterEach(() => {
    stack.env = env;
  });

  async function doctor(...args: string[]): Promise<{ code: number; out: string }> {
    try {
      const { stdout, stderr } = await stack.run(process.execPath, MAIN, "doctor", ...args);
      assert.equal(stderr, "");
      return { code: 0, out: stdout };
    } catch (error) {
      const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
      return { code, out: stdout + stderr };
    }
  }

  /** The document of `--json`, as a list and by check. */
  async function examine() {
    const { code, out } = await doctor("--json");
    const { status, findings } = JSON.parse(out) as { status: string; findings: Finding[] };
    assert.deepEqual([...new Set(findings.map(({ check }) => check))], CHECKS, out);
    for (const each of findings) {
      assert.doesNotMatch(`${each.seen}${each.advice}`, /\n/);
      if (each.status === "problem" || each.status === "warning") assert.ok(each.advice, each.seen);
    }
    const withStatus = (wanted: string) => findings.filter((each) => each.status === wanted).map(({ check }) => check);
    const of = (check: string) => findings.find((each) => each.check === check) as Finding;
    return { code, status, out, of, problems: withStatus("problem"), skipped: withStatus("skipped"), withStatus };
  }

  /** Every file below the folders, with content and time. The Pulumi CLI logs each of its commands in its home. */
  function filesIn(...folders: string[]): Record<string, string> {
    const files = folders.flatMap((folder) =>
      readdirSync(folder, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile() && entry.parentPath !== join(home, "logs"))
        .map((entry) => join(entry.parentPath, entry.name)),
    );
    const described = files.map((file) => [file, `${statSync(file).mtimeMs} ${readFileSync(file, "base64")}`]);
    return Object.fromEntries(described);
  }

  it("The doctor finds a healthy stack in order, and changes no file, state or object", async () => {
    const project = (await stack.run("sh", "-c", "pwd")).stdout.trim();
    const folders = [home, project, join(stack.file, "../../../..")];
    account.mutations();
    const before = filesIn(...folders);
    const { code, status, of, out, withStatus } = await examine();
    assert.deepEqual([code, status, withStatus("problem"), withStatus("warning")], [0, "ok", [], []], out);
    assert.deepEqual(withStatus("skipped"), ["plugin", "borg-ui"], out);
    assert.match(of("token").seen, /environment variable BORGBASE_TOKEN is accepted, .*Read Only or Full Access/);
    assert.match(of("account").seen, /^demo@example\.com/);
    assert.match(of("stack").seen, /^test at file:\/\/.*, with 3 resources/);
    assert.match(of("objects").seen, /all 2 /);
    assert.match(of("host-keys").seen, /^127\.0\.0\.1:\d+ presents the key that BorgBase publishes$/);
    const { code: exit, out: text } = await doctor();
    assert.equal(exit, 0);
    assert.match(text, /^Machine\n {2}✔ pulumi-cli +version \d/);
    assert.match(text, /\nNo problem was found; 2 checks not made\.\n$/);
    assert.deepEqual(filesIn(...folders), before);
    assert.deepEqual(account.mutations(), []);
  });

  it("The doctor reports a refused token without its text, and skips what needs it", async () => {
    stack.env = { BORGBASE_TOKEN: "no-such-token" };
    const { code, problems, of, out, skipped } = await examine();
    assert.deepEqual([code, problems], [2, ["token"]], out);
    assert.match(of("token").advice ?? "", /put a new one into BORGBASE_TOKEN/);
    // A program inside another process leaves the notes of its creates until its next run.
    assert.deepEqual(skipped, ["plugin", "account", "borg-ui", "objects", "interrupted-runs", "host-keys"]);
    assert.ok(!out.includes("no-such-token"));
    stack.env = { BORGBASE_TOKEN: "" };
    assert.equal((await examine()).of("token").seen, "no token is set");
  });

  it("The doctor reports a token of another account with both names, and takes no object for gone", async () => {
    stack.env = { BORGBASE_TOKEN: new Console(account.emulator, 1).token };
    const { problems, of, out, skipped } = await examine();
    assert.deepEqual(problems, ["account"], out);
    assert.match(of("account").seen, /account \S+@\S+, and 2 of the stack's objects belong to demo@example\.com/);
    assert.ok(skipped.includes("objects"));
  });

  it("The doctor warns of a token of the level Create Only, which may not tell its account", async () => {
    stack.env = { BORGBASE_TOKEN: account.emulator.accounts[0].tokens.createOnly };
    const { code, of, out, withStatus } = await examine();
    assert.deepEqual([code, withStatus("warning")], [0, ["token"]], out);
    assert.match(of("token").seen, /Create Only/);
    assert.match(of("account").seen, /may not tell/);
    assert.equal(of("objects").status, "ok");
  });

  it("The doctor reports an API that cannot be reached, and one that is none", async () => {
    stack.env = { BORGBASE_ENDPOINT: "http://127.0.0.1:9/graphql" };
    const { code, problems, of, skipped } = await examine();
    assert.deepEqual([code, problems], [2, ["api"]]);
    assert.match(of("api").seen, /no answer from 127\.0\.0\.1:9 \(ECONNREFUSED\)/);
    assert.match(of("api").advice ?? "", /BORGBASE_ENDPOINT/);
    for (const check of ["clock", "token", "account", "objects", "host-keys"])
      assert.ok(skipped.includes(check), check);
    stack.env = { BORGBASE_ENDPOINT: `${account.emulator.endpoint}/nothing` };
    assert.match((await examine()).of("api").seen, /answers with status 404, which is no answer of the API/);
  });

  it("The doctor reports a clock that differs from the API's", async () => {
    account.emulator.control.setClock(new Date(Date.now() + 3 * 3_600_000).toISOString());
    try {
      const { problems, of, out } = await examine();
      assert.deepEqual(problems, ["clock"], out);
      assert.match(of("clock").seen, /clock is 3 h behind the API's/);
    } finally {
      account.emulator.control.setClock(null);
    }
  });

  it("The doctor reports the object of an interrupted run that the state lacks", async () => {
    const id = await account.console.addRepo('name: "db", region: "eu"');
    const pending = new PendingCreates(account.emulator.endpoint, home);
    pending.record({ origin: "borgbase-test/test/db", kind: "Repo", args: { name: "db" }, before: [], id });
    const { problems, of, out } = await examine();
    assert.deepEqual(problems, ["interrupted-runs"], out);
    assert.match(of("interrupted-runs").seen, new RegExp(`borgbase:index:Repo db \\(${id}\\)`));
    await account.console.deleteRepo(id);
    assert.equal((await examine()).of("interrupted-runs").status, "ok");
    pending.resolve("Repo", "borgbase-test/test/db");
  });

  it("The doctor reports a missing or old Pulumi CLI, missing programs, and checks the account all the same", async () => {
    const folder = await mkdtemp(join(tmpdir(), "borgbase-no-cli-"));
    try {
      stack.env = { PATH: folder };
      const { code, problems, of, out, withStatus } = await examine();
      assert.deepEqual([code, problems, withStatus("warning")], [2, ["pulumi-cli", "node"], ["borg", "ssh"]], out);
      assert.match(of("pulumi-cli").advice ?? "", /https:\/\/www\.pulumi\.com/);
      assert.match(of("stack").seen, /needs the Pulumi CLI/);
      for (const check of ["api", "clock", "token", "account"]) assert.equal(of(check).status, "ok", check);
      await writeFile(join(folder, "pulumi"), "#!/bin/sh\necho v3.99.0\n", { mode: 0o755 });
      assert.match((await examine()).of("pulumi-cli").seen, /^version 3\.99\.0, and 3\.230\.0 or later is needed$/);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it("The doctor asks for the plugin where the stack uses it, until it is installed", async () => {
    await stack.setConfig("borgbase:plugin", "true");
    rmSync(join(home, "plugins"), { recursive: true, force: true });
    const { problems, of, out } = await examine();
    assert.deepEqual(problems, ["plugin"], out);
    assert.match(of("plugin").seen, /the stack sets borgbase:plugin, and the plugin borgbase \S+ is not installed/);
    const installed = await execute(process.execPath, [MAIN, "plugin", "install"], ROOT, { PULUMI_HOME: home });
    assert.ok(installed.ok, installed.output);
    assert.match((await examine()).of("plugin").seen, /^borgbase \S+ is installed$/);
  });

  it("The doctor reports a stack that cannot be read, with the reason of the Pulumi CLI", async () => {
    stack.env = { PULUMI_CONFIG_PASSPHRASE: "wrong" };
    const { problems, of, out } = await examine();
    assert.deepEqual(problems, ["stack"], out);
    assert.match(of("stack").seen, /the state cannot be read: .*passphrase/);
  });

  it("The doctor reports objects that were deleted behind the back, and operations that a killed run left", async () => {
    const id = (await stack.resource("Repo", "web"))?.id ?? "";
    await account.console.deleteRepo(id);
    const resource = await stack.resource("SshKey", "web");
    // `pulumi stack import` would drop them.
    const saved = JSON.parse(readFileSync(stack.file, "utf8"));
    saved.checkpoint.latest.pending_operations = [{ type: "updating", resource }];
    await writeFile(stack.file, JSON.stringify(saved));
    const { problems, of, out } = await examine();
    assert.deepEqual(problems, ["pending-operations", "objects"], out);
    assert.match(of("objects").seen, new RegExp(`not in the account: Repo web \\(${id}\\)$`));
    assert.match(of("objects").advice ?? "", /pulumi refresh/);
    assert.match(of("pending-operations").seen, /updating SshKey web$/);
    const { code, out: text } = await doctor();
    assert.equal(code, 2);
    assert.match(text, /^ {2}✖ objects +in the state.*\n +→ run `pulumi refresh`/m);
    assert.match(text, /\n2 problems, .*\.\n$/);
  });

  it("A server that presents another host key than the published one is a problem, an unreachable one a warning", async () => {
    const port = Number(account.emulator.ssh?.port);
    const other = `SHA256:${"A".repeat(43)}`;
    const { status, seen, advice } = await checkHostKey({ host: "127.0.0.1", port, fingerprints: [other] });
    assert.equal(status, "problem");
    assert.match(
      seen,
      new RegExp(`^127\\.0\\.0\\.1:${port} presents SHA256:\\S+ \\(\\S+\\), and BorgBase publishes ${other}$`),
    );
    assert.match(advice ?? "", /send no backup/);
    const closed = await checkHostKey({ host: "127.0.0.1", port: 9, fingerprints: [other] });
    assert.deepEqual([closed.status, closed.seen], ["warning", "no host key from 127.0.0.1:9: ECONNREFUSED"]);
  });

  it("Outside a project the doctor checks the machine and the account of the environment", async () => {
    const { code, stdout } = await execute(process.execPath, [MAIN, "doctor"], tmpdir(), env);
    assert.equal(code, 0, stdout);
    assert.match(stdout, /✔ token +the token in the environment variable BORGBASE_TOKEN is accepted/);
    assert.match(stdout, /- stack +not checked: there is no Pulumi project here/);
  });

  it("A wrong command line exits with 64, and a missing folder with 1", async () => {
    assert.equal((await doctor("--sideways")).code, 64);
    const { code, out } = await doctor("--cwd", "/nonexistent");
    assert.equal(code, 1);
    assert.match(out, /^pulumi-borgbase doctor: there is no folder \/nonexistent: name the project's with --cwd\n$/);
  });

  it("The oldest versions are those of the package and of the tests", () => {
    const { engines, dependencies } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
    assert.equal(`>=${OLDEST_NODE.split(".")[0]}`, engines.node);
    assert.equal(`^${OLDEST_SDK}`, dependencies["@pulumi/pulumi"]);
    const setup = readFileSync(join(ROOT, "scripts/setup/pulumi.mjs"), "utf8");
    assert.ok(setup.includes(`OLDEST = "${OLDEST_CLI}"`));
  });
});
