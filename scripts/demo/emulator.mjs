// The emulator that the demonstration starts and stops.
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join, relative } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { LOCAL, ROOT } from "../setup/paths.mjs";
import { Problem } from "../setup/progress.mjs";
import { stopIfInterrupted } from "./shell.mjs";

const DATA = join(LOCAL, "emulator");
const LOG = join(LOCAL, "emulator.log");
const PORTS = join(LOCAL, "emulator-ports.json");
const START_TIMEOUT = 20_000;

/**
 * @typedef {object} Emulator
 * @property {string} endpoint
 * @property {string} token
 * @property {string[]} command what starts it again with the same data
 * @property {() => Promise<void>} stop
 */

/**
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<Emulator>}
 */
export async function startEmulator(env) {
  const { port, sshPort } = await ports();
  const options = ["--port", String(port), "--ssh-port", String(sshPort), "--data", relative(ROOT, DATA)];
  const command = ["node", "dist/cli/main.js", "emulator", ...options];
  mkdirSync(DATA, { recursive: true });
  const log = openSync(LOG, "w", 0o600);
  const child = spawn("node", command.slice(1), { cwd: ROOT, env, detached: true, stdio: ["ignore", log, log] });
  const ended = new Promise((resolve) => {
    child.on("error", resolve);
    child.on("exit", resolve);
  });
  const stop = async () => {
    child.kill("SIGTERM");
    await ended;
  };
  let gone = false;
  ended.then(() => {
    gone = true;
  });
  const endpoint = `http://127.0.0.1:${port}/graphql`;
  const limit = Date.now() + START_TIMEOUT;
  try {
    while (!gone && Date.now() < limit) {
      stopIfInterrupted();
      const token = tokenIn(readFileSync(LOG, "utf8"));
      if (token && (await answers(endpoint, token))) return { endpoint, token, command, stop };
      await pause(50);
    }
  } catch (error) {
    await stop();
    throw error;
  }
  await stop();
  throw new Problem(
    `The emulator did not start; its messages are in ${relative(ROOT, LOG)}`,
    readFileSync(LOG, "utf8"),
  );
}

/** @param {string} log */
function tokenIn(log) {
  return /full access\W+([\w-]{20,})/i.exec(log)?.[1];
}

/**
 * @param {string} endpoint
 * @param {string} token
 */
async function answers(endpoint, token) {
  const headers = { "content-type": "application/json", authorization: `Bearer ${token}` };
  const body = JSON.stringify({ query: "{ repoList { id } }" });
  return fetch(endpoint, { method: "POST", headers, body, signal: AbortSignal.timeout(2000) }).then(
    (answer) => answer.ok,
    () => false,
  );
}

/**
 * The same two ports at each run where they are free: the addresses of repositories hold them.
 * @returns {Promise<{ port: number, sshPort: number }>}
 */
async function ports() {
  const last = existsSync(PORTS) ? JSON.parse(readFileSync(PORTS, "utf8")) : {};
  const chosen = { port: await freePort(last.port), sshPort: await freePort(last.sshPort) };
  writeFileSync(PORTS, JSON.stringify(chosen));
  return chosen;
}

/**
 * @param {number} [preferred]
 * @returns {Promise<number>} `preferred` where it is free, else any free port
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
