import { strict as assert } from "node:assert";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { COMMANDS } from "../../cli/commands";
import { execute, MAIN } from "../support/project";

describe("pulumi-borgbase completion", function () {
  this.timeout(120_000);
  const folder = mkdtempSync(join(tmpdir(), "borgbase-completion-"));
  before(() => {
    mkdirSync(join(folder, "two words"));
    writeFileSync(join(folder, "found.json"), "");
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  const scripts = new Map<string, Promise<string>>();
  const script = (shell: string) => {
    const known = scripts.get(shell) ?? printed(shell);
    scripts.set(shell, known);
    return known;
  };
  const printed = async (shell: string) => {
    const { ok, output, stdout } = await execute(process.execPath, [MAIN, "completion", shell], folder);
    assert.ok(ok, output);
    return stdout;
  };

  const optionsOf = (name: string) => Object.keys(COMMANDS[name]?.load().default.options ?? {});

  /** What a real bash offers for a command line whose last word is being typed. */
  async function inBash(...words: string[]): Promise<string[]> {
    const program = `
      eval "$1"; shift
      COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
      completer=$(complete -p pulumi-borgbase); completer=\${completer#complete -F }
      \${completer% *}
      printf '%s\\n' "\${COMPREPLY[@]}"`;
    const args = ["--norc", "-c", program, "bash", await script("bash"), "pulumi-borgbase", ...words];
    const { ok, output, stdout } = await execute("bash", args, folder);
    assert.ok(ok, output);
    return stdout.split("\n").filter(Boolean);
  }

  it("bash completes commands, options, actions, values, files and folders", async () => {
    assert.deepEqual(await inBash("dri"), ["drift"]);
    assert.deepEqual((await inBash("")).sort(), [...Object.keys(COMMANDS), "--help", "--version"].sort());
    assert.deepEqual(await inBash("discover", "--f"), ["--format"]);
    assert.deepEqual(await inBash("discover", "--format", "t"), ["typescript"]);
    assert.deepEqual(await inBash("plugin", "i"), ["install"]);
    assert.deepEqual(await inBash("drift", "--stack", ""), []);
    assert.deepEqual(await inBash("discover", "--out", "f"), ["found.json"]);
    assert.deepEqual(await inBash("drift", "--cwd", "t"), ["two words"]);
    assert.deepEqual(await inBash("nope", ""), []);
  });

  it("bash completes every option of every command", async () => {
    for (const name of Object.keys(COMMANDS)) {
      const offered = await inBash(name, "--");
      assert.deepEqual(
        offered,
        optionsOf(name).map((option) => `--${option}`),
      );
    }
  });

  it("The scripts for zsh and fish hold every command and option with its help", async () => {
    const [zsh, fish] = [await script("zsh"), await script("fish")];
    assert.match(zsh, /^#compdef pulumi-borgbase\n/);
    assert.match(zsh, /'--out\[File to write[^\]]*\]:FILE:_files'/);
    assert.match(fish, /-l format -x -a 'import typescript' -d /);
    for (const [name, { summary }] of Object.entries(COMMANDS)) {
      assert.ok(zsh.includes(`'${name}:${summary.replaceAll("'", `'\\''`)}'`), name);
      assert.ok(fish.includes(`-a ${name} -d '${summary.replaceAll("'", "\\'")}'`), name);
      const block = zsh.slice(zsh.indexOf(`\n    ${name}) _arguments`)).split(";;")[0] ?? "";
      const lines = fish.split("\n").filter((line) => line.includes(`__fish_seen_subcommand_from ${name}'`));
      for (const option of optionsOf(name)) {
        assert.match(block, new RegExp(`'\\*?--${option}\\[`), `${name} --${option}`);
        assert.ok(
          lines.some((line) => line.includes(` -l ${option} `)),
          `${name} --${option}`,
        );
      }
    }
  });

  it("A missing or unknown shell is a wrong command line that names the known ones", async () => {
    for (const args of [[], ["powershell"]]) {
      const { code, output } = await execute(process.execPath, [MAIN, "completion", ...args], folder);
      assert.equal(code, 64);
      assert.match(
        output,
        /^pulumi-borgbase completion: .*give bash, zsh, fish; see pulumi-borgbase completion --help\n$/,
      );
    }
  });
});
