import { strict as assert } from "node:assert";
import { mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { startAccount } from "../support/account";
import { execute, ProjectStack, ROOT } from "../support/project";

const PROGRAM = `name: first
runtime: yaml
resources:
  key:
    type: borgbase:KeyPair
  registered:
    type: borgbase:SshKey
    properties:
      publicKey: \${key.publicKey}
  repo:
    type: borgbase:Repo
    properties:
      region: eu
      appendOnlyKeys: ["\${registered.id}"]
outputs:
  repoPath: \${repo.repoPath}
`;

describe("First YAML program on a machine with Node.js, npm and the CLI", function () {
  this.timeout(600_000);
  const machine = realpathSync(mkdtempSync(join(tmpdir(), "borgbase-machine-")));
  const home = join(machine, "home");
  const folder = join(machine, "project");
  const bin = join(machine, "bin");
  let account: Awaited<ReturnType<typeof startAccount>>;
  let env: Record<string, string>;

  before(async () => {
    account = await startAccount();
    for (const each of [home, folder, bin]) mkdirSync(each);
    const which = async (name: string) => (await execute("which", [name], ROOT)).stdout.trim();
    for (const name of ["node", "npm", "npx"]) symlinkSync(realpathSync(await which(name)), join(bin, name));
    // npm keeps its downloads for other tests; all else is as on a new machine.
    const cache = (await execute("npm", ["config", "get", "cache"], ROOT)).stdout.trim();
    const path = [bin, process.env.LANGUAGE_HOSTS ?? "", "/usr/bin", "/bin"].join(delimiter);
    // The CLI takes its home from the account's entry, whatever HOME says.
    env = { ...account.env, PATH: path, HOME: home, PULUMI_HOME: join(home, ".pulumi"), npm_config_cache: cache };
  });
  after(async () => {
    await account.emulator.close();
    rmSync(machine, { recursive: true, force: true });
  });

  it("runs after `npm install` and one command", async () => {
    const packed = await execute("npm", ["pack", "--ignore-scripts", "--pack-destination", machine], ROOT);
    assert.ok(packed.ok, packed.output);
    const [tarball = ""] = readdirSync(machine).filter((name) => name.endsWith(".tgz"));
    for (const [command, ...args] of [
      ["npm", "install", "--prefer-offline", "--no-audit", "--no-fund", join(machine, tarball)],
      ["npx", "pulumi-borgbase", "plugin", "install"],
    ] as [string, ...string[]][]) {
      const { ok, output } = await execute(command, args, folder, env, 5);
      assert.ok(ok, output);
    }
    writeFileSync(join(folder, "Pulumi.yaml"), PROGRAM);
    const stack = await ProjectStack.create(folder, env);
    try {
      await stack.works("up", "--yes");
      assert.deepEqual(await stack.counts(), { KeyPair: 1, SshKey: 1, Repo: 1 });
      const [repo] = await account.console.repos();
      assert.match(String((await stack.outputs()).repoPath), new RegExp(`^ssh://${repo?.id}@`));
      await stack.works("preview", "--expect-no-changes");
      await stack.works("destroy", "--yes", "--skip-preview");
      assert.deepEqual([await account.console.repos(), await account.console.keys()], [[], []]);
    } finally {
      await stack.close();
    }
  });
});
