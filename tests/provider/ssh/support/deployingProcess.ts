import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import type { Deployment, ManagedAccount } from "../../../../provider/ssh/authorizedKeys/deploy";

/**
 * Deploys in a separate process, which reads its arguments from standard input.
 * @param env the environment of the process, beside PATH
 */
export function deployingProcess(
  account: ManagedAccount,
  wanted: Deployment,
  env: NodeJS.ProcessEnv = {},
): ChildProcess {
  const script = `
    const { deploy } = require(${JSON.stringify(require.resolve("../../../../provider/ssh/authorizedKeys/deploy"))});
    const input = JSON.parse(require("node:fs").readFileSync(0, "utf8"));
    deploy(input.account, input.wanted).catch((error) => { console.error(error.message); process.exitCode = 1; });`;
  const stdio = ["pipe", "inherit", "inherit"] as const;
  const child = spawn(process.execPath, ["-e", script], { env: { PATH: process.env.PATH, ...env }, stdio: [...stdio] });
  child.stdin?.end(JSON.stringify({ account, wanted }));
  return child;
}

/** The exit code of a process; null after a signal. */
export async function ended(child: ChildProcess): Promise<number | null> {
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
  return child.exitCode;
}
