import { strict as assert } from "node:assert";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import ts from "typescript";
import { generate } from "../../provider/ssh/keys";
import * as borgbase from "../../sdk";
import { startAccount } from "../support/account";
import { InstalledPlugin } from "../support/plugin";
import { execute, MAIN, ProjectStack, type Result, ROOT } from "../support/project";
import { TestStack } from "../support/stack";

interface Found {
  type: string;
  name: string;
  id: string;
}

describe("pulumi-borgbase discover", function () {
  this.timeout(600_000);
  const outside = mkdtempSync(join(tmpdir(), "borgbase-discover-"));
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
  const discover = (...args: string[]) => execute(process.execPath, [MAIN, "discover", ...args], outside, account.env);

  const addKey = async (name: string, comment = "") =>
    account.console.addKey(name, (await generate({ comment })).publicKey);

  /** @param args further arguments, in the API's own words */
  const addRepo = (name: string, args = 'region: "eu"') =>
    account.console.addRepo(`name: ${JSON.stringify(name)}, ${args}`);

  /** An account with everything that is hard to write down. */
  async function fill(): Promise<{ keys: string[]; repos: string[] }> {
    const keys = [await addKey("laptop", "me@laptop"), await addKey("web"), await addKey('`\u0024{HOME}` "k" \\ 鍵')];
    const lists = `appendOnlyKeys: ["${keys[1]}"], fullAccessKeys: ["${keys[2]}", "${keys[0]}"], rsyncKeys: ["${keys[0]}"]`;
    const compaction =
      'compactionEnabled: true, compactionInterval: 2, compactionIntervalUnit: "weeks", compactionHour: 4, compactionHourTimezone: "Europe/Berlin"';
    const repos = [
      await addRepo("web", `region: "us", ${lists}, quotaEnabled: true, quota: 5000, alertDays: 2, ${compaction}`),
      await addRepo("twice"),
      await addRepo("twice", 'region: "us", borgVersion: "V_1_2_X", appendOnly: true, sftpEnabled: true'),
      await addRepo("photos", 'region: "eu", format: "restic"'),
      await addRepo("www.example.com"),
      await addRepo("`\u0024{process.exit(3)}` \"q\" 'a' \\ Büro ☃ */", 'region: "eu"'),
      await addRepo("2024 日本"),
    ];
    return { keys, repos };
  }

  const found = (result: Result): Found[] => {
    assert.ok(result.ok, result.output);
    return JSON.parse(result.stdout).resources;
  };
  const told = ({ output, stdout }: Result) => output.slice(stdout.length);

  /** A project of TypeScript inside the checkout, so that its program resolves the package. */
  async function withProject(
    env: Record<string, string>,
    work: (stack: ProjectStack, folder: string) => Promise<void>,
  ) {
    const folder = join(ROOT, ".local", `discover-${process.pid}`);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "Pulumi.yaml"), "name: backups\nruntime: nodejs\n");
    writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "backups", private: true, main: "index.ts" }));
    const compilerOptions = { module: "nodenext", strict: true, skipLibCheck: true, noEmit: true };
    writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions }));
    const stack = await ProjectStack.create(folder, { ...account.env, ...env });
    try {
      await work(stack, folder);
    } finally {
      await stack.close();
      rmSync(folder, { recursive: true, force: true });
    }
  }

  it("A discovered program adopts every object, changes nothing and leaves the next preview empty", async () => {
    const { keys, repos } = await fill();
    const contents = async () => [await account.console.keys(), await account.console.repos()];
    const before = await contents();
    account.mutations();
    await withProject({}, async (stack, folder) => {
      writeFileSync(join(folder, "index.ts"), "");
      const own = (...args: string[]) => stack.execute(process.execPath, MAIN, "discover", ...args);
      const written = await own("--format", "typescript", "--out", "found.ts");
      assert.ok(written.ok, written.output);
      assert.equal(
        written.output,
        "In the account and not in the stack test-of-this-project: 3 SSH keys, 7 repositories.\n",
      );
      const program = readFileSync(join(folder, "found.ts"), "utf8");
      rmSync(join(folder, "found.ts"));
      writeFileSync(join(folder, "index.ts"), program);

      await stack.works("up", "--yes", "--non-interactive");
      assert.deepEqual(await stack.counts(), { SshKey: keys.length, Repo: repos.length });
      await stack.works("preview", "--expect-no-changes", "--non-interactive");
      assert.deepEqual(account.mutations(), []);
      assert.deepEqual(await contents(), before);

      const rest = await own();
      assert.deepEqual(found(rest), []);
      assert.match(told(rest), /: 0 SSH keys, 0 repositories\.\n$/);
      writeFileSync(join(folder, "index.ts"), program.replace(/^ *existingId: .*\n/gm, ""));
      await stack.works("preview", "--expect-no-changes", "--non-interactive");
      await stack.works("refresh", "--preview-only", "--expect-no-changes", "--non-interactive");
    });
  });

  it("A discovered file imports every object with the plugin, and the program of the same objects fits", async () => {
    const { keys, repos } = await fill();
    const plugin = await InstalledPlugin.create();
    account.mutations();
    try {
      await withProject(plugin.env, async (stack, folder) => {
        writeFileSync(join(folder, "index.ts"), "");
        await stack.works("config", "set", "borgbase:plugin", "true");
        const own = (...args: string[]) => stack.execute(process.execPath, MAIN, "discover", ...args);
        const program = (await own("--format", "typescript")).stdout;
        const file = await own("--out", "found.json");
        assert.ok(file.ok, file.output);
        await stack.works("import", "--file", "found.json", "--yes", "--protect=false", "--generate-code=false");
        assert.deepEqual(await stack.counts(), { SshKey: keys.length, Repo: repos.length });
        writeFileSync(join(folder, "index.ts"), program.replace(/^ *existingId: .*\n/gm, ""));
        await stack.works("preview", "--expect-no-changes", "--non-interactive");
        assert.deepEqual(account.mutations(), []);
        assert.deepEqual(found(await own()), []);
      });
    } finally {
      plugin.close();
    }
  });

  it("A discovered program holds what differs from the defaults, refers to its keys, and no password", async () => {
    const { keys, repos } = await fill();
    const { ok, output, stdout } = await discover("--format", "typescript");
    assert.ok(ok, output);
    const declared = (type: string, name: string) => {
      const [, lines] = new RegExp(`new borgbase\\.${type}\\("${name}", \\{\\n([^]*?)\\n *\\}\\)`).exec(stdout) ?? [];
      return lines?.split("\n").map((line) => line.trim());
    };
    const hard = "HOME-k";
    assert.deepEqual(declared("Repo", "web"), [
      'region: "us",',
      "quota: 5000,",
      "alertDays: 2,",
      'appendOnlyKeys: [keys["web"].id],',
      `fullAccessKeys: [keys["laptop"].id, keys["${hard}"].id],`,
      'rsyncKeys: [keys["laptop"].id],',
      'compaction: { interval: 2, unit: "weeks", hour: 4, timezone: "Europe/Berlin" },',
      `existingId: "${repos[0]}",`,
    ]);
    assert.deepEqual(declared("Repo", `twice-${repos[2]}`), [
      'name: "twice",',
      'region: "us",',
      "appendOnly: true,",
      "sftpEnabled: true,",
      'borgVersion: "V_1_2_X",',
      `existingId: "${repos[2]}",`,
    ]);
    assert.deepEqual(declared("Repo", "photos"), ['region: "eu",', 'format: "restic",', `existingId: "${repos[3]}",`]);
    const [, publicKey, existingId] = declared("SshKey", "web") ?? [];
    assert.equal(existingId, undefined);
    assert.match(declared("SshKey", "web")?.[0] ?? "", /^publicKey: "ssh-ed25519 \S+",$/);
    assert.equal(publicKey, `existingId: "${keys[1]}",`);

    const { diagnostics } = ts.transpileModule(stdout, { reportDiagnostics: true });
    assert.deepEqual(diagnostics, []);
    const passwords = await account.console.passwords();
    assert.equal(passwords.length, 1);
    for (const text of [output, (await discover()).output]) {
      for (const secret of [...passwords, account.console.token]) assert.ok(!text.includes(secret), secret);
    }
  });

  it("Without a project, the whole account of 500 repositories takes two requests, in a stable order", async () => {
    const key = await addKey("web");
    const names = Array.from({ length: 500 }, (_, index) => `web-${index}`);
    for (const name of names.toReversed()) await addRepo(name, `region: "eu", appendOnlyKeys: ["${key}"]`);
    account.emulator.control.resetCounters();
    const result = await discover();
    assert.deepEqual(
      account.emulator.control
        .log()
        .flatMap(({ operations }) => operations)
        .sort(),
      ["repoList", "sshList"],
    );
    assert.equal(told(result), "Everything in the account, as no stack is selected: 1 SSH key, 500 repositories.\n");
    assert.deepEqual(
      found(result).map(({ type, name }) => `${type} ${name}`),
      ["borgbase:index:SshKey web", ...names.map((name) => `borgbase:index:Repo ${name}`)],
    );
    assert.equal((await discover()).stdout, result.stdout);
    const { stdout } = await discover("--format", "typescript");
    assert.equal(stdout.match(/appendOnlyKeys: \[keys\["web"\]\.id\]/g)?.length, 500);
  });

  it("Resources of the stack are left out under every parent, provider and host; objects that it only reads are not", async () => {
    const read = await addRepo("read");
    const other = await addRepo("web");
    const plugin = await InstalledPlugin.create();
    const stack = await TestStack.create(
      async () => {
        const pair = new borgbase.KeyPair("pair");
        new borgbase.SshKey("key", { publicKey: pair.publicKey });
        const parent = new pulumi.ComponentResource("test:index:Group", "group");
        new borgbase.Repo("web", { name: "child", region: "eu" }, { parent });
        const provider = new borgbase.Provider("own", { plugin: true });
        new borgbase.Repo("by-plugin", { region: "eu" }, { provider });
        borgbase.Repo.get("read", read);
      },
      { ...account.env, ...plugin.env },
    );
    try {
      const up = await stack.up();
      assert.ok(up.ok, up.output);
      const { stdout } = await stack.run(process.execPath, MAIN, "discover");
      assert.deepEqual(JSON.parse(stdout).resources, [
        { type: "borgbase:index:Repo", name: `read-${read}`, id: read },
        { type: "borgbase:index:Repo", name: `web-${other}`, id: other },
      ]);
    } finally {
      await stack.close();
      plugin.close();
    }
  });

  it("A repository that waits for its deletion is left out, as the next up decides about it", async () => {
    const stack = await TestStack.create(async () => {
      new borgbase.Repo("web", { region: "eu" });
    }, account.env);
    try {
      assert.ok((await stack.up()).ok);
      const [repo] = await account.console.repos();
      account.emulator.control.setContent(repo?.id ?? "", { currentUsage: 5, lastModified: null });
      const replaced = await stack.up({ replace: ["urn:pulumi:test::borgbase-test::borgbase:index:Repo::web"] });
      assert.ok(!replaced.ok);
      assert.equal((await account.console.repos()).length, 2);
      const { stdout } = await stack.run(process.execPath, MAIN, "discover");
      assert.deepEqual(JSON.parse(stdout).resources, []);
    } finally {
      await stack.close();
    }
  });

  it("A reader that closes the pipe ends the command without a message", async () => {
    await addRepo("web");
    const pipe = '"$0" "$1" discover | true';
    const { output } = await execute("sh", ["-c", pipe, process.execPath, MAIN], outside, account.env);
    assert.equal(output, "Everything in the account, as no stack is selected: 0 SSH keys, 1 repository.\n");
  });

  it("A failure is one line on standard error, and nothing on standard output", async () => {
    const failed = async (args: string[], env: Record<string, string>, code: number, line: RegExp) => {
      const result = await execute(process.execPath, [MAIN, "discover", ...args], outside, { ...account.env, ...env });
      assert.deepEqual([result.code, result.stdout, result.output.split("\n").length], [code, "", 2], result.output);
      assert.match(result.output, line);
    };
    await failed(["--format", "yaml"], {}, 64, /--format takes import or typescript, not yaml; see .* discover --help/);
    await failed(["--cwd", join(outside, "none"), "--stack", "prod"], {}, 1, /there is no folder .*--cwd/);
    await failed([], { BORGBASE_TOKEN: "", BORGBASE_API_TOKEN: "" }, 1, /No BorgBase API token is set/);
    await failed([], { BORGBASE_TOKEN: "wrong" }, 1, /refused the token in the environment variable BORGBASE_TOKEN/);
    writeFileSync(join(outside, "kept.json"), "kept");
    await failed(["--out", "kept.json"], {}, 1, /kept\.json exists already/);
    assert.equal(readFileSync(join(outside, "kept.json"), "utf8"), "kept");
    await failed(["--out", join("none", "found.json")], {}, 1, /ENOENT.*found\.json/);
    const project = join(outside, "project");
    mkdirSync(project);
    writeFileSync(join(project, "Pulumi.yaml"), "name: without\nruntime: nodejs\n");
    await failed(["--cwd", project], { PATH: project }, 1, /there is no pulumi on the PATH/);
  });
});
