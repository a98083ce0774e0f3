import { setTimeout as delay } from "node:timers/promises";
import type { ExecResult, Session } from "../connection/session";
import { printable, SshError } from "../error";
import { splitOptions } from "./options";

/** The login succeeded, but the host could not run the forced command of the key. */
export class ForcedCommandError extends SshError {}

/** The command that an option string forces on every login. Undefined without one. */
export function forcedCommand(options: string): string | undefined {
  const found = splitOptions(options)?.find(({ name }) => name.toLowerCase() === "command");
  return found?.value?.slice(1, -1).replaceAll('\\"', '"');
}

/** The limit of the test. A command that still runs then was found by the host. */
const TEST_MILLISECONDS = 10_000;
const STILL_RUNNING: ExecResult = { code: 0, stdout: Buffer.alloc(0), stderr: "" };

/**
 * Tests that the host can run the forced command: starts it as a client would, and ends its input at once.
 * Only servers are started, which then end too. Any other command would do its work, so it is not tested.
 * @throws ForcedCommandError with the host's reply when the command could not run
 */
export async function verifyForcedCommand(session: Session, forced: string): Promise<void> {
  const [program = ""] = forced.split(/\s+/);
  const isBorg = /^\S+\s+serve\s.*--restrict-to-(path|repository)/.test(forced);
  if (!isBorg && !/\bserve\b|\brrsync\b|sftp-server|internal-sftp|--server\b/.test(forced)) return;
  // `borg serve` reads the client's command line, which must contain it too.
  const result = await Promise.race([
    session.exec(isBorg ? `${program} serve` : forced),
    delay(TEST_MILLISECONDS, STILL_RUNNING, { ref: false }),
  ]);
  if (result === undefined) {
    const text = `${session.address} runs no commands, so not "${printable(forced)}" either`;
    throw new ForcedCommandError("session", text, { phase: "session" });
  }
  if (!hasFailed(result, isBorg)) return;
  const line = lastLineOf(result);
  const reply = line ? `, and the host said: ${line}` : ", without a word";
  const advice = isBorg
    ? "Install borg for that account, or name the host's program with restrict.borgServe.program (a name or an absolute path)"
    : "Correct the command in restrict.options, or install what it runs";
  const text = `${session.address} cannot run "${printable(forced)}": exit code ${result.code}${reply}. ${advice}`;
  throw new ForcedCommandError("session", text, { phase: "session" });
}

/** POSIX shells exit with 126 or 127. Other programs, such as tcsh and nologin, print a message. */
function hasFailed({ code, stdout, stderr }: ExecResult, isBorg: boolean): boolean {
  if (code === undefined || code === 0) return false;
  if (code === 126 || code === 127) return true;
  const output = `${stdout.toString()}\n${stderr}`;
  // The message of `borg serve` for an input that ends before any request.
  if (/Got connection close before repository was opened/.test(output)) return false;
  return isBorg || /not found|no such file|permission denied|not available/i.test(output);
}

/** The last line of the output, which names the failure: start-up files print before it. */
function lastLineOf({ stdout, stderr }: ExecResult): string {
  const lines = `${stdout.toString()}\n${stderr}`.split(/\r?\n/).map(printable).filter(Boolean);
  const last = lines.at(-1) ?? "";
  return last.length > 300 ? `${last.slice(0, 300)}…` : last;
}
