// `npm test`: installs missing requirements, then runs all checks and tests, or those in the arguments:
//   npm test -- tests/emulator            a folder or a file
//   npm test -- --tier unit               unit, docs, ssh, machine, emulator or e2e
//   npm test -- --grep "another name"     mocha's own options
// Test files run side by side, one process per core. The last line is `N passed, N failed`; a check counts as one.
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join, relative } from "node:path";
import { installLanguages, languagesEnvironment } from "./setup/languages.mjs";
import { MACHINES, prepareMachines } from "./setup/machines.mjs";
import { LOCAL, ROOT } from "./setup/paths.mjs";
import { Problem, runMain } from "./setup/progress.mjs";
import { browserPath, installTools } from "./setup/tools.mjs";
import { environment, setUp } from "./setup.mjs";

/**
 * Groups of tests by their requirements. The slowest come first, so that no core waits for a long file at the end.
 * @type {Record<string, string[]>}
 */
const TIERS = {
  /** The real CLI, engine and host. */
  e2e: ["tests/e2e", "tests/properties", "tests/cli"],
  /** Hosts with systemd, booted from Debian's packages. */
  machine: ["tests/machine"],
  /** A real SSH server. */
  ssh: ["tests/provider/ssh"],
  /** The emulator, and what needs its real SSH and borg. */
  emulator: ["tests/emulator", "tests/provider/borgui", "tests/provider/hosts/borgui.test.ts"],
  /** Links and code of the Markdown, and the documentation site in a browser. */
  docs: ["tests/docs"],
  /** Provider, API client and SDK: no CLI, below 30 seconds on two quiet cores. */
  unit: ["tests/provider", "tests/sdk", "tests/generate"],
};

/** More would only make each slower: most of a test's time is the CPU time of the CLI and its provider. */
const JOBS = String(Math.max(1, Math.min(4, availableParallelism())));

const COUNTS = join(LOCAL, "test-counts.json");

/** Tests of programs in other languages, which need their hosts. */
const LANGUAGES = /^dist\/tests\/(e2e|machine)\/languages/;

/** Tests that open a page in a browser. */
const PAGES = /Page\.test\.js$/;

/** @type {[string, string[]][]} */
const CHECKS = [
  ["biome", ["check", "--error-on-warnings", "."]],
  ["tsc", ["--noEmit", "--incremental", "false"]],
  ["publint", ["--strict"]],
  ["attw", ["--pack", "."]],
];

/**
 * @param {string} command
 * @param {string[]} args
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<boolean>} whether it exited with 0
 */
function succeeds(command, args, env) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd: ROOT, env, stdio: ["ignore", "inherit", "inherit"] });
    child.on("error", () => resolve(false));
    child.on("close", (code) => resolve(code === 0));
  });
}

/** @param {NodeJS.ProcessEnv} env */
async function runChecks(env) {
  const counts = { passed: 0, failed: 0 };
  for (const [command, args] of CHECKS) {
    console.log(`\n▸ ${[command, ...args].join(" ")}`);
    counts[(await succeeds(command, args, env)) ? "passed" : "failed"]++;
  }
  return counts;
}

/**
 * @param {string[]} args
 * @param {NodeJS.ProcessEnv} env
 */
async function runTests(args, env) {
  mkdirSync(LOCAL, { recursive: true });
  rmSync(COUNTS, { force: true });
  const reporter = ["--reporter", "scripts/setup/countingReporter.cjs", "--reporter-option", `counts=${COUNTS}`];
  const passed = await succeeds("mocha", [...reporter, "--parallel", "--jobs", JOBS, ...args], env);
  if (!existsSync(COUNTS)) return { passed: 0, failed: 1 };
  const { passes, failures } = JSON.parse(readFileSync(COUNTS, "utf8"));
  const failed = passed && passes > 0 ? failures : Math.max(failures, 1);
  return { passed: passes, failed };
}

/**
 * @param {string} argument
 * @returns {string[]} the compiled files of a test's source or folder; any other argument unchanged
 */
function compiled(argument) {
  if (!/^(\.\/)?tests(\/|$)/.test(argument)) return [argument];
  const path = join(ROOT, "dist", argument.replace(/\.ts$/, ".js"));
  return filesIn(path).map((file) => relative(ROOT, file));
}

/**
 * @param {string} path of a file or folder
 * @returns {string[]} its test files, the largest first
 */
function filesIn(path) {
  if (!existsSync(path) || !statSync(path).isDirectory()) return [path];
  return readdirSync(path, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".test.js"))
    .map((name) => join(path, name))
    .sort((a, b) => statSync(b).size - statSync(a).size);
}

/**
 * @param {string} tier
 * @returns {string[]} a file belongs to the first tier that names its folder
 */
function filesOf(tier) {
  const taken = new Set();
  for (const [name, folders] of Object.entries(TIERS)) {
    const files = folders.flatMap(compiled).filter((file) => existsSync(join(ROOT, file)) && !taken.has(file));
    if (name === tier) return files;
    for (const file of files) taken.add(file);
  }
  throw new Problem(`There is no tier "${tier}": one of ${Object.keys(TIERS).join(", ")}`);
}

/**
 * Prepares requirements of some tests. Where they cannot be had, those tests fail with the reason; the others run.
 * @param {NodeJS.ProcessEnv} env
 * @param {string} problem the variable for the reason
 * @param {() => Promise<void>} work
 */
async function prepare(env, problem, work) {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    if (error.output) console.error(error.output);
    env[problem] = error.message;
  }
}

/** @param {{ passed: number, failed: number }} counts */
function conclude({ passed, failed }) {
  console.log(`\n${passed} passed, ${failed} failed`);
  if (failed > 0) process.exitCode = 1;
}

await runMain(
  async () => {
    await setUp(["borg", "git", "restic", "setfacl", "ssh", "sshd"]);
    const env = environment();
    // No test may use an account of the developer's shell.
    for (const name of Object.keys(env)) if (name.startsWith("BORGBASE_")) delete env[name];

    const [option, tier = "", ...others] = process.argv.slice(2);
    const args = option === "--tier" ? [...filesOf(tier), ...others] : process.argv.slice(2).flatMap(compiled);
    const all = args.length === 0;
    if (!args.some((arg) => arg.startsWith("dist/tests"))) args.push(...Object.keys(TIERS).flatMap(filesOf));
    if (all) args.push("--forbid-only", "--forbid-pending");
    if (args.some((arg) => arg.startsWith("dist/tests/machine"))) {
      env.TEST_MACHINES = MACHINES;
      await prepare(env, "TEST_MACHINES_PROBLEM", prepareMachines);
    }
    if (args.some((arg) => PAGES.test(arg))) {
      await prepare(env, "TEST_BROWSER_PROBLEM", () => installTools(["browser"]));
      env.TEST_BROWSER = browserPath();
    }
    if (args.some((arg) => LANGUAGES.test(arg))) {
      await installTools(["venv"]);
      await installLanguages();
      Object.assign(env, languagesEnvironment());
    }

    const checks = all ? await runChecks(env) : { passed: 0, failed: 0 };
    const tests = await runTests(args, env);
    conclude({ passed: checks.passed + tests.passed, failed: checks.failed + tests.failed });
  },
  () => conclude({ passed: 0, failed: 1 }),
);
