import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Counters } from "../emulator";

/** An account of its own at an emulator in a process of its own. */
export interface EmulatorClient {
  /** Settings of clients. */
  env: Record<string, string>;
  /** Counters since the last call. */
  takeCounters(): Promise<Counters>;
  close(): Promise<void>;
}

/** What the emulator's process prints when it is ready. */
export interface EmulatorReady {
  endpoint: string;
  port: number;
  token: string;
  /** Settings for clients that use BorgBase's own host name. */
  names?: { httpsProxy: string; caFile: string };
}

/**
 * @param latency delay of each response in milliseconds
 * @param hasNames whether it also answers clients that use BorgBase's own host name
 */
export async function startEmulator(latency: number, { hasNames = false } = {}): Promise<EmulatorClient> {
  const child = spawn(process.execPath, [join(__dirname, "measuredEmulator.js"), ...(hasNames ? ["--names"] : [])], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const ended = once(child, "exit");
  const line = await Promise.race([
    new Promise<string>((resolve) => createInterface({ input: child.stdout }).once("line", resolve)),
    ended.then(() => {
      throw new Error("the emulator did not start");
    }),
  ]);
  const { endpoint, port, token, names } = JSON.parse(line) as EmulatorReady;
  const control = async (name: string, body: unknown = {}): Promise<unknown> => {
    const response = await fetch(`http://127.0.0.1:${port}/control/${name}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    if (!response.ok) throw new Error(`the emulator refused ${name}: ${await response.text()}`);
    return response.json();
  };
  await control("latency", { ms: latency });
  return {
    env: {
      BORGBASE_ENDPOINT: endpoint,
      BORGBASE_API_TOKEN: token,
      ...(names && { HTTPS_PROXY: names.httpsProxy, SSL_CERT_FILE: names.caFile }),
    },
    async takeCounters() {
      const counters = (await control("counters")) as Counters;
      await control("reset-counters");
      return counters;
    },
    async close() {
      child.stdin.end();
      await ended;
    },
  };
}
