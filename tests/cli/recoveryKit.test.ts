import { strict as assert } from "node:assert";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writeText } from "../../cli/recoveryKit/shell";
import { generate } from "../../provider/ssh/keys";
import { startAccount } from "../support/account";
import { execute, MAIN } from "../support/project";
import { RecoveryKit } from "../support/recoveryKit";

/** The kit of an account alone: tests/e2e/recoveryKit.test.ts has a stack. */
describe("pulumi-borgbase recovery-kit", function () {
  this.timeout(120_000);
  let folder: string;
  let account: Awaited<ReturnType<typeof startAccount>>;

  before(async () => {
    account = await startAccount();
    const { publicKey } = await generate();
    const key = await account.console.addKey("laptop` | x", publicKey);
    await account.console.addRepo(`name: "web-2", region: "eu", appendOnlyKeys: ["${key}"]`);
    await account.console.addRepo('name: "web-10", region: "us", borgVersion: "V_1_2_X"');
    await account.console.addRepo('name: "photos", region: "eu", format: "restic"');
    await account.console.addRepo('name: "$(touch hacked) `touch hacked` \'\\" | <b>x</b>", region: "eu"');
  });
  after(() => account.emulator.close());
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "borgbase-kit-"));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const make = (...args: string[]) =>
    execute(process.execPath, [MAIN, "recovery-kit", "--out", "kit.md", ...args], folder, account.env);
  const kit = () => readFileSync(join(folder, "kit.md"), "utf8");
  const works = async (...args: string[]) => {
    const { ok, output } = await make(...args);
    assert.ok(ok, output);
    return output;
  };

  it("Without a stack it tells what the account knows, the same text each time", async () => {
    assert.match(await works(), /Wrote kit\.md for the account alone, .*: 4 repositories, 1 key\.\n.*holds no secrets/);
    const text = kit();
    const headings = text.split("\n").filter((line) => /^### `(photos|web)/.test(line));
    assert.deepEqual(
      headings.map((line) => line.replace(/ \(.*/, "")),
      ["### `photos`", "### `web-2`", "### `web-10`"],
    );
    for (const { id, name } of await account.console.repos()) {
      if (name.startsWith("web")) assert.match(text, new RegExp(`export BORG_REPO=ssh://${id}@`));
    }
    assert.match(text, /discover --format typescript/);
    const [password = ""] = await account.console.passwords();
    for (const secret of [password, account.console.token]) assert.ok(!text.includes(secret));
    await works();
    assert.equal(kit(), text);
  });

  it("Names of the account have no meaning for Markdown and for the shell", async () => {
    await works("--with-secrets");
    const text = kit();
    assert.doesNotMatch(text.replace(/^```[\s\S]*?^```$/gm, "").replace(/(`+).*?\1/g, ""), /<b>|touch/);
    const rows = text.split("\n").filter((line) => line.startsWith("| `laptop"));
    assert.deepEqual(rows, [], "a name with a backtick has longer marks");
    const reader = new RecoveryKit(text, folder, {});
    await reader.follow("1. Prepare");
    for (const { code } of reader.blocks("2. Restore files")) {
      // Writing the scripts is enough: nothing serves this account.
      const scripts = code.split("\n").filter((line) => !/^recovery\/|^archive=|^\(cd/.test(line));
      await execute("sh", ["-c", scripts.join("\n")], folder);
    }
    assert.ok(!readdirSync(folder).includes("hacked"));
    for (const script of readdirSync(join(folder, "recovery")).filter((name) => /^(borg|restic)-/.test(name)))
      execFileSync("sh", ["-n", join(folder, "recovery", script)]);
  });

  it("A kit with secrets is readable by its owner alone, also where it replaces another kit", async () => {
    const mode = () => statSync(join(folder, "kit.md")).mode & 0o777;
    await works();
    assert.equal(mode() & 0o077, 0o044);
    assert.match(await works("--with-secrets"), /HOLDS SECRETS/);
    assert.equal(mode(), 0o600);
    assert.match(kit(), /^<!--.*SECRETS -->\n\n# .*\n\n> \*\*This file holds secrets\*\*/);
    const [password = ""] = await account.console.passwords();
    assert.ok(kit().includes(password));
    assert.deepEqual(readdirSync(folder), ["kit.md"]);
  });

  it("No foreign file is replaced, and no kit with secrets by one without, unless forced", async () => {
    const refused = async (line: RegExp, ...args: string[]) => {
      const { code, output, stdout } = await make(...args);
      assert.deepEqual([code, stdout, output.split("\n").length], [1, "", 2], output);
      assert.match(output, line);
    };
    writeFileSync(join(folder, "kit.md"), "# My notes\n");
    await refused(/kit\.md exists and is no recovery kit: .*--force/);
    assert.equal(kit(), "# My notes\n");
    await works("--force", "--with-secrets");
    const secrets = kit();
    await refused(/kit\.md is a kit with secrets, and the new one has none/);
    assert.equal(kit(), secrets);
    await works("--force");
    assert.doesNotMatch(kit(), /holds secrets\*\*/);
    rmSync(join(folder, "kit.md"));
    writeFileSync(join(folder, "elsewhere"), "kept");
    symlinkSync("elsewhere", join(folder, "kit.md"));
    await refused(/no regular file/, "--force");
    assert.equal(readFileSync(join(folder, "elsewhere"), "utf8"), "kept");
  });

  it("A failure leaves no file", async () => {
    const failed = async (env: Record<string, string>, args: string[], code: number, line: RegExp) => {
      const all = [MAIN, "recovery-kit", "--with-secrets", ...args];
      const result = await execute(process.execPath, all, folder, { ...account.env, ...env });
      assert.deepEqual([result.code, result.output.split("\n").length], [code, 2], result.output);
      assert.match(result.output, line);
      assert.deepEqual(readdirSync(folder), []);
    };
    await failed({}, [], 64, /--out FILE is required; see .* --help/);
    await failed(
      { BORGBASE_TOKEN: "", BORGBASE_API_TOKEN: "" },
      ["--out", "kit.md"],
      1,
      /No BorgBase API token is set/,
    );
    await failed({ BORGBASE_TOKEN: "wrong" }, ["--out", "kit.md"], 1, /refused the token/);
    await failed({}, ["--out", join("none", "kit.md")], 1, /ENOENT/);
    // A disk without space for the whole file.
    const limited = 'ulimit -f 1; exec "$0" "$1" recovery-kit --with-secrets --out kit.md';
    const full = await execute("bash", ["-c", `trap "" XFSZ; ${limited}`, process.execPath, MAIN], folder, account.env);
    assert.match(full.output, /EFBIG/);
    assert.deepEqual(readdirSync(folder), []);
  });

  it("Any text survives the commands that write it, in sh and bash", async () => {
    const texts = [
      "plain",
      "",
      " leading and trailing ",
      'it\'s "so" $HOME $(id) `id` \\n \\\\ !! %s',
      "END\nEND2\n'END'\n<<END",
      "```\n~~~\n# heading",
      "tab\tcr\r\nbell\u0007 ünï ☃",
      "\nfirst line empty, last too\n\n",
      "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----",
      "x".repeat(5000),
    ];
    for (const shell of ["sh", "bash"]) {
      for (const text of texts) {
        execFileSync(shell, ["-c", writeText("out put", text)], { cwd: folder });
        assert.equal(readFileSync(join(folder, "out put"), "utf8"), `${text}\n`, `${shell}: ${JSON.stringify(text)}`);
      }
    }
  });
});
