import { randomBytes } from "node:crypto";
import { forcedCommand, proveForcedCommand } from "../authorizedKeys/forcedCommand";
import type { Session } from "./session";

/** What a login may do: run any command, run some (or one that is forced on it), or transfer files only. */
export type Access = "shell" | "restricted" | "sftp";

/**
 * Finds out what a login may do.
 * @param options of the line in `authorized_keys` that let it in, where they are known: a command that they force is proven
 * @throws SshError `session` when the host cannot run a forced command
 */
export async function probeAccess(session: Session, options = ""): Promise<Access> {
  const forced = forcedCommand(options);
  if (forced !== undefined) {
    await proveForcedCommand(session, forced);
    return "restricted";
  }
  const mark = randomBytes(9).toString("hex");
  // Start-up files may print around it. A shell joins the two parts; what only repeats the command does not.
  const echo = await session.exec(`echo mark-''${mark}`);
  if (echo?.code === 0 && new RegExp(`(?<!echo )mark-${mark}`).test(echo.stdout.toString())) return "shell";
  const df = await session.exec("df");
  if (df?.code === 0 && /%/.test(df.stdout.toString())) return "restricted";
  return (await session.sftp()) ? "sftp" : "restricted";
}

/** The version of the borg that a login finds on the host, for example `1.4.0`; undefined when there is none. */
export async function probeBorgVersion(session: Session): Promise<string | undefined> {
  const result = await session.exec("borg --version");
  return /borg (\d+\.\d+[\w.+-]*)\s*$/m.exec(result?.stdout.toString() ?? "")?.[1];
}
