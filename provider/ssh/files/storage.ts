import { resolveTarget } from "../connection/resolveTarget";
import type { Session } from "../connection/session";
import type { Target } from "../connection/target";
import { withSession } from "../connection/withSession";
import { SshError } from "../error";
import { plainPath } from "./paths";
import { type PathStart, quoteForShell, shellPath } from "./shellPath";

/** Space of a file system. Sizes in bytes. */
export interface Storage {
  total: number;
  used: number;
  /** Free space for this account, without reserved space. */
  available: number;
  /** Used share of `used + available`, with one decimal. */
  percentUsed: number;
}

/**
 * Reads the free space of a folder's file system.
 * @param path default: `defaultPath`, or the folder where a login starts
 * @throws SshError `session` when the host neither runs df nor knows statvfs over SFTP
 */
export async function storage(account: Target & PathStart, path?: string): Promise<Storage> {
  const requested = path ?? account.defaultPath ?? ".";
  // A path in the home ignores the default folder.
  const start = path === undefined || requested.startsWith("~/") ? {} : { defaultPath: account.defaultPath };
  const plain = plainPath(shellPath(requested, start));
  const folder = quoteForShell(shellPath(plain, { sshPathPrefix: account.sshPathPrefix }));
  return withSession(resolveTarget(account), async (session) => {
    const replies: string[] = [];
    // Restricted shells know no variables, and some versions of df lack -P.
    for (const command of [`LC_ALL=C df -kP ${folder}`, `df -kP ${folder}`, `df -k ${folder}`]) {
      const result = await session.exec(command);
      const found = result?.code === 0 ? parseDf(result.stdout.toString()) : undefined;
      if (found) return found;
      const reply = result?.stderr.trim().split("\n").pop();
      if (reply) replies.push(reply);
    }
    const found = await statvfs(session, plain);
    if (found) return found;
    const reason = replies.length > 0 ? ` (it says: ${replies.at(-1)})` : "";
    throw new SshError("session", `${session.address} does not tell the free space of ${folder}${reason}`, {
      phase: "session",
    });
  });
}

/** Parses the output of df for one path: GNU, BusyBox, Synology, BSD. A long device name may have a line of its own. */
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
    // ssh2 throws at once when the server has not announced the extension.
    if (session.alive) return undefined;
    throw error;
  }
  if (info === undefined) return undefined;
  const { f_frsize: unit, f_blocks, f_bfree, f_bavail } = info;
  return sizes(f_blocks * unit, (f_blocks - f_bfree) * unit, f_bavail * unit);
}
