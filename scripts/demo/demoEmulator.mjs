// The emulator of the demonstration: start, stop, and its ports.
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join, relative } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import { LOCAL, ROOT } from "../setup/paths.mjs";
import { Problem } from "../setup/progress.mjs";

const DATA = join(LOCAL, "emulator");
const PORTS = join(LOCAL, "emulator-ports.json");
/** Default ports of the emulator; a used port is replaced by a free one. */
const DEFAULTS = { port: 8650, sshPort: 8622 };
const START_TIMEOUT = 20_000;

/**
 * @typedef {object} DemoEmulator
 * @property {string} endpoint
 * @property {string} token
 * @property {string[]} command restarts it with the same data
 * @property {() => Promise<void>} stop
 */

/**
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<DemoEmulator>}
 */
export async function startDemoEmulator(env) {
  const { port, sshPort } = await ports();
  const options = ["--port", String(port), "--ssh-port", String(sshPort), "--data", relative(ROOT, DATA)];
  const child = spawn("node", ["dist/cli/main.js", "emulator", ...options, "--json"], {
    cwd: ROOT,
    env,
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const ended = new Promise((resolve) => {
    child.on("error", resolve);
    child.on("exit", resolve);
  });
  const stop = async () => {
    child.kill("SIGTERM");
    await ended;
  };
  let errors = "";
  child.stderr.setEncoding("utf8").on("data", (text) => {
    errors += text;
  });
  // With --json, the emulator prints one line once it runs.
  const line = await Promise.race([
    new Promise((resolve) => createInterface({ input: child.stdout }).once("line", resolve)),
    ended,
    pause(START_TIMEOUT, undefined, { ref: false }),
  ]);
  if (typeof line !== "string") {
    await stop();
    throw new Problem("The emulator did not start", errors);
  }
  const { endpoint, accounts } = JSON.parse(line);
  return {
    endpoint,
    token: accounts[0].tokens.fullAccess,
    command: ["npm", "run", "emulator", "--", ...options],
    stop,
  };
}

/**
 * The same two ports at each run if they are free, since the addresses of repositories contain them.
 * @returns {Promise<{ port: number, sshPort: number }>}
 */
async function ports() {
  const last = existsSync(PORTS) ? JSON.parse(readFileSync(PORTS, "utf8")) : DEFAULTS;
  const chosen = { port: await freePort(last.port), sshPort: await freePort(last.sshPort) };
  mkdirSync(LOCAL, { recursive: true });
  writeFileSync(PORTS, JSON.stringify(chosen));
  return chosen;
}

/**
 * @param {number} [preferred]
 * @returns {Promise<number>} `preferred` if it is free, otherwise any free port
 */
function freePort(preferred = 0) {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on("error", (error) => (preferred ? resolve(freePort()) : reject(error)));
    server.listen(preferred, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address ? address.port : preferred));
    });
  });
}
