import type { Context } from "../context";
import type { Connection } from "../store/rows";
import { SshFailure } from "./failure";
import { pinnedKeys } from "./hostKeys";
import { type Target, withSession } from "./session";

/** Time in ms of a whole test. */
const TEST_MS = 15_000;

/**
 * Runs `pwd` on the host, as Borg UI tests a connection. A restricted shell refuses the command, so the test fails although
 * borg would work; newer versions take it for a success, and remember it.
 *
 * @returns null for success, else the failure.
 */
export async function testLogin(
  context: Context,
  connection: Connection,
  privateKey: string,
): Promise<SshFailure | null> {
  const limits = { connectMs: context.connectMs, totalMs: TEST_MS, pinned: pinnedKeys(context, connection) };
  try {
    return await withSession(connection, { privateKey }, limits, async (session) => {
      const { code, stdout, stderr } = await session.run("pwd");
      const isNewer = context.variants.version === "newer";
      connection.shell_restricted = isNewer && code !== 0;
      // No `df` refreshes the numbers of a restricted host.
      if (connection.shell_restricted) connection.storage = null;
      return code === 0 || isNewer ? null : new SshFailure("ssh_command_failed", stderr || stdout || "no output");
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
