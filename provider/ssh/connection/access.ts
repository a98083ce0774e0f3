import { randomBytes } from "node:crypto";
import type { Session } from "./session";

/** Access of a login: any command, some commands or a forced one, or file transfer only. */
export type Access = "shell" | "restricted" | "sftp";

/** Finds out the access of a login. */
export async function probeAccess(session: Session): Promise<Access> {
  const mark = randomBytes(9).toString("hex");
  // Start-up files may print around the mark. A shell joins the two parts; an echo of the command does not.
  const echo = await session.exec(`echo mark-''${mark}`);
  if (echo?.code === 0 && new RegExp(`(?<!echo )mark-${mark}`).test(echo.stdout.toString())) return "shell";
  const df = await session.exec("df");
  if (df?.code === 0 && /%/.test(df.stdout.toString())) return "restricted";
  return (await session.sftp()) ? "sftp" : "restricted";
}

/** The version of the borg on the host, for example `1.4.0`. Undefined without a borg. */
export async function probeBorgVersion(session: Session): Promise<string | undefined> {
  const result = await session.exec("borg --version");
  return /borg (\d+\.\d+[\w.+-]*)\s*$/m.exec(result?.stdout.toString() ?? "")?.[1];
}
