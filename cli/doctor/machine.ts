import { execFile } from "node:child_process";
import { existsSync, realpathSync } from "node:fs";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { compareNames } from "../order";
import { type Check, ok, problem, warning } from "./finding";

/** The oldest Pulumi CLI that the tests run with. */
export const OLDEST_CLI = "3.230.0";
/** The oldest Node.js, as in `engines` of the package. */
export const OLDEST_NODE = "22.0.0";

const INSTALL_CLI = "install the Pulumi CLI (https://www.pulumi.com/docs/install/), or add its folder to the PATH";
const INSTALL_NODE = "install Node.js 22 or later (https://nodejs.org), and put it first on the PATH";

/** Programs on this machine. */
export function machineChecks(): Check[] {
  return [
    { name: "pulumi-cli", run: pulumiCli },
    { name: "node", run: node },
    { name: "borg", run: () => optionalProgram("borg", ["--version"], "to back up or to restore") },
    { name: "ssh", run: () => optionalProgram("ssh", ["-V"], "to back up or to restore over SSH") },
  ];
}

async function pulumiCli() {
  const found = await versionOf("pulumi", ["version"]);
  if (found.version === undefined) return problem(`pulumi ${found.fault}`, INSTALL_CLI);
  return isOlder(found.version, OLDEST_CLI)
    ? problem(`version ${found.version}, and ${OLDEST_CLI} or later is needed`, INSTALL_CLI)
    : ok(`version ${found.version}`);
}

/** The engine starts programs, dynamic providers and the plugin with the `node` of the PATH. */
async function node() {
  const found = await versionOf("node", ["--version"]);
  if (found.version === undefined) return problem(`node ${found.fault}`, INSTALL_NODE);
  return isOlder(found.version, OLDEST_NODE)
    ? problem(`version ${found.version} on the PATH, and ${OLDEST_NODE} or later is needed`, INSTALL_NODE)
    : ok(`version ${found.version}`);
}

async function optionalProgram(name: string, args: string[], purpose: string) {
  const found = await versionOf(name, args);
  if (found.version === undefined) {
    return warning(`${name} ${found.fault}`, `install ${name}, if this machine is ${purpose}`);
  }
  return ok(`version ${found.version}`);
}

/** The first version number that a program prints, or the reason without one, as `is not on the PATH`. */
async function versionOf(
  program: string,
  args: string[],
): Promise<{ version: string; fault?: never } | { version?: undefined; fault: string }> {
  try {
    const env = { ...process.env, PULUMI_SKIP_UPDATE_CHECK: "true" };
    const { stdout, stderr } = await promisify(execFile)(program, args, { env });
    const [, version] = /(\d+(?:\.\d+)+\S*)/.exec(stdout + stderr) ?? [];
    return version === undefined
      ? { fault: `${args.join(" ")} prints no version` }
      : { version: version.replace(/,$/, "") };
  } catch (error) {
    const { code } = error as { code?: string | number };
    return { fault: code === "ENOENT" ? "is not on the PATH" : `cannot be started (${code ?? "ended by a signal"})` };
  }
}

export function isOlder(version: string, than: string): boolean {
  return compareNames(version, than) < 0;
}

/** The path of a program on the PATH, with its links followed. */
export function which(program: string): string | undefined {
  const endings = process.platform === "win32" ? [".exe", ".cmd", ""] : [""];
  for (const folder of (process.env.PATH ?? "").split(delimiter)) {
    for (const ending of endings) {
      const path = join(folder, program + ending);
      if (folder !== "" && existsSync(path)) return realpathSync(path);
    }
  }
  return undefined;
}
