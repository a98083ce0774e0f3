import { strict as assert } from "node:assert";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { startAccount } from "../support/account";
import { assertOneLineError } from "../support/output";
import { ProjectStack, ROOT } from "../support/project";

const COMPONENT = `const pulumi = require("@pulumi/pulumi");
const borgbase = require("pulumi-borgbase");
exports.Backup = class extends pulumi.ComponentResource {
  constructor(name) {
    super("team:index:Backup", name);
    this.repo = new borgbase.Repo(name, { region: "eu" }, { parent: this });
  }
};
`;
const PROGRAM = 'const { Backup } = require("backup-component");\nexports.path = new Backup("web").repo.repoPath;\n';

/** A workspace laid out as pnpm does it: each package resolves only the dependencies of its own package.json. */
describe("Component package with pulumi-borgbase in a workspace", function () {
  this.timeout(600_000);
  let account: Awaited<ReturnType<typeof startAccount>>;
  let folder: string;
  let stack: ProjectStack;

  before(async () => {
    account = await startAccount();
  });
  after(async () => account.emulator.close());
  beforeEach(async () => {
    await account.emulator.control.reset();
    folder = realpathSync(mkdtempSync(join(tmpdir(), "borgbase-workspace-")));
    const sdk = dirname(createRequire(join(ROOT, "package.json")).resolve("@pulumi/pulumi/package.json"));
    write("package.json", { name: "workspace", private: true });
    write("component/package.json", { name: "backup-component", main: "index.js" });
    write("component/index.js", COMPONENT);
    link("component/node_modules/pulumi-borgbase", ROOT);
    link("component/node_modules/@pulumi/pulumi", sdk);
    write("program/Pulumi.yaml", "name: workspace\nruntime: nodejs\n");
    write("program/package.json", { name: "program", private: true, main: "src/index.js" });
    write("program/src/index.js", PROGRAM);
    link("program/node_modules/backup-component", join(folder, "component"));
    link("program/node_modules/@pulumi/pulumi", sdk);
    stack = await ProjectStack.create(join(folder, "program"), account.env);
  });
  afterEach(async () => {
    await stack.close();
    rmSync(folder, { recursive: true, force: true });
  });

  function write(name: string, content: object | string): void {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), typeof content === "string" ? content : JSON.stringify(content));
  }

  function link(name: string, target: string): void {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    symlinkSync(target, join(folder, name));
  }

  it("A program without the dependency fails in preview and up with a line that names its package.json", async () => {
    for (const command of [["preview"], ["up", "--yes", "--skip-preview"]]) {
      const { ok, output } = await stack.run(...command);
      assertOneLineError(
        { ok, output, steps: [], violations: [] },
        /add "pulumi-borgbase": "\^\d+\.\d+\.\d+" to the dependencies in \S+/,
        new RegExp(`${join(folder, "program", "package.json")}, and install`),
      );
      assert.doesNotMatch(output, /Cannot find module/);
    }
    assert.deepEqual(account.mutations(), []);
  });

  it("A program deploys once its package.json has the dependency, also after it changes its working folder", async () => {
    link("program/node_modules/pulumi-borgbase", ROOT);
    write("program/src/index.js", `process.chdir("/");\n${PROGRAM}`);
    await stack.works("up", "--yes", "--skip-preview");
    assert.deepEqual(await stack.counts(), { Repo: 1 });
    assert.ok(!JSON.stringify(await stack.resources()).includes(folder));
    await stack.works("destroy", "--yes", "--skip-preview");
    assert.deepEqual(await account.console.repos(), []);
  });

  it("A program deploys with the dependency in a parent folder, where npm and Yarn install it", async () => {
    link("node_modules/pulumi-borgbase", ROOT);
    await stack.works("up", "--yes", "--skip-preview");
    assert.deepEqual(await stack.counts(), { Repo: 1 });
  });
});
