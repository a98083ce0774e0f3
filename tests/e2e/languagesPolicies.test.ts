import { strict as assert } from "node:assert";
import { startAccount } from "../support/account";
import { LanguageProject } from "../support/languages";
import { PolicyPackRun } from "../support/policyPack";

const program = (arguments_: string, options: string) => `name: policies
runtime: yaml
resources:
  pair: { type: "borgbase:KeyPair" }
  admin: { type: "borgbase:SshKey", properties: { publicKey: "\${pair.publicKey}" } }
  web:
    type: borgbase:Repo
    properties: { region: eu, fullAccessKeys: ["\${admin.id}"], forceDestroy: true, ${arguments_} }
    options: { ${options} }
  db:
    type: borgbase:Repo
    properties: { region: eu, fullAccessKeys: ["\${admin.id}"], alertDays: 1 }
`;

describe("Policies of YAML programs", function () {
  this.timeout(600_000);
  const pack = new PolicyPackRun();
  let account: Awaited<ReturnType<typeof startAccount>>;
  let project: LanguageProject;

  before(async () => {
    account = await startAccount();
    project = await LanguageProject.create(account);
  });
  after(async () => {
    pack.close();
    await project.close();
    await account.emulator.close();
  });

  it("A preview reports what a YAML program violates, and passes once it is fixed", async () => {
    project.write("Pulumi.yaml", program("appendOnly: true", ""));
    const stack = await project.newStack();
    const violated = await stack.run("preview", ...pack.flags({ all: "mandatory" }));
    assert.ok(!violated.ok);
    for (const line of [
      'Repo "web" has no alert',
      'Repo "web" has appendOnly but no compaction',
      'Repo "web" has forceDestroy without protect',
      'SshKey "admin" has full access to 2 repositories (db, web)',
    ]) {
      assert.ok(violated.output.includes(line), violated.output);
    }
    project.write("Pulumi.yaml", program("alertDays: 2", "protect: true"));
    const config = { all: "mandatory", "borgbase-key-repositories": { exceptions: ["admin"] } };
    const fixed = await stack.run("preview", ...pack.flags(config));
    assert.ok(fixed.ok, fixed.output);
    assert.doesNotMatch(fixed.output, /borgbase-(repo|key)-/);
  });
});
