import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Counters } from "../emulator";

/** An emulator in a process of its own, with `latency` milliseconds before each response. */
export interface EmulatorClient {
  endpoint: string;
  token: string;
  latency: number;
  /** Removes all keys and repositories. */
  reset(): Promise<void>;
  /** Counters since the last call. */
  takeCounters(): Promise<Counters>;
  close(): Promise<void>;
}

export async function startEmulator(latency: number): Promise<EmulatorClient> {
  const child = spawn(process.execPath, [join(__dirname, "measuredEmulator.js")], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const ended = once(child, "exit");
  const line = await Promise.race([
    new Promise<string>((resolve) => createInterface({ input: child.stdout }).once("line", resolve)),
    ended.then(() => {
      throw new Error("the emulator did not start");
    }),
  ]);
  const { endpoint, port, token } = JSON.parse(line) as { endpoint: string; port: number; token: string };
  const control = async (name: string, body: unknown = {}): Promise<unknown> => {
    const response = await fetch(`http://127.0.0.1:${port}/control/${name}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    if (!response.ok) throw new Error(`the emulator refused ${name}: ${await response.text()}`);
    return response.json();
  };
  return {
    endpoint,
    token,
    latency,
    async reset() {
      await control("reset");
      await control("latency", { ms: latency });
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
