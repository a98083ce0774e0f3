import { ProviderError } from "../../errors";
import { printable } from "../../ssh/error";
import type { Machine } from "./machine";

/**
 * Runs a script that only a fault of the host lets fail.
 * @returns what it printed
 * @throws ProviderError `host` with the host's own words
 */
export async function mustRun(machine: Machine, script: string, purpose: string): Promise<string> {
  const { code, output, stderr } = await machine.run(script, { purpose });
  if (code === 0) return output.toString("utf8");
  const reason = printable(stderr).slice(-300) || `exit code ${code}`;
  throw new ProviderError("host", `cannot ${purpose} on ${machine.address}: ${reason}`);
}
