import { strict as assert } from "node:assert";
import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { homedir, tmpdir } from "node:os";
import { join, relative } from "node:path";
import { brotliDecompressSync } from "node:zlib";
import { startAccount } from "../support/account";
import { PolicyPackRun } from "../support/policyPack";
import { execute, ProjectStack, ROOT } from "../support/project";

const RESOURCES = `
const key = new borgbase.SshKey("web", { publicKey: new borgbase.KeyPair("web").publicKey });
const repo = new borgbase.Repo("web", { region: "eu", appendOnlyKeys: [key.id] });
`;

/** One program in three project types. The language host type-checks the first. */
const PROGRAMS = {
  "TypeScript, nodenext": {
    "package.json": { name: "program", private: true, main: "index.ts" },
    "tsconfig.json": { compilerOptions: { module: "nodenext", strict: true, skipLibCheck: true, noEmit: true } },
    "index.ts": `import type * as pulumi from "@pulumi/pulumi";
import * as borgbase from "pulumi-borgbase";
import { brotliDecompressSync } from "node:zlib";
${RESOURCES}
export const path: pulumi.Output<string> = repo.repoPath;
`,
  },
  "JavaScript, CommonJS": {
    "package.json": { name: "program", private: true, main: "index.js" },
    "index.js": `const borgbase = require("pulumi-borgbase");\n${RESOURCES}\nexports.path = repo.repoPath;\n`,
  },
  "JavaScript, ES module": {
    "package.json": { name: "program", private: true, main: "index.js", type: "module" },
    "index.js": `import * as borgbase from "pulumi-borgbase";\n${RESOURCES}\nexport const path = repo.repoPath;\n`,
  },
};

/** Types of the package's exports, as a program sees them. */
const TYPES = `import * as pulumi from "@pulumi/pulumi";
import * as borgbase from "pulumi-borgbase";
const repo = new borgbase.Repo("web", { region: "eu", fullAccessKeys: [pulumi.output("1")] });
export const path: pulumi.Output<string> = repo.repoPath;
export const interval: pulumi.Output<number | undefined> = repo.compaction.apply((each) => each?.interval);
export const usage: Promise<number> = borgbase.getRepo({ id: "a" }).then((each) => each.currentUsage);
// @ts-expect-error: region is required
new borgbase.Repo("web", {});
// @ts-expect-error: an id is a text
new borgbase.Repo("web", { region: "eu", fullAccessKeys: [5] });
// @ts-expect-error: there is no such argument
new borgbase.KeyPair("web", { colour: "red" });
`;

const COMPILERS = {
  nodenext: { module: "nodenext" },
  node16: { module: "node16" },
  commonjs: { module: "commonjs", moduleResolution: "node10" },
  bundler: { module: "esnext", moduleResolution: "bundler" },
};

/** All exports except types; every function also has an `…Output` form. */
const EXPORTS = {
  classes: ["BackupJob", "KeyPair", "MachineBackup", "Provider", "Repo", "SshConnection", "SshKey", "borgui"],
  functions: [
    ...["getAccount", "getBackupStatus", "getRepo", "getRepos", "getSshKey", "getSshKeys", "getStorage"],
    ...["renderBackupJob", "testConnection"],
  ],
};

describe("Package", function () {
  this.timeout(600_000);
  const folder = mkdtempSync(join(tmpdir(), "borgbase-package-"));
  const installed = join(folder, "node_modules", "pulumi-borgbase");
  let account: Awaited<ReturnType<typeof startAccount>>;

  before(async () => {
    account = await startAccount();
    const packed = await execute("npm", ["pack", "--ignore-scripts", "--pack-destination", folder], ROOT);
    assert.ok(packed.ok, packed.output);
    const [tarball] = readdirSync(folder).filter((name) => name.endsWith(".tgz"));
    const versionOf = (name: string) => createRequire(join(ROOT, "package.json"))(`${name}/package.json`).version;
    const dependencies = {
      "pulumi-borgbase": `file:${tarball}`,
      // The dependency versions of this project, so that npm finds them in its cache.
      "@pulumi/pulumi": versionOf("@pulumi/pulumi"),
      "@types/node": versionOf("@types/node"),
      typescript: versionOf("typescript"),
    };
    write(folder, { "package.json": { name: "elsewhere", private: true, dependencies } });
    const quiet = ["--prefer-offline", "--ignore-scripts", "--no-audit", "--no-fund", "--no-package-lock"];
    const done = await execute("npm", ["install", ...quiet], folder);
    assert.ok(done.ok, done.output);
  });
  after(async () => {
    await account.emulator.close();
    rmSync(folder, { recursive: true, force: true });
  });

  function write(where: string, files: Record<string, object | string>): string {
    mkdirSync(where, { recursive: true });
    for (const [name, content] of Object.entries(files)) {
      writeFileSync(join(where, name), typeof content === "string" ? content : JSON.stringify(content));
    }
    return where;
  }

  /** The output of a script that ran where the package is installed. */
  async function script(code: string): Promise<string> {
    const { ok, output, stdout } = await execute("node", ["-e", code], folder);
    assert.ok(ok, output);
    return stdout.trim();
  }

  for (const [name, files] of Object.entries(PROGRAMS)) {
    it(`The package works in an external program: ${name}`, async () => {
      await account.emulator.control.reset();
      const project = write(join(folder, name.replace(/\W+/g, "-")), {
        ...files,
        "Pulumi.yaml": "name: elsewhere\nruntime: nodejs\n",
      });
      const stack = await ProjectStack.create(project, account.env);
      try {
        await stack.works("up", "--yes", "--skip-preview");
        assert.deepEqual(await stack.counts(), { KeyPair: 1, SshKey: 1, Repo: 1 });
        for (const { type, inputs, outputs, sourcePosition, stackTrace } of await stack.resources()) {
          if (!type.startsWith("borgbase:")) continue;
          // The resource's position in the program, without the other stack frames.
          // (The SDK cannot read the frames of ES modules.)
          if (!name.includes("ES module")) assert.match(String(sourcePosition), /^project:\/\/\/index\.\w+#\d+,\d+$/);
          assert.deepEqual(stackTrace, [sourcePosition ? { sourcePosition } : {}]);
          // This text must never change: every later release must resolve it from an old state.
          const text = `exports.handler=()=>require("pulumi-borgbase/dynamic").host("${type.split(":")[2]}")`;
          assert.deepEqual([inputs?.__provider, outputs?.__provider], [text, text]);
        }
        const [repo] = await account.console.repos();
        assert.match(String((await stack.outputs()).path), new RegExp(`^ssh://${repo?.id}@`));
        await stack.works("destroy", "--yes", "--skip-preview");
        assert.deepEqual([await account.console.repos(), await account.console.keys()], [[], []]);
      } finally {
        await stack.close();
      }
    });
  }

  for (const [name, compilerOptions] of Object.entries(COMPILERS)) {
    it(`The package has types for programs of ${name}`, async () => {
      const options = {
        strict: true,
        noEmit: true,
        skipLibCheck: true,
        target: "es2022",
        types: [],
        ...compilerOptions,
      };
      const project = write(join(folder, `types-${name}`), {
        "package.json": { name: "types", private: true },
        "tsconfig.json": { compilerOptions: options, include: ["index.ts"] },
        "index.ts": TYPES,
      });
      const { ok, output } = await execute(join(folder, "node_modules", ".bin", "tsc"), ["-p", project], project);
      assert.ok(ok, output);
    });
  }

  it("The package exports the documented names by require and by import", async () => {
    const withOutputForms = EXPORTS.functions.flatMap((each) => [each, `${each}Output`]);
    const expected = [...EXPORTS.classes, ...withOutputForms].sort();
    const required = await script('console.log(Object.keys(require("pulumi-borgbase")).join())');
    assert.deepEqual(required.split(",").sort(), expected);
    const imported = await script('import("pulumi-borgbase").then((all) => console.log(Object.keys(all).join()))');
    const names = imported.split(",").filter((name) => !["default", "module.exports", "__esModule"].includes(name));
    assert.deepEqual(names.sort(), expected);
  });

  it("The package loads no library of the provider into a program", async () => {
    const loaded = await script(
      `const before = new Set(require("@pulumi/pulumi") && Object.keys(require.cache));
       require("pulumi-borgbase");
       console.log(Object.keys(require.cache).filter((file) => !before.has(file)).join("\\n"));`,
    );
    const files = loaded.split("\n");
    assert.ok(files.length > 3);
    // Two tables without imports, which programs and provider share.
    const shared = ["settings.js", "token.js"].map((name) => join(installed, "dist", "provider", name));
    const foreign = files.filter((file) => !file.startsWith(join(installed, "dist", "sdk")) && !shared.includes(file));
    assert.deepEqual(foreign, []);
  });

  it("The package contains the files it needs and no trace of the machine that built it", () => {
    const files = readdirSync(installed, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(installed.length + 1));
    const unexpected = files.filter(
      (file) =>
        !/^(package\.json|README\.md|LICENSE|CHANGELOG\.md)$/.test(file) &&
        !/^dist\/(sdk|provider|emulator|cli|dynamic)\/.*\.(js|d\.ts|graphql|html\.br)$/.test(file) &&
        !/^policy-pack\/(index\.js|package\.json|PulumiPolicy\.yaml)$/.test(file) &&
        !/^(schema\.json|(dist\/)?plugin\/pulumi-resource-borgbase(\.cmd|\.js)?)$/.test(file),
    );
    assert.deepEqual(unexpected, []);
    for (const file of files) {
      const content = readFileSync(join(installed, file));
      const text = (file.endsWith(".br") ? brotliDecompressSync(content) : content).toString("utf8");
      for (const place of [ROOT, homedir(), folder]) assert.ok(!text.includes(`${place}/`), `${file} names ${place}`);
    }
    for (const needed of [
      "dist/sdk/index.d.ts",
      "dist/dynamic/host.js",
      "dist/dynamic/index.js",
      "dist/provider/hosts/dynamic.d.ts",
      "dist/emulator/page.html.br",
      "dist/emulator/schema.graphql",
      "dist/plugin/pulumi-resource-borgbase.js",
      "plugin/pulumi-resource-borgbase.cmd",
      "policy-pack/PulumiPolicy.yaml",
      "schema.json",
    ]) {
      assert.ok(files.includes(needed), needed);
    }
  });

  it("A package of a clean checkout has the same contents: packing builds it", async () => {
    const checkout = mkdtempSync(join(tmpdir(), "borgbase-checkout-"));
    try {
      const listed = await execute("git", ["ls-files", "-co", "--exclude-standard", "-z"], ROOT);
      for (const file of listed.stdout.split("\0").filter((name) => name && existsSync(join(ROOT, name)))) {
        cpSync(join(ROOT, file), join(checkout, file));
      }
      symlinkSync(join(ROOT, "node_modules"), join(checkout, "node_modules"));
      const packed = await execute("npm", ["pack", "--silent"], checkout);
      assert.ok(packed.ok, packed.output);
      const [tarball = ""] = readdirSync(checkout).filter((name) => name.endsWith(".tgz"));
      const unpacked = await execute("tar", ["-xzf", tarball], checkout);
      assert.ok(unpacked.ok, unpacked.output);
      const filesIn = (path: string) =>
        readdirSync(path, { recursive: true, withFileTypes: true })
          .filter((entry) => entry.isFile())
          .map((entry) => relative(path, join(entry.parentPath, entry.name)))
          .filter((name) => !name.startsWith("node_modules"))
          .sort();
      assert.deepEqual(filesIn(join(checkout, "package")), filesIn(installed));
    } finally {
      rmSync(checkout, { recursive: true, force: true });
    }
  });

  it("The package's plugin is installed where the CLI looks, and starts there without the package", async () => {
    const home = join(folder, "home");
    const bin = join(folder, "node_modules", ".bin", "pulumi-borgbase");
    const { ok, output } = await execute(bin, ["plugin", "install"], folder, { PULUMI_HOME: home });
    assert.ok(ok, output);
    const version = JSON.parse(readFileSync(join(installed, "package.json"), "utf8")).version;
    const file = join(home, "plugins", `resource-borgbase-v${version}`, "pulumi-resource-borgbase");
    const plugin = spawn(file, [], { cwd: home, stdio: ["ignore", "pipe", "inherit"] });
    try {
      const [line] = (await once(plugin.stdout, "data")) as [Buffer];
      assert.match(line.toString(), /^\d+\n$/);
    } finally {
      plugin.kill("SIGKILL");
    }
  });

  it("The policies load without @pulumi/policy, and their pack names it where it is missing", async () => {
    assert.equal(await script('console.log(require("pulumi-borgbase/policies").borgbasePolicies.length)'), "6");
    const project = write(join(folder, "policies"), {
      "package.json": { name: "program", private: true, main: "index.js" },
      "index.js": "",
      "Pulumi.yaml": "name: elsewhere\nruntime: nodejs\n",
    });
    const pack = new PolicyPackRun(join(installed, "policy-pack"));
    const stack = await ProjectStack.create(project, account.env);
    try {
      const { ok, output } = await stack.run("preview", ...pack.flags());
      assert.ok(!ok);
      assert.match(output, /needs @pulumi\/policy: run npm install --save-dev @pulumi\/policy$/m);
      assert.doesNotMatch(output, /Cannot find module|\n +at /);
    } finally {
      await stack.close();
      pack.close();
    }
  });

  it("The package provides its command", async () => {
    const { ok, output } = await execute(join(folder, "node_modules", ".bin", "pulumi-borgbase"), ["--help"], folder);
    assert.ok(ok, output);
    assert.match(output, /emulator/);
    assert.match(output, /drift/);
  });
});
