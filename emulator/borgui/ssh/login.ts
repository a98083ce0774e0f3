import type { Context } from "../context";
import { SshFailure } from "./failure";
import { type Target, withSession } from "./session";

/** Time in ms of a whole test. */
const TEST_MS = 15_000;

/**
 * Runs `pwd` on the host, as Borg UI tests a connection. A restricted shell refuses the command, so the test fails although
 * borg would work. @returns null for success, else the failure.
 */
export async function testLogin(
  { connectMs }: Context,
  target: Target,
  privateKey: string,
): Promise<SshFailure | null> {
  try {
    return await withSession(target, { privateKey }, { connectMs, totalMs: TEST_MS }, async (session) => {
      const { code, stdout, stderr } = await session.run("pwd");
      return code === 0 ? null : new SshFailure("ssh_command_failed", stderr || stdout || "no output");
    });
  } catch (error) {
    if (error instanceof SshFailure) return error;
    throw error;
  }
}

/** The text that a connection keeps after a failure: several lines. */
export function failureText(target: Target, failure: SshFailure): string {
  const { username, host, port } = target;
  return `Login as ${username}@${host}:${port} failed.\n\nDetails: ${failure.message}`;
}
