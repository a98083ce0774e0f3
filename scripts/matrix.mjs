// `npm run test:matrix`: runs `npm test` with the oldest and the newest supported Pulumi CLI and SDK, in all combinations.
//   npm run test:matrix                                  every combination, one after the other
//   npm run test:matrix -- --list                        lists the combinations and their sources, and runs no test
//   npm run test:matrix -- --cli newest --sdk oldest     one combination
//   npm run test:matrix -- -- tests/e2e/repo.test.ts     with arguments of `npm test`
// Tests the last commit, in a clone per SDK. An unavailable version is named and fails the run; nothing is skipped silently.
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { parseArgs } from "node:util";
import { compareVersions } from "./setup/goBuild.mjs";
import { installPackages } from "./setup/packages.mjs";
import { ROOT } from "./setup/paths.mjs";
import { Problem, run, runMain, step } from "./setup/progress.mjs";
import { installVersion, OLDEST, sourceOfVersion } from "./setup/pulumi.mjs";

const SDK = "@pulumi/pulumi";
const CLI_MODULE = "github.com/pulumi/pulumi/pkg/v3";
const ENDS = /** @type {const} */ (["oldest", "newest"]);

/**
 * @typedef {"oldest" | "newest"} End
 * @typedef {{ name: string, version?: string, source?: string, problem?: string }} Part `problem`: why it is unavailable
 * @typedef {{ cli: Part, sdk: Part }} Combination
 */

function readArguments() {
  try {
    const end = { type: /** @type {const} */ ("string") };
    const options = { list: { type: /** @type {const} */ ("boolean"), default: false }, cli: end, sdk: end };
    const { values, positionals } = parseArgs({ options, allowPositionals: true });
    for (const value of [values.cli, values.sdk]) {
      if (value !== undefined && !ENDS.some((known) => known === value)) throw new Error(`not ${value}`);
    }
    return { ...values, testArguments: positionals };
  } catch {
    throw new Problem(
      "Usage: npm run test:matrix [-- [--list] [--cli oldest|newest] [--sdk oldest|newest] [-- ARGUMENTS]]",
    );
  }
}

/** @returns {Promise<string>} the version of the newest release of the CLI */
async function newestCli() {
  const page = await fetch("https://www.pulumi.com/latest-version", { signal: AbortSignal.timeout(8_000) }).catch(
    () => undefined,
  );
  const text = page?.ok ? await page.text() : await newestCliModule();
  const [, version] = /^v?(\d+\.\d+\.\d+)\s*$/.exec(text) ?? [];
  if (!version) throw new Problem("neither pulumi.com nor the Go module proxy names the newest release");
  return version;
}

function newestCliModule() {
  const problem = "pulumi.com cannot be reached, and `go list` does not find the newest release";
  // Outside the checkout, since a go.mod would restrict the query.
  return run("go", ["list", "-m", "-f", "{{.Version}}", `${CLI_MODULE}@latest`], { cwd: tmpdir(), problem });
}

/** @returns {string} the supported versions of the SDK, as npm's range */
function sdkRange() {
  return JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")).dependencies[SDK];
}

/**
 * @param {string} versions a version or range
 * @returns {Promise<string>} the newest published version in the range
 */
async function newestSdk(versions) {
  const problem = `npm does not find ${SDK}@${versions}`;
  const found = JSON.parse(
    (await run("npm", ["view", `${SDK}@${versions}`, "version", "--json"], { problem })) || "[]",
  );
  const newest = [found].flat().sort(compareVersions).at(-1);
  if (newest === undefined) throw new Problem(problem);
  return newest;
}

/**
 * @param {string} name
 * @param {() => Promise<string>} findVersion
 * @param {(version: string) => Promise<string>} findSource
 * @returns {Promise<Part>}
 */
async function resolvePart(name, findVersion, findSource) {
  /** @type {string | undefined} */
  let version;
  try {
    version = await findVersion();
    return { name: `${name} ${version}`, version, source: await findSource(version) };
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return { name: version ? `${name} ${version}` : name, problem: error.message, ...(version && { version }) };
  }
}

/**
 * @param {End} end
 * @returns {Promise<Part>}
 */
function resolveCli(end) {
  return resolvePart(`${end} CLI`, end === "oldest" ? async () => OLDEST : newestCli, sourceOfVersion);
}

/**
 * @param {End} end
 * @returns {Promise<Part>}
 */
function resolveSdk(end) {
  const range = sdkRange();
  const [oldest = ""] = /\d+\.\d+\.\d+/.exec(range) ?? [];
  const findVersion = () => (end === "oldest" ? Promise.resolve(oldest) : newestSdk(range));
  return resolvePart(`${end} SDK`, findVersion, async (version) => `npm ${SDK}@${await newestSdk(version)}`);
}

/**
 * @param {(end: End) => Promise<Part>} resolve
 * @param {string | undefined} only
 * @returns {Promise<Part[]>} one part instead of two, if the newest version is the oldest one too
 */
async function resolveEnds(resolve, only) {
  const [first, second] = await Promise.all(ENDS.filter((end) => only === undefined || end === only).map(resolve));
  if (!first) return [];
  if (!second || second.version !== first.version || !first.version) return second ? [first, second] : [first];
  return [{ ...first, name: first.name.replace("oldest", "oldest and newest") }];
}

/**
 * @param {string | undefined} cli
 * @param {string | undefined} sdk
 * @returns {Promise<Combination[]>}
 */
async function combinations(cli, sdk) {
  const [clis, sdks] = await Promise.all([resolveEnds(resolveCli, cli), resolveEnds(resolveSdk, sdk)]);
  return clis.flatMap((each) => sdks.map((other) => ({ cli: each, sdk: other })));
}

/** @param {Combination} combination */
function nameOf({ cli, sdk }) {
  return `${cli.name}, ${sdk.name}`;
}

/**
 * A clone of the last commit with one version of the SDK.
 * @param {string} version
 * @param {string} parent
 */
async function cloneWithSdk(version, parent) {
  const folder = join(parent, `sdk-${version}`);
  await run("git", ["clone", "--quiet", ROOT, folder], { problem: "The checkout cannot be cloned" });
  await step(`Installing ${SDK} ${version}`, () =>
    run("npm", ["install", "--save-exact", "--no-audit", "--no-fund", "--loglevel=error", `${SDK}@${version}`], {
      cwd: folder,
      problem: `npm cannot install ${SDK}@${version}; its messages are above`,
    }),
  );
  const installed = JSON.parse(readFileSync(join(folder, "node_modules", SDK, "package.json"), "utf8")).version;
  if (installed !== version) throw new Problem(`npm installed ${SDK} ${installed} instead of ${version}`);
  return folder;
}

/**
 * @param {string} version
 * @returns {Promise<NodeJS.ProcessEnv>} with this CLI first on PATH
 */
async function environmentWithCli(version) {
  const folder = await installVersion(version);
  const env = { ...process.env, PATH: [folder, process.env.PATH].join(delimiter), PULUMI_SKIP_UPDATE_CHECK: "true" };
  const { stdout } = spawnSync("pulumi", ["version"], { encoding: "utf8", env });
  if (stdout?.trim() !== `v${version}`) throw new Problem(`the CLI in ${folder} is ${stdout?.trim() || "broken"}`);
  return env;
}

/**
 * @param {string} cwd
 * @param {string[]} args
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<boolean>} whether all tests passed
 */
function passes(cwd, args, env) {
  return new Promise((resolve, reject) => {
    const child = spawn("npm", ["test", "--silent", "--", ...args], {
      cwd,
      env,
      stdio: ["ignore", "inherit", "inherit"],
    });
    child.on("error", (error) => reject(new Problem(`npm cannot be started: ${error.message}`)));
    child.on("close", (code) => resolve(code === 0));
  });
}

/** @param {Combination[]} all */
function list(all) {
  for (const combination of all) {
    const { cli, sdk } = combination;
    process.stdout.write(`${nameOf(combination)}\n`);
    for (const part of [cli, sdk])
      process.stdout.write(`  ${part.problem ? "✗" : "✓"} ${part.source ?? part.problem}\n`);
  }
}

/**
 * @param {Combination[]} all
 * @param {string[]} testArguments
 * @returns {Promise<string[]>} the failed combinations, with the reason if no test could run
 */
async function test(all, testArguments) {
  const parent = mkdtempSync(join(tmpdir(), "pulumi-borgbase-matrix-"));
  /** @type {Map<string, Promise<string>>} */
  const clones = new Map();
  const failed = [];
  try {
    for (const combination of all) {
      const { version: cli = "" } = combination.cli;
      const { version: sdk = "" } = combination.sdk;
      process.stdout.write(`\n── ${nameOf(combination)}\n`);
      try {
        const env = await environmentWithCli(cli);
        const clone = clones.get(sdk) ?? cloneWithSdk(sdk, parent);
        clones.set(sdk, clone);
        if (!(await passes(await clone, testArguments, env))) failed.push(nameOf(combination));
      } catch (error) {
        if (!(error instanceof Problem)) throw error;
        process.stderr.write(`${error.output}\n✗ ${error.message}\n`);
        failed.push(`${nameOf(combination)} (${error.message})`);
      }
    }
  } finally {
    rmSync(parent, { recursive: true, force: true });
  }
  return failed;
}

await runMain(async () => {
  const { list: listOnly, cli, sdk, testArguments } = readArguments();
  // The build of the CLI copies a file of the installed SDK.
  await installPackages();
  const all = await combinations(cli, sdk);
  list(all);
  const isAvailable = (/** @type {Combination} */ each) => !each.cli.problem && !each.sdk.problem;
  const available = all.filter(isAvailable);
  const unavailable = all.filter((each) => !isAvailable(each)).map(nameOf);
  const failed = listOnly ? [] : await test(available, testArguments);

  const counts = [`${available.length} ${listOnly ? "available" : "tested"}`, `${failed.length} failed`];
  process.stdout.write(`\nCombinations: ${counts.join(", ")}, ${unavailable.length} unavailable\n`);
  const problems = [
    ...(failed.length > 0 ? [`failed: ${failed.join("; ")}`] : []),
    ...(unavailable.length > 0 ? [`unavailable: ${unavailable.join("; ")}`] : []),
  ];
  if (problems.length > 0) throw new Problem(`The matrix is incomplete. ${problems.join(". ")}`);
});
