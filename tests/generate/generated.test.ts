import { strict as assert } from "node:assert";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import ts from "typescript";
import { z } from "zod";
import { readComponent } from "../../generate/component";
import { COMPONENTS, generatedFiles } from "../../generate/main";
import { buildModel } from "../../generate/model";
import { listedTypes, packageSchema } from "../../generate/packageSchema";
import { fileOf } from "../../generate/typescript";
import { functionSchemas, resourceSchemas } from "../../provider/schema";
import { execute, ROOT } from "../support/project";

const SDK = join(ROOT, "dist", "sdk");

describe("Generated files", () => {
  it("Generated files are identical to the output of `npm run generate`", () => {
    const stale = [...generatedFiles()].filter(([path, text]) => {
      const file = join(ROOT, path);
      return !existsSync(file) || readFileSync(file, "utf8") !== text;
    });
    assert.deepEqual(
      stale.map(([path]) => path),
      [],
    );
  });

  it("Every argument and output is documented in the emitted declaration files", () => {
    const files = ["functionTypes", "types", ...resourceSchemas.map(({ type }) => fileOf(type))];
    const counts = files.map((file) => membersOf(join(SDK, `${file}.d.ts`)));
    assert.ok(counts.flat().length > 150, `only ${counts.flat().length} members were found`);
    assert.deepEqual(
      counts.flat().filter(({ documentation }) => documentation.length < 5),
      [],
    );
  });

  it("Every argument, output and nested field is described in schema.json", () => {
    const schema = JSON.parse(readFileSync(join(ROOT, "schema.json"), "utf8"));
    const { resources, functions, types, provider } = schema;
    const groups = [
      ...Object.values(resources),
      ...Object.values(types),
      provider,
      ...Object.values(functions),
    ].flatMap((item) => {
      const { inputProperties, properties, inputs, outputs } = item as Record<string, Record<string, object>>;
      return [inputProperties, properties, inputs?.properties, outputs?.properties].filter(
        (each) => each !== undefined,
      );
    });
    const missing = groups.flatMap((group) =>
      Object.entries(group).filter(([, property]) => !(property as { description?: string }).description),
    );
    assert.deepEqual(missing, []);
    assert.equal(Object.keys(resources).length, resourceSchemas.length);
    assert.equal(Object.keys(functions).length, functionSchemas.length);
  });

  it("schema.json contains no default, because an SDK would send and so manage it", () => {
    assert.doesNotMatch(readFileSync(join(ROOT, "schema.json"), "utf8"), /"default":/);
  });

  it("schema.json passes the CLI's own check of a package schema", async () => {
    const { ok, output } = await execute("pulumi", ["schema", "check", "schema.json"], ROOT);
    assert.ok(ok, output);
  });

  it("schema.json names publisher, repository, logo and download once package.json has them, and passes the check", async () => {
    const facts = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
    const model = buildModel(resourceSchemas, functionSchemas);
    for (const type of listedTypes(model)) model.types.set(type.name, type);
    const plain = packageSchema(model, { ...facts, author: undefined, homepage: undefined, repository: undefined });
    for (const name of ["publisher", "homepage", "repository", "logoUrl", "pluginDownloadURL"]) {
      assert.ok(!(name in plain), name);
    }
    const author = "A. Person <a@example.com>";
    for (const repository of [
      { url: "git+https://github.com/someone/pulumi-borgbase.git" },
      "https://github.com/someone/pulumi-borgbase",
      "github:someone/pulumi-borgbase",
    ]) {
      const published = packageSchema(model, { ...facts, author, homepage: "https://example.com", repository });
      const { publisher, logoUrl, pluginDownloadURL, ...schema } = published;
      assert.deepEqual(
        [publisher, schema.homepage, schema.repository, pluginDownloadURL],
        [
          "A. Person",
          "https://example.com",
          "https://github.com/someone/pulumi-borgbase",
          "github://api.github.com/someone/pulumi-borgbase",
        ],
      );
      assert.ok(existsSync(join(ROOT, String(logoUrl).split("/main/")[1] ?? "none")));
      const folder = mkdtempSync(join(tmpdir(), "borgbase-schema-"));
      try {
        writeFileSync(join(folder, "schema.json"), JSON.stringify(published));
        const { ok, output } = await execute("pulumi", ["schema", "check", "schema.json"], folder);
        assert.ok(ok, output);
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    }
    assert.throws(() => packageSchema(model, { ...facts, repository: "https://example.com/x" }), /none at GitHub/);
  });

  it("The reference has a row for every argument and output, and a page with an example for each name", () => {
    const page = (name: string) => readFileSync(join(ROOT, "docs", "reference", `${fileOf(name)}.md`), "utf8");
    for (const schema of resourceSchemas) {
      for (const name of Object.keys(schema.declarations(z)))
        assert.match(page(schema.type), new RegExp(`^\\| \`${name}\``, "m"));
      assert.match(page(schema.type), /^## Example\n\n```ts\nimport/m);
    }
    for (const schema of functionSchemas) {
      const { args, result } = schema.declarations(z);
      for (const name of Object.keys({ ...args, ...result }))
        assert.match(page(schema.name), new RegExp(`^\\| \`${name}\``, "m"));
      assert.match(page(schema.name), /^## Example\n\n```ts\nimport/m);
    }
    for (const type of COMPONENTS) {
      const { inputs, outputs } = readComponent(type, readFileSync(join(ROOT, "sdk", `${fileOf(type)}.ts`), "utf8"));
      for (const { name } of [...inputs, ...outputs]) assert.match(page(type), new RegExp(`^\\| \`${name}\``, "m"));
      assert.ok(inputs.length > 10 && outputs.length > 5);
      assert.match(page(type), /^## Example\n\n```ts\nimport/m);
    }
    const pages = readdirSync(join(ROOT, "docs", "reference"), { recursive: true, encoding: "utf8" }).filter((name) =>
      name.endsWith(".md"),
    );
    assert.equal(pages.length, resourceSchemas.length + functionSchemas.length + COMPONENTS.length + 1);
  });
});

/** Properties of interfaces and classes in a declaration file, with their documentation. */
function membersOf(file: string): { name: string; documentation: string }[] {
  const source = ts.createSourceFile(file, readFileSync(file, "utf8"), ts.ScriptTarget.Latest, true);
  const members: { name: string; documentation: string }[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isPropertySignature(node) || ts.isPropertyDeclaration(node)) {
      const [comment] = ts.getJSDocCommentsAndTags(node);
      // The two variants of a union of plain types share one documentation.
      if (!ts.isTypeLiteralNode(node.parent)) {
        members.push({ name: `${file}: ${node.name.getText()}`, documentation: comment?.getText() ?? "" });
      }
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return members;
}
