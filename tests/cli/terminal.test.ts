import { strict as assert } from "node:assert";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startAccount } from "../support/account";
import { execute, MAIN } from "../support/project";
import { atTerminal, PLAIN } from "../support/terminal";

const TERMINAL = JSON.stringify(join(__dirname, "../../cli/terminal.js"));
const ERASE_LINE = "\u001b[2K";

describe("Output at a terminal", function () {
  this.timeout(120_000);
  const outside = mkdtempSync(join(tmpdir(), "borgbase-terminal-"));
  after(() => rmSync(outside, { recursive: true, force: true }));

  const here = (args: string[], env?: NodeJS.ProcessEnv) => atTerminal(args, outside, env);

  it("Colours appear at a terminal alone, and NO_COLOR, TERM=dumb and FORCE_COLOR decide as in Node.js", async () => {
    const args = ["-e", `process.stdout.write(require(${TERMINAL}).styled("red", "fault"))`];
    const red = "\u001b[31mfault\u001b[39m";
    const output = async (env: NodeJS.ProcessEnv) => (await here(args, env)).stdout.trim();
    assert.equal(await output({}), red);
    assert.equal(await output({ NO_COLOR: "1" }), "fault");
    assert.equal(await output({ TERM: "dumb" }), "fault");
    assert.equal(await output({ FORCE_COLOR: "0" }), "fault");
    const piped = async (env: NodeJS.ProcessEnv) => (await execute(process.execPath, args, outside, env)).stdout;
    assert.equal(await piped(PLAIN), "fault");
    assert.equal(await piped({ ...PLAIN, FORCE_COLOR: "1" }), red);
  });

  it("A long command shows its step at a terminal, and leaves its result alone", async () => {
    const account = await startAccount();
    try {
      await account.console.addRepo('name: "web", region: "eu"');
      const { ok, stdout } = await here([MAIN, "discover"], account.env);
      assert.ok(ok, stdout);
      assert.match(stdout, /Reading the account/);
      const left = stdout.slice(stdout.lastIndexOf(ERASE_LINE) + ERASE_LINE.length);
      assert.match(left, /^\{\r\n {2}"resources".*\}\r\nEverything in the account[^\r\n]*1 repository\.\r\n$/s);

      const failed = await here([MAIN, "discover"], { ...account.env, BORGBASE_TOKEN: "wrong" });
      const error = failed.stdout.slice(failed.stdout.lastIndexOf(ERASE_LINE) + ERASE_LINE.length);
      assert.match(error, /^pulumi-borgbase discover: BorgBase refused .*\r\n$/);

      const dumb = await here([MAIN, "discover"], { ...account.env, TERM: "dumb" });
      assert.doesNotMatch(dumb.stdout, /Reading/);
      assert.doesNotMatch(
        (await execute(process.execPath, [MAIN, "discover"], outside, account.env)).output,
        /Reading/,
      );
    } finally {
      await account.emulator.close();
    }
  });
});
