// Commands of the demonstration: printed as typed in a shell, with their output as it arrives.
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { ROOT } from "../setup/paths.mjs";
import { Problem } from "../setup/progress.mjs";

/** @type {Set<import("node:child_process").ChildProcess>} */
const running = new Set();
let interrupted = false;

/**
 * Forwards Ctrl-C and SIGTERM to the running command as one interrupt. The demonstration ends after that command, so that no
 * update of the stack is cut off. Each command is a process group of its own, so the terminal interrupts this process only.
 */
export function forwardInterrupts() {
  for (const signal of /** @type {const} */ (["SIGINT", "SIGTERM", "SIGHUP"])) {
    process.on(signal, () => {
      interrupted = true;
      process.exitCode = 130;
      for (const child of running) child.kill("SIGINT");
    });
  }
}

/** @throws {Problem} after Ctrl-C */
export function stopIfInterrupted() {
  if (interrupted) throw new Problem("Interrupted");
}

/**
 * @typedef {{ code: number | null, lines: string[] }} Outcome the exit status and all output lines
 * @typedef {{ env: NodeJS.ProcessEnv, quiet?: boolean, always?: boolean }} Options `quiet`: prints neither the command nor its
 *   output. `always`: runs after Ctrl-C too
 */

/**
 * Runs a command in the project's folder, without input.
 * @param {string[]} words the command and its arguments
 * @param {Options} options
 * @returns {Promise<Outcome>}
 * @throws {Problem} when it cannot be started, or after Ctrl-C
 */
export async function attempt([command = "", ...args], { env, quiet = false, always = false }) {
  if (!always) stopIfInterrupted();
  if (!quiet) process.stdout.write(`\n  $ ${[command, ...args].map(quoted).join(" ")}\n`);
  const child = spawn(command, args, { cwd: ROOT, env, detached: true, stdio: ["ignore", "pipe", "pipe"] });
  running.add(child);
  /** @type {string[]} */
  const lines = [];
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on("line", (line) => {
      lines.push(line);
      if (!quiet && line.trim()) process.stdout.write(`    ${line}\n`);
    });
  }
  try {
    const code = await new Promise((resolve, reject) => {
      child.on("error", (error) => reject(new Problem(`${command}: ${error.message}`)));
      child.on("close", resolve);
    });
    if (!always) stopIfInterrupted();
    return { code, lines };
  } finally {
    running.delete(child);
  }
}

/**
 * Like `attempt`, but a failure of the command throws a Problem.
 * @param {string[]} words
 * @param {Options} options
 * @returns {Promise<string>} its output
 */
export async function show(words, options) {
  const { code, lines } = await attempt(words, options);
  const text = lines.join("\n");
  if (code === 0) return text;
  throw new Problem(`\`${words.map(quoted).join(" ")}\` failed (exit ${code})`, options.quiet ? text : "");
}

/** @param {string} word */
export function quoted(word) {
  return /^[\w@%+=:,./~-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
