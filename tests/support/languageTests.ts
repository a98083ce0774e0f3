import { strict as assert } from "node:assert";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Console, startAccount } from "./account";
import { LanguageProject } from "./languages";
import { filesWith } from "./output";
import { MAIN, type ProjectStack } from "./project";
import { makeKey } from "./sshKeygen";

/** What differs between languages. */
export interface Language {
  /** Pulumi's name of it, and of its example. */
  name: "yaml" | "python" | "go" | "nodejs";
  /** Makes an example or an empty project ready for use, by the commands that its README gives. */
  install?(project: LanguageProject): Promise<void>;
  /** Makes generated code the program of the project. */
  use(project: LanguageProject, code: string): void;
  /** An argument as generated code spells it, up to its value. */
  argument(name: string): string;
}

const COMPACTION = 'compactionEnabled: true, compactionInterval: 2, compactionIntervalUnit: "weeks", compactionHour: 4';

/** The arguments of the imported objects that are not at their default. */
const IMPORTED = ["name", "region", "quota", "alertDays", "appendOnlyKeys", "compaction", "publicKey"];

/** The same tests for every language; without `example`, those of `pulumi import` alone. */
export function testLanguage(language: Language, { example }: { example: boolean }): void {
  describe(`Programs of the runtime ${language.name}`, function () {
    this.timeout(900_000);
    let account: Awaited<ReturnType<typeof startAccount>>;
    let project: LanguageProject;

    before(async () => {
      account = await startAccount();
      project = await LanguageProject.create(account, example ? language.name : undefined);
      await language.install?.(project);
    });
    after(async () => {
      await project.close();
      await account.emulator.close();
    });
    beforeEach(() => account.emulator.control.reset());

    if (example) {
      it(`The example ${language.name} is created, changes nothing again, shows drift, repairs it, and is destroyed`, () =>
        followLifecycle(project, account));
    }

    it(`pulumi import writes code for ${language.name} with what is not at its default; a preview of it is empty`, () =>
      importAsCode(language, project, account));
  });
}

async function followLifecycle(project: LanguageProject, account: Awaited<ReturnType<typeof startAccount>>) {
  const { console, emulator } = account;
  const offsite = new Console(emulator, 1);
  const shared = await console.addRepo('name: "shared", region: "eu"');
  const stack = await project.newStack({ offsiteToken: offsite.token, sharedRepo: shared });
  await stack.works("up", "--yes");
  assert.deepEqual(await stack.counts(), { KeyPair: 1, SshKey: 1, Repo: 3 });
  const [copy] = await offsite.repos();
  const repo = (await console.repos()).find(({ id }) => id !== shared);
  const [key] = await console.keys();
  assert.deepEqual(
    [repo?.name, repo?.alertDays, repo?.fullAccessKeys, repo?.compactionIntervalUnit, copy?.name, copy?.format],
    ["laptop", 2, [key?.id], "weeks", "laptop-copy", "restic"],
  );

  const { privateKey, resticUrl, ...outputs } = (await stack.outputs()) as Record<string, string>;
  assert.match(outputs.repoPath ?? "", new RegExp(`^ssh://${repo?.id}@`));
  assert.match(outputs.sharedPath ?? "", new RegExp(`^ssh://${shared}@`));
  assert.equal(outputs.usage, 0);
  assert.match(await stack.works("stack", "output"), /privateKey +\[secret\]\n.*\n *resticUrl +\[secret\]/);
  for (const secret of [privateKey, resticUrl, offsite.token]) {
    assert.deepEqual(await filesWith(stack.backend, String(secret)), []);
  }

  account.mutations();
  await stack.works("preview", "--expect-no-changes");
  emulator.control.setContent(repo?.id ?? "", { currentUsage: 12, lastModified: null });
  await console.edit(repo?.id ?? "", "alertDays: 9, quotaEnabled: true, quota: 5");
  const drift = await stack.run("refresh", "--preview-only", "--expect-no-changes", "--diff");
  assert.ok(!drift.ok);
  assert.match(drift.output, /alertDays *: 2 => 9/);
  assert.doesNotMatch(drift.output, /quota *: 0 => 5/, "an argument that the program does not set");
  await stack.works("refresh", "--yes", "--skip-preview");
  account.mutations();
  await stack.works("up", "--yes", "--skip-preview");
  assert.deepEqual(account.mutations(), ["repoEdit"]);
  const repaired = (await console.repos()).find(({ id }) => id === repo?.id);
  assert.deepEqual([repaired?.alertDays, repaired?.quota], [2, 5]);
  assert.equal((await stack.outputs()).usage, 12);

  emulator.control.setContent(repo?.id ?? "", { currentUsage: 0, lastModified: null });
  await stack.works("destroy", "--yes", "--skip-preview");
  const left = (await console.repos()).map(({ id }) => id);
  assert.deepEqual([left, await console.keys(), await offsite.repos()], [[shared], [], []]);
}

async function importAsCode(
  language: Language,
  project: LanguageProject,
  account: Awaited<ReturnType<typeof startAccount>>,
) {
  const { console } = account;
  const { publicKey } = await makeKey("-t ed25519");
  const key = await console.addKey("web", publicKey);
  const access = `appendOnlyKeys: ["${key}"]`;
  await console.addRepo(
    `name: "web", region: "eu", alertDays: 3, quotaEnabled: true, quota: 700, ${access}, ${COMPACTION}`,
  );
  const photos = await console.addRepo(`name: "all photos, in \u0024{HOME} 'and' elsewhere \u2603", region: "us"`);
  // A word of many languages, and the name of the package.
  await console.addRepo('name: "class", region: "eu"');
  await console.addRepo('name: "borgbase", region: "eu"');
  // Whatever the example's configuration holds, which `import` checks.
  const config = { "borgbase:plugin": "true", offsiteToken: "none", sharedRepo: "none" };
  const imported = async (stack: ProjectStack, ...args: string[]) => {
    await stack.works("import", ...args, "--out", "code", "--yes", "--protect=false");
    return readFileSync(join(project.folder, "code"), "utf8");
  };
  const first = await project.newStack(config);
  for (const [type, name, id, expected] of [
    ["Repo", "photos", photos, ["name", "region"]],
    ["SshKey", "web", key, ["publicKey"]],
  ] as const) {
    const alone = await imported(first, `borgbase:index:${type}`, name, id);
    assert.deepEqual(argumentsIn(alone, language), expected, alone);
  }

  const stack = await project.newStack(config);
  const discovered = await stack.execute(process.execPath, MAIN, "discover", "--out", "resources.json");
  assert.ok(discovered.ok, discovered.output);
  account.mutations();
  const code = await imported(stack, "--file", "resources.json");
  assert.deepEqual(argumentsIn(code, language), [...IMPORTED].sort(), code);
  for (const value of ["all photos", "700", publicKey.trim()]) assert.ok(code.includes(value), code);
  assert.ok(!code.includes(key), "a repository refers to the key by its resource");
  language.use(project, code);
  await stack.works("preview", "--expect-no-changes", "--diff");
  assert.deepEqual(account.mutations(), []);
}

/** The names of the arguments of `Repo` and `SshKey` in generated code, each once. */
function argumentsIn(code: string, { argument }: Language): string[] {
  const { resources } = JSON.parse(readFileSync(join(__dirname, "../../../schema.json"), "utf8")) as {
    resources: Record<string, { inputProperties: object }>;
  };
  const imported = ["Repo", "SshKey"].map((type) => resources[`borgbase:index:${type}`]?.inputProperties ?? {});
  const names = new Set(imported.flatMap(Object.keys));
  return [...names].filter((name) => new RegExp(`(^|[^\\w])${argument(name)}`, "m").test(code)).sort();
}
