import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { cpuSecondsOf } from "./measure";
import { median } from "./samples";

const PROGRAM = `
require("@pulumi/pulumi");
const started = process.hrtime.bigint();
require("pulumi-borgbase");
console.log(Number(process.hrtime.bigint() - started) / 1e6);
`;

/** Median time in ms of `require("pulumi-borgbase")` after `@pulumi/pulumi` is loaded. */
export async function loadingMilliseconds(runs: number, cwd: string): Promise<number> {
  const times: number[] = [];
  for (let run = 0; run < runs; run++) {
    const { stdout } = await promisify(execFile)(process.execPath, ["-e", PROGRAM], { cwd });
    times.push(Number(stdout));
  }
  return median(times);
}

/**
 * CPU time in ms of the plugin until it is ready for the engine's calls. The mean, as the system counts in steps of 10 ms. The
 * first start is not counted. 0 on another system than Linux.
 * @param home home of Pulumi's with the plugin
 */
export async function pluginStart(runs: number, home: string): Promise<number> {
  const plugins = join(home, "plugins");
  const [folder = ""] = readdirSync(plugins).filter((name) => name.startsWith("resource-borgbase-v"));
  let total = 0;
  for (let run = 0; run <= runs; run++) {
    const plugin = spawn(join(plugins, folder, "pulumi-resource-borgbase"), { stdio: ["ignore", "pipe", "inherit"] });
    await once(plugin.stdout, "data");
    if (run > 0) total += cpuSecondsOf(plugin.pid ?? 0);
    plugin.kill("SIGKILL");
    await once(plugin, "close");
  }
  return (total / runs) * 1000;
}
