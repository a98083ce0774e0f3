import type { Context } from "../context";
import { SshFailure } from "./failure";
import { pinnedKeys } from "./hostKeys";
import { type Target, withSession } from "./session";

/** Time in ms of one `df`. */
const DF_MS = 15_000;

export interface Space {
  /** Bytes. */
  total: number;
  used: number;
  available: number;
  percent_used: number;
}

/** Free space of the file system below a path, from `df`; null when that fails. The path is not quoted. */
export async function readSpace(
  context: Context,
  target: Target,
  privateKey: string,
  path: string,
): Promise<Space | null> {
  const limits = { connectMs: context.connectMs, totalMs: 2 * DF_MS, pinned: pinnedKeys(context, target) };
  try {
    return await withSession(target, { privateKey }, limits, async (session) => {
      // A restricted shell takes no variables.
      for (const command of [`LC_ALL=C df -k ${path}`, `df -k ${path}`]) {
        const { code, stdout } = await session.run(command);
        const space = code === 0 ? parseDf(stdout) : null;
        if (space) return space;
      }
      return null;
    });
  } catch (error) {
    if (error instanceof SshFailure) return null;
    throw error;
  }
}

function parseDf(output: string): Space | null {
  const rows = output.split("\n").map((line) => line.trim().split(/\s+/));
  const row = rows.find((words) => words.length >= 5 && /^\d+$/.test(words[1] ?? ""));
  if (!row) return null;
  const [, total, used, available] = row.map(Number);
  const percent = Number.parseFloat(row[4] ?? "");
  if (total === undefined || used === undefined || available === undefined || Number.isNaN(percent)) return null;
  return { total: total * 1024, used: used * 1024, available: available * 1024, percent_used: percent };
}

/** Bytes in words, as `251.97 GB`; a unit is 1024 times the one before. */
export function inWords(bytes: number): string {
  const units = ["B", "KB", "MB", "GB", "TB", "PB"];
  let size = bytes;
  for (const unit of units) {
    if (size < 1024) return `${size.toFixed(2)} ${unit}`;
    size /= 1024;
  }
  return `${size.toFixed(2)} EB`;
}
