// `npm test`: sets up what is missing, then runs all checks and tests, or those that the arguments name:
//   npm test -- tests/emulator            a folder or a file
//   npm test -- --grep "a new name"       mocha's own options
// The last line is `N passed, N failed`; each check of the sources or the package counts as one.
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { LOCAL, ROOT } from "./setup/paths.mjs";
import { runMain } from "./setup/progress.mjs";
import { environment, setUp } from "./setup.mjs";

const COUNTS = join(LOCAL, "test-counts.json");

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
  const passed = await succeeds("mocha", [...reporter, ...args], env);
  if (!existsSync(COUNTS)) return { passed: 0, failed: 1 };
  const { passes, failures } = JSON.parse(readFileSync(COUNTS, "utf8"));
  const failed = passed && passes > 0 ? failures : Math.max(failures, 1);
  return { passed: passes, failed };
}

/**
 * @param {string} argument
 * @returns {string} a test's source or a folder of them as the place of its compiled form; anything else as it is
 */
function compiled(argument) {
  if (!/^(\.\/)?tests(\/|$)/.test(argument)) return argument;
  const path = join("dist", argument.replace(/\.ts$/, ".js"));
  return existsSync(join(ROOT, path)) && statSync(join(ROOT, path)).isDirectory() ? `${path}/**/*.test.js` : path;
}

/** @param {{ passed: number, failed: number }} counts */
function conclude({ passed, failed }) {
  console.log(`\n${passed} passed, ${failed} failed`);
  if (failed > 0) process.exitCode = 1;
}

await runMain(
  async () => {
    await setUp(["borg", "git", "restic", "ssh", "sshd"]);
    const env = environment();
    // No test may reach an account that a developer's shell is logged in to.
    for (const name of Object.keys(env)) if (name.startsWith("BORGBASE_")) delete env[name];

    const args = process.argv.slice(2).map(compiled);
    const all = args.length === 0;
    const named = args.some((arg) => arg.startsWith("dist/tests"));
    if (!named) args.push("dist/tests/**/*.test.js");
    if (all) args.push("--forbid-only", "--forbid-pending");

    const checks = all ? await runChecks(env) : { passed: 0, failed: 0 };
    const tests = await runTests(args, env);
    conclude({ passed: checks.passed + tests.passed, failed: checks.failed + tests.failed });
  },
  () => conclude({ passed: 0, failed: 1 }),
);
