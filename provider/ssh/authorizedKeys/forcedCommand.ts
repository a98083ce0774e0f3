import { setTimeout as delay } from "node:timers/promises";
import type { ExecResult, Session } from "../connection/session";
import { printable, SshError } from "../error";
import { splitOptions } from "./lines";

/** The host let the key in and could not run the command that its line forces. */
export class CommandError extends SshError {}

/** The command that an option string forces on every login; undefined when it forces none. */
export function forcedCommand(options: string): string | undefined {
  const found = splitOptions(options)?.find(({ name }) => name.toLowerCase() === "command");
  return found?.value?.slice(1, -1).replaceAll('\\"', '"');
}

/** What still runs after so long was found by the host. */
const PATIENCE_MILLISECONDS = 10_000;
const RUNS: ExecResult = { code: 0, stdout: Buffer.alloc(0), stderr: "" };

/**
 * Starts the forced command as a client would, and ends its input at once: a server then ends too.
 * A command that is no server for a client's input would do its work, so it is not started.
 * @throws CommandError with the host's own words when it could not be run
 */
export async function proveForcedCommand(session: Session, forced: string): Promise<void> {
  const [program = ""] = forced.split(/\s+/);
  const isBorg = /^\S+\s+serve\s.*--restrict-to-(path|repository)/.test(forced);
  if (!isBorg && !/\bserve\b|\brrsync\b|sftp-server|internal-sftp|--server\b/.test(forced)) return;
  // `borg serve` reads the client's own command line, which must name it too.
  const result = await Promise.race([
    session.exec(isBorg ? `${program} serve` : forced),
    delay(PATIENCE_MILLISECONDS, RUNS, { ref: false }),
  ]);
  if (result === undefined) {
    const text = `${session.address} runs no commands, so not "${printable(forced)}" either`;
    throw new CommandError("session", text, { phase: "session" });
  }
  if (!hasFailed(result, isBorg)) return;
  const words = saidBy(result);
  const said = words ? `, and the host said: ${words}` : ", without a word";
  const advice = isBorg
    ? "Install borg for that account, or name the host's program with restrict.borgServe.program (a name or an absolute path)"
    : "Correct the command in restrict.options, or install what it runs";
  const text = `${session.address} cannot run "${printable(forced)}": exit code ${result.code}${said}. ${advice}`;
  throw new CommandError("session", text, { phase: "session" });
}

/** 126 and 127 are every POSIX shell's signs; others, as tcsh and nologin, say it in words. */
function hasFailed({ code, stdout, stderr }: ExecResult, isBorg: boolean): boolean {
  if (code === undefined || code === 0) return false;
  if (code === 126 || code === 127) return true;
  const words = `${stdout.toString()}\n${stderr}`;
  // What `borg serve` says when its input ends before a client has spoken.
  if (/Got connection close before repository was opened/.test(words)) return false;
  return isBorg || /not found|no such file|permission denied|not available/i.test(words);
}

/** The last line that the host wrote, which names the failure; start-up files may have written before. */
function saidBy({ stdout, stderr }: ExecResult): string {
  const lines = `${stdout.toString()}\n${stderr}`.split(/\r?\n/).map(printable).filter(Boolean);
  const words = lines.at(-1) ?? "";
  return words.length > 300 ? `${words.slice(0, 300)}…` : words;
}
