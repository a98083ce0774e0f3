import { execFile } from "node:child_process";
import { promisify } from "node:util";
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
