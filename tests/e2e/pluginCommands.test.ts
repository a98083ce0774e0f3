import { strict as assert } from "node:assert";
import { type ChildProcess, spawn } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as borgbase from "../../sdk";
import { startAccount } from "../support/account";
import { InstalledPlugin } from "../support/plugin";
import { killBelow, until } from "../support/processes";
import { execute, MAIN, ROOT } from "../support/project";
import { TestStack } from "../support/stack";

const WITH_PLUGIN = { "borgbase:plugin": "true" };
const VERSION = (require("pulumi-borgbase/package.json") as { version: string }).version;

describe("Plugin and the CLI", function () {
  this.timeout(600_000);
  const folder = mkdtempSync(join(tmpdir(), "borgbase-commands-"));
  let account: Awaited<ReturnType<typeof startAccount>>;
  let plugin: InstalledPlugin;

  before(async () => {
    account = await startAccount();
    plugin = await InstalledPlugin.create();
  });
  after(async () => {
    plugin.close();
    await account.emulator.close();
    rmSync(folder, { recursive: true, force: true });
  });
  beforeEach(() => account.emulator.control.reset());

  const env = () => ({
    ...account.env,
    ...plugin.env,
    PULUMI_BACKEND_URL: `file://${folder}`,
    PULUMI_CONFIG_PASSPHRASE: "test",
    PULUMI_SKIP_UPDATE_CHECK: "true",
  });

  async function pulumi(...args: string[]) {
    const { ok, output, stdout } = await execute("pulumi", args, folder, env());
    return { ok, output, stdout };
  }

  it("the package schema passes the CLI's check, and the plugin answers with it", async () => {
    const schema = join(ROOT, "schema.json");
    const checked = await pulumi("schema", "check", schema);
    assert.ok(checked.ok, checked.output);
    const answered = await pulumi("package", "get-schema", "borgbase");
    assert.ok(answered.ok, answered.output);
    const { resources } = JSON.parse(answered.stdout);
    const expected = JSON.parse(readFileSync(schema, "utf8")).resources;
    assert.deepEqual(Object.keys(resources).sort(), Object.keys(expected).sort());
  });

  it("`pulumi do` lists, reads and asks without a program", async () => {
    const id = await account.console.addRepo('name: "web", region: "eu", alertDays: 2');
    const listed = await pulumi("do", "borgbase:index:Repo", "list");
    assert.ok(listed.ok, listed.output);
    assert.deepEqual(JSON.parse(listed.stdout), [{ id, name: "web" }]);
    const none = await pulumi("do", "borgbase:index:Repo", "list", "--name", "other");
    assert.deepEqual(JSON.parse(none.stdout), []);
    const read = await pulumi("do", "borgbase:index:Repo", "read", id);
    assert.ok(read.ok, read.output);
    assert.match(read.output, /alertDays *: 2/);
    const gone = await pulumi("do", "borgbase:index:Repo", "read", "nope");
    assert.ok(!gone.ok);
    assert.match(gone.output, /"nope" was not found/);
    const asked = await pulumi("do", "borgbase:getRepos");
    assert.equal(JSON.parse(asked.stdout).repos[0].id, id);
  });

  it("`pulumi plugin install --server` takes the archive of this platform", async () => {
    const archives = join(folder, "archives");
    const packed = await execute("node", [join(ROOT, "scripts", "packPlugin.mjs"), archives], ROOT);
    assert.ok(packed.ok, packed.output);
    const names = readdirSync(archives).sort();
    const platforms = ["darwin", "linux", "windows"].flatMap((each) => [`${each}-amd64`, `${each}-arm64`]);
    assert.deepEqual(
      names,
      platforms.map((platform) => `pulumi-resource-borgbase-v${VERSION}-${platform}.tar.gz`),
    );
    const server = createServer((request, response) => {
      const name = names.find((each) => request.url === `/${each}`);
      if (name === undefined) response.writeHead(404).end();
      else response.end(readFileSync(join(archives, name)));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const home = join(folder, "home");
    try {
      const from = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      const command = ["plugin", "install", "resource", "borgbase", VERSION, "--server", from];
      const installed = await execute("pulumi", command, folder, { ...env(), PULUMI_HOME: home });
      assert.ok(installed.ok, installed.output);
    } finally {
      server.close();
    }
    const own = (where: string) => {
      const files = readdirSync(join(where, "plugins", `resource-borgbase-v${VERSION}`));
      // Compiled code of earlier starts.
      return files.filter((name) => name !== "cache").sort();
    };
    assert.deepEqual(own(home), own(plugin.home));
    const listed = await execute("pulumi", ["do", "borgbase:index:SshKey", "list"], folder, {
      ...env(),
      PULUMI_HOME: home,
    });
    assert.deepEqual(JSON.parse(listed.stdout), []);
  });

  it("`plugin install` says in one line which release has another version", async () => {
    const command = [MAIN, "plugin", "install"];
    const refused = await execute("node", [...command, "--version", "v9.9.9"], folder, env());
    assert.ok(!refused.ok);
    assert.match(refused.output, /^pulumi-borgbase plugin: .*npx pulumi-borgbase@9\.9\.9 plugin install\n$/);
    const again = await execute("node", [...command, "--version", VERSION], folder, env());
    assert.ok(again.ok, again.output);
    const wrong = await execute("node", [command[0] as string, "plugin", "remove"], folder, env());
    assert.match(wrong.output, /unknown action remove/);
  });

  it("a start keeps its compiled code for the next one, and needs no place for it", async () => {
    const copy = join(folder, "plugin");
    cpSync(join(plugin.home, "plugins", `resource-borgbase-v${VERSION}`), copy, { recursive: true });
    const cache = join(copy, "cache");
    rmSync(cache, { recursive: true, force: true });
    const { child } = await attached(copy);
    await until(() => existsSync(cache) && readdirSync(cache, { recursive: true }).length > 1, 60, "it is kept");
    child.kill("SIGKILL");
    rmSync(cache, { recursive: true });
    writeFileSync(cache, "no folder");
    const again = await attached(copy);
    assert.match(again.port, /^\d+$/);
    again.child.kill("SIGKILL");
  });

  it("an attached plugin serves one run after the other, and logs on the resource", async () => {
    const { port, child } = await attached();
    const existingId = await account.console.addRepo('name: "web", region: "eu"');
    const stack = await TestStack.create(
      async () => {
        new borgbase.Repo("web", { region: "eu", alertDays: 3, existingId });
      },
      { ...account.env, PULUMI_DEBUG_PROVIDERS: `borgbase:${port}` },
      WITH_PLUGIN,
    );
    try {
      const preview = await stack.preview();
      assert.match(
        preview.output,
        /borgbase:index:Repo \(web\):\s+takes over the repository \w+; it changes\s+alertDays: 0 => 3/,
      );
      for (const run of [() => stack.up(), () => stack.up({ expectNoChanges: true }), () => stack.destroy()]) {
        const { ok, output } = await run();
        assert.ok(ok, output);
      }
      assert.deepEqual(await account.console.repos(), []);
      assert.equal(child.exitCode, null);
    } finally {
      child.kill("SIGKILL");
      await stack.close();
    }
  });

  it("a plugin ends with a CLI that is killed", async () => {
    const stack = await TestStack.create(
      async () => {
        new borgbase.Repo("web", { region: "eu" });
      },
      { ...account.env, ...plugin.env },
      WITH_PLUGIN,
    );
    try {
      account.emulator.control.addFault({ operation: "repoAdd", kind: "silence", work: true });
      const run = stack.up();
      const isAsked = () => account.emulator.control.log().some(({ operations }) => operations.includes("repoAdd"));
      await until(isAsked, 120, "repoAdd is asked for");
      assert.notEqual(processesOf(plugin.home), 0);
      assert.ok(killBelow(/\bpulumi up\b/) > 0);
      assert.ok(!(await run).ok);
      await until(() => processesOf(plugin.home) === 0, 60, "the plugin has ended");
      await stack.recover();
      const again = await stack.up();
      assert.ok(again.ok, again.output);
      assert.equal((await account.console.repos()).length, 1);
    } finally {
      await stack.close();
    }
  });

  /** The plugin as a person starts it, and its port. */
  async function attached(where = join(ROOT, "plugin")): Promise<{ port: string; child: ChildProcess }> {
    const file = join(where, "pulumi-resource-borgbase");
    const child = spawn(file, [], { env: { ...process.env, ...account.env }, stdio: ["ignore", "pipe", "inherit"] });
    const port = await new Promise<string>((resolve, reject) => {
      child.stdout?.once("data", (line: Buffer) => resolve(line.toString().trim()));
      child.once("exit", () => reject(new Error("the plugin has ended")));
    });
    return { port, child };
  }
});

/** How many processes run a file below a folder. A zombie has no command line. */
function processesOf(folder: string): number {
  return readdirSync("/proc").filter((name) => {
    try {
      return /^\d+$/.test(name) && readFileSync(`/proc/${name}/cmdline`, "utf8").includes(`${folder}/plugins`);
    } catch {
      return false;
    }
  }).length;
}
