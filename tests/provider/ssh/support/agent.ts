import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { KeyMaterial } from "../../../../provider/ssh/keys";
import type { TestHost } from "./accounts";

/** Runs `work` with this value of SSH_AUTH_SOCK; undefined unsets it. */
export async function withAuthSock<T>(path: string | undefined, work: () => Promise<T>): Promise<T> {
  const before = process.env.SSH_AUTH_SOCK;
  const set = (value: string | undefined) => {
    if (value === undefined) delete process.env.SSH_AUTH_SOCK;
    else process.env.SSH_AUTH_SOCK = value;
  };
  set(path);
  try {
    return await work();
  } finally {
    set(before);
  }
}

/** Runs `work` with a real ssh-agent that has these keys, in this order. */
export async function withAgent<T>(
  host: TestHost,
  keys: Pick<KeyMaterial, "privateKey">[],
  work: () => Promise<T>,
): Promise<T> {
  const socket = join(mkdtempSync(join(host.folder, "agent-")), "socket");
  const agent = spawn("ssh-agent", ["-D", "-a", socket], { stdio: "ignore" });
  try {
    while (!existsSync(socket)) await delay(10);
    const env = { ...process.env, SSH_AUTH_SOCK: socket };
    for (const { privateKey } of keys) execFileSync("ssh-add", ["-q", "-"], { input: privateKey, env });
    return await withAuthSock(socket, work);
  } finally {
    agent.kill();
  }
}

/** Runs `work` with an agent that accepts connections and never answers. */
export async function withSilentAgent<T>(host: TestHost, work: () => Promise<T>): Promise<T> {
  const socket = join(mkdtempSync(join(host.folder, "agent-")), "socket");
  const server = createServer((connection) => void connection.on("error", () => {}).resume()).listen(socket);
  await once(server, "listening");
  try {
    return await withAuthSock(socket, work);
  } finally {
    server.close();
  }
}
