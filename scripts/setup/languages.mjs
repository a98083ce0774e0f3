// The Pulumi CLI with its language hosts for YAML, Python and Go, which only tests need: the official release has them all,
// otherwise they are built from the Go module proxy.
import {
  chmodSync,
  copyFileSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assertGo, GO_SETTINGS, goBuild, goEnvironment, goSources, OLDEST_GO } from "./goBuild.mjs";
import { CACHE, fillFolder, isExecutable, ROOT } from "./paths.mjs";
import { run, step } from "./progress.mjs";
import { folderOfCli, installVersion, VERSION } from "./pulumi.mjs";

/** Languages whose host generates code by ./go/languages and runs programs by an older host. */
const GENERATED = ["nodejs", "python", "go"];

const FILES = ["pulumi", "pulumi-language-yaml", ...GENERATED.map((each) => `pulumi-language-${each}`)];

const SDK = "github.com/pulumi/pulumi/sdk/v3/go";

const ADVICE = `Install Go ${OLDEST_GO} or newer, then try again`;

/** @returns {string} a folder with the CLI and all its language hosts */
export function languagesFolder() {
  const official = folderOfCli();
  return isComplete(official) ? official : join(CACHE, `languages-v${VERSION}-${process.platform}-${process.arch}`);
}

/** @returns {Record<string, string>} the environment of tests that run programs in other languages */
export function languagesEnvironment() {
  return { LANGUAGE_HOSTS: languagesFolder(), ...GO_SETTINGS };
}

/** Builds the language hosts, unless the CLI in use has them, and what they need. Needs the CLI. */
export async function installLanguages() {
  assertGo("The tests run a program in Go", ADVICE);
  const folder = languagesFolder();
  if (!isComplete(folder)) {
    await step("Building language hosts from their Go modules, once (some 2 minutes)", () =>
      fillFolder(folder, isComplete, build),
    );
  }
  await step("Compiling Pulumi's SDK for Go, once (some 2 minutes)", compileSdk);
}

/** Fills Go's cache with the dependencies of the example in Go. Their compilation is the longest part of its tests. */
async function compileSdk() {
  const example = join(ROOT, "examples", "go");
  const folder = mkdtempSync(join(tmpdir(), "pulumi-borgbase-go-"));
  try {
    // Without the generated SDK, which is not there yet.
    const lines = readFileSync(join(example, "go.mod"), "utf8").split("\n");
    writeFileSync(join(folder, "go.mod"), lines.filter((line) => !line.includes("pulumi-borgbase/")).join("\n"));
    copyFileSync(join(example, "go.sum"), join(folder, "go.sum"));
    await run("go", ["build", `${SDK}/pulumi`, `${SDK}/pulumi/config`], { cwd: folder, env: goEnvironment() });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** @param {string} folder */
function isComplete(folder) {
  return FILES.every((file) => isExecutable(join(folder, file)));
}

/**
 * The CLI takes a host beside itself without a warning, so the folder holds the CLI too.
 * @param {string} draft
 */
async function build(draft) {
  const cli = await installVersion(VERSION);
  for (const file of ["pulumi", "pulumi-resource-pulumi-nodejs"]) linkSync(join(cli, file), join(draft, file));

  const hosts = join(draft, "hosts");
  mkdirSync(hosts);
  await goBuild("hosts", ["tool"], `${hosts}/`, ADVICE);
  // A script, which Go does not install.
  const python = "pulumi-language-python";
  const sources = await goSources("hosts", `github.com/pulumi/pulumi/sdk/v3/python/cmd/${python}`);
  copyFileSync(join(sources, "..", `${python}-exec`), join(hosts, `${python}-exec`));
  chmodSync(join(hosts, `${python}-exec`), 0o755);

  await goBuild("languages", [".", "tool"], `${draft}/`, ADVICE);
  for (const language of GENERATED) linkSync(join(draft, "languages"), join(draft, `pulumi-language-${language}`));
}
