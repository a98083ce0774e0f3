import { strict as assert } from "node:assert";
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LocalWorkspace, type PulumiFn } from "@pulumi/pulumi/automation";
import stringWidth from "string-width";
import type { Report } from "../../cli/report/report";
import { generate } from "../../provider/ssh/keys";
import * as borgbase from "../../sdk";
import { startAccount } from "../support/account";
import { execute, MAIN, type Result } from "../support/project";
import { atTerminal } from "../support/terminal";

const ADDRESS = join(__dirname, "../../..");

const ESCAPE = "\u001b";

/** A time so many days ago, in the form of the API. */
const ago = (days: number) => new Date(Date.now() - days * 86_400_000).toISOString();

describe("pulumi-borgbase report", function () {
  this.timeout(600_000);
  const outside = mkdtempSync(join(tmpdir(), "borgbase-report-"));
  let account: Awaited<ReturnType<typeof startAccount>>;

  before(async () => {
    account = await startAccount();
  });
  after(async () => {
    await account.emulator.close();
    rmSync(outside, { recursive: true, force: true });
  });
  beforeEach(() => account.emulator.control.reset());

  /** In a folder without a project. */
  const report = (...args: string[]) => execute(process.execPath, [MAIN, "report", ...args], outside, account.env);
  const parsed = ({ stdout, output }: Result): Report => {
    assert.ok(stdout.startsWith("{"), output);
    return JSON.parse(stdout);
  };
  const found = (result: Result) => parsed(result).findings.map(({ kind, name, text }) => [kind, name, text]);

  const addKey = async (name: string) => account.console.addKey(name, (await generate({ comment: "" })).publicKey);

  /** @param args further arguments, in the API's own words */
  async function addRepo(name: string, args: string, currentUsage: number, daysAgo: number | null): Promise<string> {
    const id = await account.console.addRepo(`name: ${JSON.stringify(name)}, region: "eu", ${args}`);
    const lastModified = daysAgo === null ? null : ago(daysAgo);
    account.emulator.control.setContent(id, { currentUsage, lastModified });
    return id;
  }

  const COMPACTION =
    'compactionEnabled: true, compactionInterval: 2, compactionIntervalUnit: "weeks", compactionHour: 4, compactionHourTimezone: "Europe/Berlin"';

  /** An account in which nothing needs attention. */
  async function fill() {
    const [machine, admin] = [await addKey("machine"), await addKey("admin")];
    const keys = `appendOnlyKeys: ["${machine}"], fullAccessKeys: ["${admin}"]`;
    const repo = await addRepo(
      "web-1",
      `${keys}, alertDays: 2, quotaEnabled: true, quota: 860000, ${COMPACTION}`,
      470_000,
      0.3,
    );
    return { machine, admin, repo };
  }

  it("An account without findings exits with 0, and its document has every field with its unit", async () => {
    const { machine, admin, repo } = await fill();
    const restic = await addRepo("photos", 'format: "restic", alertDays: 1', 1.5, null);
    const result = await report("--json", "--stale-after", "0");
    assert.equal(result.code, 0, result.output);
    const document = parsed(result);
    const { generatedAt, repositories, keys, ...rest } = document;
    assert.ok(Math.abs(Date.now() - Date.parse(generatedAt)) < 600_000, generatedAt);
    assert.deepEqual(rest, {
      status: "clean",
      stacks: null,
      settings: {
        staleAfterDays: 0,
        fullAtPercent: 90,
        kinds: ["stale", "nearly-full", "no-alert", "no-compaction", "unused-key", "unmanaged"],
      },
      totals: { repositories: 2, keys: 2, usageMB: 470_001.5, findings: {} },
      findings: [],
      notes: ["Outside a project it is unknown which stack manages an object."],
    });
    const [photos, web] = repositories;
    assert.deepEqual(
      { ...web, createdAt: null, lastModified: null },
      {
        id: repo,
        name: "web-1",
        region: "eu",
        format: "borg1",
        usageMB: 470_000,
        quotaMB: 860_000,
        lastModified: null,
        createdAt: null,
        alertDays: 2,
        appendOnly: false,
        keys: [
          { id: machine, name: "machine", access: "append-only" },
          { id: admin, name: "admin", access: "full" },
        ],
        compaction: { interval: 2, unit: "weeks", hour: 4, timezone: "Europe/Berlin" },
        managedBy: null,
        findings: [],
      },
    );
    assert.equal(Math.round((Date.now() - Date.parse(web?.lastModified ?? "")) / 3_600_000), 7);
    assert.deepEqual(
      [photos?.id, photos?.lastModified, photos?.quotaMB, photos?.compaction, photos?.keys],
      [restic, null, null, null, []],
    );
    const { fingerprintSha256, addedAt, ...key } = keys[1] as Report["keys"][0];
    assert.match(fingerprintSha256, /^SHA256:/);
    assert.match(addedAt ?? "", /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
    assert.deepEqual(key, {
      id: machine,
      name: "machine",
      keyType: "ssh-ed25519",
      bits: 256,
      lastUsedAt: null,
      repositories: [{ id: repo, name: "web-1", access: "append-only" }],
      managedBy: null,
      findings: [],
    });
    assert.match((await report()).stdout, /^Nothing needs attention\.$/m);
  });

  it("Each finding is reported with its reason, urgent and worst first, and the exit code is 2", async () => {
    const { machine } = await fill();
    await addKey("old laptop");
    account.emulator.control.setClock(ago(30));
    await addRepo("never written", "alertDays: 3", 0, null);
    account.emulator.control.setClock(null);
    await addRepo("late", "alertDays: 2", 10, 5.55);
    await addRepo("just in time", "alertDays: 2", 10, 1.99);
    await addRepo("forgotten", "", 10, 12.5);
    await addRepo("full", "alertDays: 1, quotaEnabled: true, quota: 1000", 1020, 0.1);
    await addRepo("filling", "alertDays: 1, quotaEnabled: true, quota: 1000", 900, 0.1);
    await addRepo("room", "alertDays: 1, quotaEnabled: true, quota: 1000", 899, 0.1);
    await addRepo("growing", `alertDays: 1, appendOnlyKeys: ["${machine}"]`, 10, 0.1);
    await addRepo("append", "alertDays: 1, appendOnly: true", 10, 0.1);
    await addRepo("restic", `alertDays: 1, format: "restic", appendOnlyKeys: ["${machine}"]`, 10, 0.1);

    const all = [
      ["stale", "never written", "no backup since its creation 30 days ago; alert after 3 days"],
      ["stale", "forgotten", "last change 12 days ago"],
      ["stale", "late", "last change 5.5 days ago; alert after 2 days"],
      ["nearly-full", "full", "102 % of 1 GB in use"],
      ["nearly-full", "filling", "90 % of 1 GB in use"],
      ["no-alert", "forgotten", "nobody is told when backups stop"],
      ["no-compaction", "append", "append-only without compaction"],
      ["no-compaction", "growing", "append-only without compaction"],
      ["unused-key", "old laptop", "in no repository"],
    ];
    const result = await report("--json");
    assert.equal(result.code, 2);
    assert.deepEqual(found(result), all);
    assert.deepEqual(parsed(result).totals.findings, {
      stale: 3,
      "nearly-full": 2,
      "no-alert": 1,
      "no-compaction": 2,
      "unused-key": 1,
    });
    const names = async (...args: string[]) => found(await report("--json", ...args)).map(([, name]) => name);
    assert.deepEqual(await names("--only", "stale", "--stale-after", "20"), ["never written", "late"]);
    assert.deepEqual(await names("--only", "nearly-full", "--full-at", "100"), ["full"]);
    assert.deepEqual(await names("--only", "unused-key, no-alert"), ["forgotten", "old laptop"]);
    assert.equal((await report("--only", "unmanaged")).code, 0);

    const { stdout } = await report();
    assert.match(
      stdout,
      /\n\nStale \(3\) {2}See whether.*\n {2}never written {2}no backup since .*\n {2}forgotten {6}last change 12 days ago\n/,
    );
    assert.match(stdout, /\n\nNo compaction \(2\) {2}Set .*\n {2}append, growing\n/);
    assert.match(stdout, /\n {2}old laptop \(key\)\n/);
    assert.match(stdout, /^! {2}full {11}\w+ +borg1 +1\.02 GB +1 GB {2}█{10} 102 % +2 h +1 d {2}none +none$/m);
    assert.match(
      stdout,
      /^ {3}web-1 .* 470 GB {2}860 GB {2}█████▌···· {2}54 % +7 h +2 d {2}1 append, 1 full {2}2 weeks$/m,
    );
    assert.ok(stdout.endsWith(" Without alertDays, stale after 7 days.\n"), stdout);
  });

  it("A Read Only token is enough for two requests, and no output holds a secret", async () => {
    await fill();
    await addRepo("photos", 'format: "restic"', 10, 1);
    const readOnly = account.emulator.accounts[0]?.tokens.readOnly ?? "";
    const secrets = [readOnly, ...(await account.console.passwords())];
    assert.equal(secrets.length, 2);
    account.emulator.control.setVariants({ resticPath: "password" });
    for (const form of [[], ["--json"], ["--html", "-"]]) {
      account.emulator.control.resetCounters();
      const env = { ...account.env, BORGBASE_TOKEN: readOnly };
      const { code, output } = await execute(process.execPath, [MAIN, "report", ...form], outside, env);
      assert.equal(code, 2, output);
      assert.match(output, /photos/);
      for (const secret of secrets) assert.ok(!output.includes(secret));
      const operations = account.emulator.control.log().flatMap((request) => request.operations);
      assert.deepEqual(operations.sort(), ["repoList", "sshList"]);
    }
  });

  it("A table of 200 repositories fits the width, and hostile names neither steer the terminal nor widen it", async () => {
    const { admin } = await fill();
    for (let index = 0; index < 200; index++) {
      const quota = index % 3 === 0 ? "" : `quotaEnabled: true, quota: ${1000 * (index + 1)},`;
      await addRepo(`machine-${index}.example.com`, `${quota} fullAccessKeys: ["${admin}"]`, 100 * index, index / 10);
    }
    await addRepo("写真の長い名前写真の長い名前写真の長い名前", "", 10, 0.1);
    await addRepo("\u202eevil", "", 10, 0.1);
    for (const width of [80, 100, 120]) {
      const env = { ...account.env, COLUMNS: String(width), NO_COLOR: "1" };
      const { stdout } = await execute(process.execPath, [MAIN, "report"], outside, env);
      const lines = stdout.split("\n");
      assert.deepEqual(
        lines.filter((line) => stringWidth(line) > width),
        [],
      );
      for (const name of ["machine-0.", "machine-199.", "写真", "?evil"]) {
        assert.ok(
          lines.some((line) => line.slice(3).startsWith(name)),
          `${name} at ${width}`,
        );
      }
      assert.ok(!stdout.includes(ESCAPE) && !stdout.includes("\u202e"));
      assert.match(stdout, /and \d+ more/);
    }
  });

  it("Colours appear at a terminal alone, without NO_COLOR", async () => {
    await addRepo("late", "alertDays: 1", 10, 3);
    const inTerminal = async (env: NodeJS.ProcessEnv) =>
      (await atTerminal([MAIN, "report"], outside, { ...account.env, ...env })).stdout;
    const red = `${ESCAPE}[31mlate`;
    assert.ok((await inTerminal({})).includes(red));
    assert.ok(!(await inTerminal({ NO_COLOR: "1" })).includes(red));
    assert.ok(!(await report()).stdout.includes(ESCAPE));
  });

  it("A page replaces an earlier report with its mode, and another file with --force alone", async () => {
    await fill();
    const file = join(outside, "page.html");
    const write = (...args: string[]) => report("--html", "page.html", ...args);
    const written = await write();
    assert.deepEqual([written.code, written.output], [0, ""]);
    assert.equal(statSync(file).mode & 0o777, 0o600);
    assert.match(readFileSync(file, "utf8"), /^<!doctype html>.*web-1.*<\/html>\n$/s);
    chmodSync(file, 0o644);
    await addRepo("later", "alertDays: 1", 1, 0);
    assert.equal((await write()).code, 0);
    assert.match(readFileSync(file, "utf8"), /later/);
    assert.equal(statSync(file).mode & 0o777, 0o644);

    writeFileSync(file, "notes of a person");
    const refused = await write();
    assert.equal(refused.code, 1);
    assert.match(refused.output, /^pulumi-borgbase report: page\.html exists and is no report: .*--force\n$/);
    assert.equal(readFileSync(file, "utf8"), "notes of a person");
    assert.equal((await write("--force")).code, 0);
    assert.match((await report("--html", "-")).stdout, /^<!doctype html>/);
    assert.deepEqual(
      readdirSync(outside).filter((name) => name.startsWith("page")),
      ["page.html"],
    );
  });

  it("A failure or a wrong command line is one line, and leaves no file", async () => {
    const failed = async (args: string[], env: Record<string, string>, code: number, line: RegExp) => {
      const result = await execute(process.execPath, [MAIN, "report", ...args], outside, { ...account.env, ...env });
      assert.deepEqual([result.code, result.stdout, result.output.split("\n").length], [code, "", 2], result.output);
      assert.match(result.output, line);
    };
    await failed(["--json", "--html", "a.html"], {}, 64, /--json and --html exclude each other; see .* --help/);
    await failed(["--force"], {}, 64, /--force belongs to --html/);
    await failed(["--only", "stale,rotten"], {}, 64, /--only takes stale, nearly-full, .*, not rotten/);
    await failed(["--stale-after", "soon"], {}, 64, /--stale-after takes a number, not soon/);
    await failed(["--html", "none.html"], { BORGBASE_TOKEN: "wrong" }, 1, /refused the token in .* BORGBASE_TOKEN/);
    await failed(["--html", "none/none.html"], {}, 1, /there is no folder none: make it first/);
    await failed(["--html", "."], {}, 1, /\. is no file/);
    await failed(["--cwd", "none"], {}, 1, /there is no folder none: name the project's with --cwd/);
    const project = join(outside, "project");
    mkdirSync(project);
    writeFileSync(join(project, "Pulumi.yaml"), "name: without\nruntime: nodejs\n");
    await failed(["--cwd", project], { PATH: project }, 1, /there is no pulumi on the PATH/);
    assert.deepEqual(
      readdirSync(outside).filter((name) => name.startsWith("none")),
      [],
    );
  });

  it("A clock that is behind is named, as ages depend on it", async () => {
    await addRepo("web", "alertDays: 1", 1, -2);
    const document = parsed(await report("--json"));
    assert.match(document.notes.at(-1) ?? "", /clock of this machine is behind/);
    assert.equal(document.status, "clean");
  });

  describe("in a project with two stacks", () => {
    const folder = mkdtempSync(join(tmpdir(), "borgbase-report-project-"));
    const env = () => ({
      ...account.env,
      PULUMI_BACKEND_URL: `file://${folder}`,
      PULUMI_CONFIG_PASSPHRASE: "test",
      PULUMI_SKIP_UPDATE_CHECK: "true",
    });
    after(() => rmSync(folder, { recursive: true, force: true }));

    async function deploy(stackName: string, program: PulumiFn) {
      const projectSettings = { name: "backups", runtime: "nodejs" as const, main: ADDRESS };
      const args = { stackName, projectName: "backups", program };
      const stack = await LocalWorkspace.createOrSelectStack(args, {
        workDir: folder,
        projectSettings,
        envVars: env(),
      });
      await stack.up({ color: "never" });
      return stack;
    }

    it("Objects of every stack are managed, those that a program reads or nobody names are not", async () => {
      const { repo: other } = await fill();
      await deploy("prod", async () => {
        const pair = new borgbase.KeyPair("pair");
        const key = new borgbase.SshKey("key", { publicKey: pair.publicKey });
        new borgbase.Repo("web", { region: "eu", alertDays: 1, fullAccessKeys: [key.id] });
      });
      await deploy("dev", async () => {
        new borgbase.Repo("trial", { region: "eu", alertDays: 1 });
        borgbase.Repo.get("other", other);
      });
      const here = (...args: string[]) => execute(process.execPath, [MAIN, "report", ...args], folder, env());
      const managers = (document: Report) =>
        Object.fromEntries(
          [...document.repositories, ...document.keys].map(({ name, managedBy }) => [
            name,
            managedBy?.map((each) => `${each.stack} ${each.name}`),
          ]),
        );
      const all = parsed(await here("--json"));
      assert.deepEqual(all.stacks?.toSorted(), ["dev", "prod"]);
      assert.deepEqual(managers(all), {
        trial: ["dev trial"],
        web: ["prod web"],
        key: ["prod key"],
        "web-1": [],
        admin: [],
        machine: [],
      });
      assert.deepEqual(
        all.findings.map(({ kind, name }) => `${kind} ${name}`),
        ["unmanaged web-1", "unmanaged admin", "unmanaged machine"],
      );
      assert.match((await here()).stdout, /^web .* web \(prod\)$/m);

      const prod = parsed(await here("--json", "--stack", "prod"));
      assert.deepEqual(prod.stacks, ["prod"]);
      assert.deepEqual([managers(prod).web, managers(prod).trial], [["prod web"], []]);
      const both = parsed(await here("--json", "--stack", "prod", "--stack", "dev"));
      assert.deepEqual(both.stacks, ["prod", "dev"]);
      const none = await here("--stack", "nowhere");
      assert.equal(none.code, 1);
      assert.match(none.output, /^pulumi-borgbase report: .*nowhere.*\n$/);
    });

    it("The account is that of the selected stack, and other stacks need no passphrase", async () => {
      await addRepo("web", "alertDays: 1", 1, 0);
      const stack = await deploy("dev", async () => {});
      await stack.setConfig("borgbase:token", { value: account.console.token, secret: true });
      const found = await execute(process.execPath, [MAIN, "report", "--json"], folder, {
        ...env(),
        BORGBASE_TOKEN: "wrong",
      });
      assert.equal(parsed(found).repositories.length, 1);
      const withEnv = await execute(process.execPath, [MAIN, "report", "--json", "--stack", "prod"], folder, {
        ...env(),
        PULUMI_CONFIG_PASSPHRASE: undefined,
      });
      assert.equal(parsed(withEnv).repositories.length, 1);
    });
  });
});
