import { strict as assert } from "node:assert";
import { chmodSync, mkdirSync, symlinkSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import ts from "typescript";
import { Console, startAccount } from "../support/account";
import { LanguageProject } from "../support/languages";
import { ROOT } from "../support/project";

/** A component as another package would have it: Pulumi derives its schema from the TypeScript. */
const COMPONENT = `import * as pulumi from "@pulumi/pulumi";
import * as borgbase from "pulumi-borgbase";

export interface BackupArgs {
  region: pulumi.Input<string>;
}

export class Backup extends pulumi.ComponentResource {
  readonly repoPath: pulumi.Output<string>;

  constructor(name: string, args: BackupArgs, opts?: pulumi.ComponentResourceOptions) {
    super("team:index:Backup", name, args, opts);
    const repo = new borgbase.Repo(name, { region: args.region }, { parent: this });
    this.repoPath = repo.repoPath;
    this.registerOutputs({ repoPath: this.repoPath });
  }
}
`;

const HOST = `const { componentProviderHost } = require("@pulumi/pulumi/provider/experimental");
const { Backup } = require("./index.js");
componentProviderHost({ name: "team", components: [Backup], dirname: __dirname });
`;

const PROGRAM = `name: program
runtime: yaml
plugins:
  providers: [{ name: team, path: component }]
config:
  offsiteToken: { type: string, secret: true }
resources:
  web:
    type: team:Backup
    properties: { region: eu }
  offsite:
    type: pulumi:providers:borgbase
    properties: { token: "\${offsiteToken}" }
  copy:
    type: team:Backup
    properties: { region: us }
    options: { providers: ["\${offsite}"] }
outputs:
  repoPath: \${web.repoPath}
`;

describe("Component of another package in a YAML program", function () {
  this.timeout(600_000);
  let account: Awaited<ReturnType<typeof startAccount>>;
  let project: LanguageProject;

  before(async () => {
    account = await startAccount();
    project = await LanguageProject.create(account);
    project.write("Pulumi.yaml", PROGRAM);
    const component = join(project.folder, "component");
    mkdirSync(join(component, "node_modules/@pulumi"), { recursive: true });
    for (const name of ["@pulumi/pulumi", "typescript"]) {
      const { resolve } = createRequire(join(ROOT, "package.json"));
      symlinkSync(dirname(resolve(`${name}/package.json`)), join(component, "node_modules", name));
    }
    symlinkSync(ROOT, join(component, "node_modules/pulumi-borgbase"));
    const compilerOptions = { module: ts.ModuleKind.CommonJS, target: ts.ScriptTarget.ES2022 };
    project.write("component/package.json", JSON.stringify({ name: "team", version: "1.0.0", main: "index.js" }));
    project.write("component/index.ts", COMPONENT);
    project.write("component/index.js", ts.transpileModule(COMPONENT, { compilerOptions }).outputText);
    project.write("component/host.js", HOST);
    project.write("component/pulumi-resource-team", '#!/bin/sh\nexec node "$(dirname "$0")/host.js" "$@"\n');
    chmodSync(join(component, "pulumi-resource-team"), 0o755);
  });
  after(async () => {
    await project.close();
    await account.emulator.close();
  });

  it("holds resources over the plugin, with the default provider and with one that the program passes", async () => {
    const offsite = new Console(account.emulator, 1);
    const stack = await project.newStack({ "borgbase:plugin": "true", offsiteToken: offsite.token });
    await stack.works("up", "--yes", "--skip-preview");
    const parents = (await stack.resources()).filter(({ type }) => type.startsWith("borgbase:")).map(({ urn }) => urn);
    assert.deepEqual(
      parents.map((urn) => urn.split("::").slice(2).join(" ")).sort(),
      ["copy", "web"].map((name) => `team:index:Backup$borgbase:index:Repo ${name}`),
    );
    const [repo] = await account.console.repos();
    assert.deepEqual([repo?.name, (await offsite.repos()).map(({ name }) => name)], ["web", ["copy"]]);
    assert.match(String((await stack.outputs()).repoPath), new RegExp(`^ssh://${repo?.id}@`));
    await stack.works("preview", "--expect-no-changes");
    await stack.works("destroy", "--yes", "--skip-preview");
    assert.deepEqual([await account.console.repos(), await offsite.repos()], [[], []]);
  });
});
