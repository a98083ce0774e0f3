/**
 * Generates `sdk/`, `schema.json` and `docs/reference/` from `provider/schema/`.
 * `--check` writes nothing, and fails if a file is stale.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { functionSchemas, resourceSchemas } from "../provider/schema";
import { readComponent } from "./component";
import { buildModel, modulesOf, ofModule } from "./model";
import { listedTypes, packageSchema } from "./packageSchema";
import { componentPage, functionPage, indexPage, resourcePage } from "./reference";
import { fileOf, functionsFile, functionTypesFile, resourceFile, typesFile } from "./typescript";

const ROOT = dirname(dirname(__dirname));
const REFERENCE = "docs/reference";
const EXAMPLES = "examples/reference";
/** Classes of the SDK without a declaration. */
export const COMPONENTS = ["MachineBackup"];

/** The text of every generated file, by its path below the root. */
export function generatedFiles(): Map<string, string> {
  const model = buildModel(resourceSchemas, functionSchemas);
  const facts = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
  const files = new Map<string, string>();
  const typescript = (path: string, text: string) => files.set(path, formatted(path, text));

  for (const each of model.resources) typescript(`sdk/${fileOf(each.schema.type)}.ts`, resourceFile(each));
  for (const module of [undefined, ...modulesOf(model)]) {
    const part = ofModule(model, module);
    const folder = ["sdk", ...(module ? [module] : [])].join("/");
    if (part.types.size > 0) typescript(`${folder}/types.ts`, typesFile(part, module));
    if (part.functions.length === 0) continue;
    typescript(`${folder}/functions.ts`, functionsFile(part, module));
    typescript(`${folder}/functionTypes.ts`, functionTypesFile(part, module));
  }

  for (const each of model.resources)
    files.set(pageOf(each.schema.type), resourcePage(each, model.types, exampleOf(each.schema.type)));
  for (const each of model.functions)
    files.set(pageOf(each.schema.name), functionPage(each, model.types, exampleOf(each.schema.name)));
  const components = COMPONENTS.map((type) =>
    readComponent(type, readFileSync(join(ROOT, `sdk/${fileOf(type)}.ts`), "utf8")),
  );
  for (const each of components) files.set(pageOf(each.type), componentPage(each, exampleOf(each.type)));
  files.set(`${REFERENCE}/README.md`, indexPage(model, components, fileOf));

  for (const type of listedTypes(model)) model.types.set(type.name, type);
  files.set("schema.json", formatted("schema.json", JSON.stringify(packageSchema(model, facts))));
  return files;
}

function pageOf(name: string): string {
  return `${REFERENCE}/${fileOf(name)}.md`;
}

/** The example of a page: a complete program, which the tests run too. */
function exampleOf(name: string): string {
  const path = join(ROOT, EXAMPLES, `${fileOf(name)}.ts`);
  return existsSync(path) ? readFileSync(path, "utf8") : "";
}

function formatted(path: string, text: string): string {
  const biome = join(ROOT, "node_modules", ".bin", "biome");
  const { stdout, stderr, status } = spawnSync(biome, ["check", "--write", `--stdin-file-path=${path}`], {
    cwd: ROOT,
    input: text,
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(`${path} cannot be formatted: ${stderr}`);
  return stdout;
}

function main(): void {
  const files = generatedFiles();
  const gone = existsSync(join(ROOT, REFERENCE))
    ? readdirSync(join(ROOT, REFERENCE), { recursive: true, encoding: "utf8" })
        .filter((name) => name.endsWith(".md"))
        .map((name) => `${REFERENCE}/${name}`)
        .filter((path) => !files.has(path))
    : [];
  const stale = [...files].filter(
    ([path, text]) => !existsSync(join(ROOT, path)) || readFileSync(join(ROOT, path), "utf8") !== text,
  );
  const paths = [...stale.map(([path]) => path), ...gone];
  if (process.argv.includes("--check")) {
    if (paths.length === 0) return;
    console.error(`Stale: ${paths.join(", ")}. Run \`npm run generate\`.`);
    process.exitCode = 1;
    return;
  }
  for (const [path, text] of stale) {
    mkdirSync(dirname(join(ROOT, path)), { recursive: true });
    writeFileSync(join(ROOT, path), text);
  }
  for (const path of gone) rmSync(join(ROOT, path));
  console.log(paths.length > 0 ? `Written: ${paths.join(", ")}` : "Everything is up to date.");
}

if (require.main === module) main();
