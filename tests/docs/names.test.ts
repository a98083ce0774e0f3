import { strict as assert } from "node:assert";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import { z } from "zod";
import { COMMANDS } from "../../cli/commands";
import { buildModel } from "../../generate/model";
import { fileOf } from "../../generate/typescript";
import { functionSchemas, resourceSchemas } from "../../provider/schema";
import { ROOT } from "../support/project";
import { markdownFiles, readMarkdown } from "./markdown";

const model = buildModel(resourceSchemas, functionSchemas);

/** Names of all arguments, outputs, nested fields, resources and functions. */
const DECLARED = new Set([
  ...resourceSchemas.flatMap((schema) => [schema.type, ...Object.keys(schema.declarations(z))]),
  ...functionSchemas.flatMap((schema) => {
    const { args, result } = schema.declarations(z);
    return [
      schema.name,
      `${schema.name}Output`,
      ...(schema.list ? [schema.list] : []),
      ...Object.keys({ ...args, ...result }),
    ];
  }),
  ...[...model.types.values()].flatMap(({ properties }) => properties.map(({ name }) => name)),
]);

/** Names of Pulumi that the documentation uses. */
const OF_PULUMI = new Set([
  "dependsOn",
  "envVars",
  "deleteBeforeReplace",
  "ignoreChanges",
  "protect",
  "provider",
  "replaceOnChanges",
  "replaceWith",
  "replacementTrigger",
  "retainOnDelete",
  "transformations",
  "transforms",
]);

/** Names in the JSON that `npx pulumi-borgbase drift` prints. */
const OF_DRIFT = new Set(["toldBy"]);

/** Pages for users. The other ones name parts of the code too. */
const PAGES = [
  "README.md",
  "docs/guide.md",
  "docs/from-terraform.md",
  "docs/_index.md",
  "docs/installation-configuration.md",
  "docs/borg-ui.md",
  "docs/machines.md",
];

/** Names in code spans that can only be an argument, an output or an option: `alertDays`, `quota: 0`, `compaction.hour`. */
function namesIn(page: string): string[] {
  const spans = [
    ...readMarkdown(page)
      .prose.join("\n")
      .matchAll(/`([^`\n]+)`/g),
  ].map(([, span = ""]) => span);
  return spans.flatMap((span) => {
    const [, name = "", value] = /^([a-z][A-Za-z0-9]*)(?:\.[a-z]\w*|\[\d\])*(: .*)?$/.exec(span) ?? [];
    return value !== undefined || /[A-Z]/.test(name) ? [name] : [];
  });
}

/** Arguments of resources that a program makes: `[type, argument]`. */
function argumentsIn(program: string): [string, string][] {
  const found: [string, string][] = [];
  const visit = (node: ts.Node): void => {
    const type = ts.isNewExpression(node) && /^borgbase\.([\w.]+)$/.exec(node.expression.getText())?.[1];
    const args = ts.isNewExpression(node) ? node.arguments?.[1] : undefined;
    if (type && type !== "Provider" && args && ts.isObjectLiteralExpression(args)) {
      for (const property of args.properties) found.push([type, property.name?.getText() ?? ""]);
    }
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile("page.ts", program, ts.ScriptTarget.Latest, true));
  return found;
}

/** Arguments of the component, which has no declaration in provider/schema/. */
function componentArguments(): Set<string | undefined> {
  const source = readFileSync(join(ROOT, "sdk", "machineBackup.ts"), "utf8");
  const [, args = ""] = /interface MachineBackupArgs \{\n(.*?)\n\}/s.exec(source) ?? [];
  return new Set([...args.matchAll(/^ {2}(\w+)\??:/gm)].map(([, name]) => name));
}

describe("Names in the documentation", () => {
  for (const page of PAGES) {
    it(`Every argument that ${page} names in its text is declared in provider/schema/`, () => {
      const known = [DECLARED, OF_PULUMI, OF_DRIFT, componentArguments()];
      const unknown = namesIn(page).filter((name) => !known.some((names) => names.has(name)));
      assert.deepEqual([...new Set(unknown)], []);
    });
  }

  it("The text of the guide names dozens of arguments, and an invented name is found", () => {
    assert.ok(namesIn("docs/guide.md").length > 50);
    assert.ok(!DECLARED.has("forceDestruction"));
  });

  it("Every argument in a program of a Markdown file is one of its resource", () => {
    const given = markdownFiles().flatMap((file) =>
      readMarkdown(file).code.flatMap(({ language, text }) =>
        ["ts", "typescript"].includes(language) ? argumentsIn(text).map(([type, name]) => ({ file, type, name })) : [],
      ),
    );
    assert.ok(given.length > 20, `only ${given.length} arguments were found`);
    const unknown = given.filter(({ type, name }) => {
      const resource = model.resources.find(({ schema }) => schema.type === type);
      if (type === "MachineBackup") return !componentArguments().has(name);
      return !resource?.inputs.some((input) => input.name === name);
    });
    assert.deepEqual(unknown, []);
  });

  it("Every resource and function has a link to its page of the reference in the guide", () => {
    const guide = readFileSync(join(ROOT, "docs", "guide.md"), "utf8");
    const names = [...resourceSchemas.map(({ type }) => type), ...functionSchemas.map(({ name }) => name)];
    const missing = names.filter((name) => !guide.includes(`(reference/${fileOf(name)}.md)`));
    assert.deepEqual(missing, []);
  });

  it("Every npm script and every command of pulumi-borgbase that a Markdown file names exists", () => {
    const { scripts } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
    const commands = new Set(Object.keys(COMMANDS));
    const unknown = markdownFiles().flatMap((file) => {
      const text = readFileSync(join(ROOT, file), "utf8");
      const named = [...text.matchAll(/npm run (?:--silent )?([a-z][\w:-]*)/g)].map(([, name = ""]) => name);
      const called = [...text.matchAll(/npx pulumi-borgbase ([a-z][\w-]*)/g)].map(([, name = ""]) => name);
      return [...named.filter((name) => !(name in scripts)), ...called.filter((name) => !commands.has(name))].map(
        (name) => `${file}: ${name}`,
      );
    });
    assert.deepEqual(unknown, []);
  });
});
