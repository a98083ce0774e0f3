// Progress on the terminal, and commands whose output is shown only on failure.
import { spawn } from "node:child_process";

/** A failure that a person can resolve: `message` is one line; `output` is the output of the failed command, if any. */
export class Problem extends Error {
  /**
   * @param {string} message
   * @param {string} [output]
   */
  constructor(message, output = "") {
    super(message);
    this.output = output.trim();
  }
}

/**
 * Runs `work` under one line `▸ title … ✓ 3.2 s`. Without a terminal, the line grows every 30 seconds, so that a long step
 * does not look like a hang.
 * @template T
 * @param {string} title
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function step(title, work) {
  const { stdout } = process;
  const started = Date.now();
  const seconds = (digits = 0) => `${((Date.now() - started) / 1000).toFixed(digits)} s`;
  const head = `▸ ${title} …`;
  stdout.write(`${head} `);
  const clock = stdout.isTTY
    ? setInterval(() => stdout.write(`\r${head} ${seconds()} `), 1000)
    : setInterval(() => stdout.write(`${seconds()} … `), 30_000);
  try {
    const result = await work();
    stdout.write(`${stdout.isTTY ? `\r${head} ` : ""}✓ ${seconds(1)}\n`);
    return result;
  } catch (error) {
    stdout.write(`${stdout.isTTY ? `\r${head} ` : ""}✗ ${seconds(1)}\n`);
    throw error;
  } finally {
    clearInterval(clock);
  }
}

/**
 * Runs a command without a shell and without input.
 * @param {string} command
 * @param {string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv, problem?: string }} [options] `problem`: the message of a failure
 * @returns {Promise<string>} its standard output
 * @throws {Problem} with its output, when it cannot be started or does not exit with 0
 */
export function run(command, args, { problem, ...options } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { ...options, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    let stdout = "";
    child.stdout.setEncoding("utf8").on("data", (text) => {
      output += text;
      stdout += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text) => {
      output += text;
    });
    const fail = (/** @type {string} */ how) =>
      reject(new Problem(problem ?? `\`${[command, ...args].join(" ")}\` ${how}`, output));
    child.on("error", (error) => fail(error.message));
    child.on("close", (code, signal) => (code === 0 ? resolve(stdout) : fail(`ended with ${signal ?? code}`)));
  });
}

/**
 * Runs the main function of a script. A Problem is printed as one line, after the output of the failed command, if any; the
 * exit status is then 1.
 * @param {() => Promise<void>} main
 * @param {() => void} [onProblem] called after that
 */
export async function runMain(main, onProblem) {
  try {
    await main();
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    if (error.output) process.stderr.write(`\n${error.output}\n`);
    process.stderr.write(`\n✗ ${error.message}\n`);
    process.exitCode ||= 1;
    onProblem?.();
  }
}
