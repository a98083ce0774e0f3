import { type PathStart, quoteForShell, shellPath } from "../authorizedKeys/restriction";
import { type Session, withSession } from "../connection/session";
import type { Target } from "../connection/target";
import { SshError } from "../error";
import { plainPath } from "./paths";

/** Sizes in bytes. */
export interface Storage {
  total: number;
  used: number;
  /** What this account may still write; less than the rest where some is reserved. */
  available: number;
  /** Of what it could use (used + available), with one decimal. */
  percentUsed: number;
}

/**
 * Free space of the file system that a folder lies on.
 * @param path default: `defaultPath`, or where a login starts
 * @throws SshError `session` when the host neither runs df nor knows statvfs over SFTP
 */
export async function storage(target: Target & PathStart, path?: string): Promise<Storage> {
  return withSession(target, async (session) => {
    const said: string[] = [];
    const asked = path ?? target.defaultPath ?? ".";
    // A path in the home starts there, whatever the default.
    const start = path === undefined || asked.startsWith("~/") ? {} : { defaultPath: target.defaultPath };
    const plain = plainPath(shellPath(asked, start));
    const folder = quoteForShell(shellPath(plain, { sshPathPrefix: target.sshPathPrefix }));
    // Restricted shells know no variables, and some df no -P.
    for (const command of [`LC_ALL=C df -kP ${folder}`, `df -kP ${folder}`, `df -k ${folder}`]) {
      const result = await session.exec(command);
      const found = result?.code === 0 ? parseDf(result.stdout.toString()) : undefined;
      if (found) return found;
      const words = result?.stderr.trim().split("\n").pop();
      if (words) said.push(words);
    }
    const found = await statvfs(session, plain);
    if (found) return found;
    const reason = said.length > 0 ? ` (it says: ${said[said.length - 1]})` : "";
    throw new SshError("session", `${session.address} does not tell the free space of ${folder}${reason}`, {
      phase: "session",
    });
  });
}

/** Reads what df prints for one path: GNU, BusyBox, Synology, BSD; also where a long device name has a line of its own. */
export function parseDf(output: string): Storage | undefined {
  const [, ...lines] = output.trim().split("\n");
  const match = /\s(\d+)\s+(\d+)\s+(-?\d+)\s+\d+%(\s|$)/.exec(` ${lines.join(" ")}`);
  if (match === null) return undefined;
  // Start-up files may print before the header.
  const unit = /\b512-blocks/.test(output) ? 512 : /\b1M-blocks/.test(output) ? 1024 * 1024 : 1024;
  const [total, used, available] = match.slice(1, 4).map((blocks) => Number(blocks) * unit);
  return sizes(total ?? 0, used ?? 0, available ?? 0);
}

function sizes(total: number, used: number, available: number): Storage {
  const usable = used + Math.max(0, available);
  return {
    total,
    used,
    available: Math.max(0, available),
    percentUsed: usable === 0 ? 0 : Math.round((used / usable) * 1000) / 10,
  };
}

interface FileSystem {
  f_frsize: number;
  f_blocks: number;
  f_bfree: number;
  f_bavail: number;
}

async function statvfs(session: Session, path: string): Promise<Storage | undefined> {
  const sftp = await session.sftp();
  if (sftp === undefined) return undefined;
  let info: FileSystem | undefined;
  try {
    info = await session.request<FileSystem>((done) => sftp.ext_openssh_statvfs(path, done));
  } catch (error) {
    // ssh2 throws at once when the server has not announced it.
    if (session.alive) return undefined;
    throw error;
  }
  if (info === undefined) return undefined;
  const { f_frsize: unit, f_blocks, f_bfree, f_bavail } = info;
  return sizes(f_blocks * unit, (f_blocks - f_bfree) * unit, f_bavail * unit);
}
