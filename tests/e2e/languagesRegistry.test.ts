import { strict as assert } from "node:assert";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readMarkdown } from "../docs/markdown";
import { startAccount } from "../support/account";
import { LanguageProject } from "../support/languages";
import { ProjectStack, ROOT } from "../support/project";

const PAGES = ["docs/_index.md", "docs/installation-configuration.md"];

describe("Pages for Pulumi's registry", function () {
  this.timeout(600_000);
  let account: Awaited<ReturnType<typeof startAccount>>;

  before(async () => {
    account = await startAccount();
  });
  after(() => account.emulator.close());
  beforeEach(() => account.emulator.control.reset());

  const program = (language: string) => {
    const [found] = readMarkdown("docs/_index.md").code.filter((each) => each.language === language);
    return found?.text ?? "";
  };

  async function follow(stack: ProjectStack): Promise<void> {
    await stack.works("up", "--yes", "--skip-preview");
    const [repo] = await account.console.repos();
    const [key] = await account.console.keys();
    assert.deepEqual([repo?.name, repo?.alertDays, repo?.appendOnlyKeys], ["laptop", 2, [key?.id]]);
    assert.deepEqual(Object.keys(await stack.outputs()).sort(), ["privateKey", "repoPath"]);
    await stack.works("preview", "--expect-no-changes");
    await stack.works("destroy", "--yes", "--skip-preview");
    assert.deepEqual(await account.console.repos(), []);
  }

  for (const page of PAGES) {
    it(`${page} begins with title, description and layout, and closes what it opens`, () => {
      const text = readFileSync(join(ROOT, page), "utf8");
      assert.match(text, /^---\ntitle: BorgBase.*\nmeta_desc: .{20,150}\.\nlayout: package\n---\n\n\S/);
      const opened = [...text.matchAll(/\{\{[<%] (\/?)(choos\w+)/g)].map(([, end, name]) => `${end}${name}`);
      const languages = /chooser language "(.*)"/.exec(text)?.[1]?.split(",") ?? [];
      const expected = languages.flatMap(() => ["choosable", "/choosable"]);
      assert.deepEqual(opened, languages.length > 0 ? ["chooser", ...expected, "/chooser"] : []);
      const chosen = [...text.matchAll(/choosable language (\w+)/g)].map(([, name]) => name);
      assert.deepEqual(chosen, languages);
    });
  }

  it("The example of the registry in TypeScript runs as it stands", async () => {
    const folder = join(ROOT, ".local", `registry-${process.pid}`);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "Pulumi.yaml"), "name: backups\nruntime: nodejs\n");
    writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "backups", private: true, main: "index.ts" }));
    writeFileSync(join(folder, "index.ts"), program("typescript"));
    const stack = await ProjectStack.create(folder, account.env);
    try {
      await follow(stack);
    } finally {
      await stack.close();
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it("The example of the registry in YAML runs as it stands", async () => {
    const project = await LanguageProject.create(account);
    try {
      project.write("Pulumi.yaml", program("yaml"));
      await follow(await project.newStack());
    } finally {
      await project.close();
    }
  });
});
