import { linkSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { z } from "zod";

/** The process that holds a folder. `started` distinguishes it from a later process with the same id; null where unknown. */
const holderSchema = z.object({ pid: z.number(), host: z.string(), started: z.string().nullable() });
type Holder = z.infer<typeof holderSchema>;

/** Interval at which a holder touches its lock. Milliseconds. */
const HEARTBEAT = 5000;
/** Age at which a lock of another host is stale. Milliseconds. */
const STALE_AFTER = 20_000;

/** Attempts when several emulators start at the same moment. */
const ATTEMPTS = 20;

/**
 * Locks a folder for this process, until the returned function is called. A stale lock is taken over. Locks are numbered,
 * and a link creates each number once: of several processes that find the same stale lock, one succeeds.
 *
 * @throws an error of one line that names the other process.
 */
export function lockFolder(folder: string): () => void {
  const own: Holder = { pid: process.pid, host: hostname(), started: startTimeOf(process.pid) };
  const draft = join(folder, `lock.draft-${process.pid}`);
  writeFileSync(draft, `${JSON.stringify(own)}\n`, { mode: 0o600 });
  try {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const found = lockNumbers(folder);
      assertUnlocked(folder, found);
      const number = Math.max(0, ...found) + 1;
      if (!linked(draft, pathOf(folder, number))) continue;
      const others = lockNumbers(folder).filter((other) => other !== number);
      // Another process took the lock between the two reads, and keeps it.
      if (others.some((other) => holderOf(folder, other))) {
        rmSync(pathOf(folder, number), { force: true });
        continue;
      }
      for (const other of others) rmSync(pathOf(folder, other), { force: true });
      return startHeartbeat(pathOf(folder, number));
    }
  } finally {
    rmSync(draft, { force: true });
  }
  throw new Error(`${folder}: several emulators start on this data folder at the same moment`);
}

function startHeartbeat(path: string): () => void {
  const beat = setInterval(() => {
    try {
      utimesSync(path, new Date(), new Date());
    } catch {
      // The folder was deleted: the next write reports it.
    }
  }, HEARTBEAT).unref();
  return () => {
    clearInterval(beat);
    rmSync(path, { force: true });
  };
}

function assertUnlocked(folder: string, numbers: number[]): void {
  for (const number of numbers) {
    const holder = holderOf(folder, number);
    if (!holder) continue;
    const where = holder.host === hostname() ? "" : ` on ${holder.host}`;
    throw new Error(
      `${folder} is in use by the emulator with process id ${holder.pid}${where}: stop it, or choose another data folder (--data)`,
    );
  }
}

function lockNumbers(folder: string): number[] {
  return readdirSync(folder).flatMap((name) => {
    const [, number] = /^lock\.(\d+)$/.exec(name) ?? [];
    return number === undefined ? [] : [Number(number)];
  });
}

function pathOf(folder: string, number: number): string {
  return join(folder, `lock.${number}`);
}

function linked(draft: string, path: string): boolean {
  try {
    linkSync(draft, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

/** The holder of a lock; undefined for a deleted lock, or for one whose process has ended. */
function holderOf(folder: string, number: number): Holder | undefined {
  const path = pathOf(folder, number);
  try {
    const holder = holderSchema.parse(JSON.parse(readFileSync(path, "utf8")));
    // A process id of another machine or container cannot be checked here.
    if (holder.host !== hostname()) return Date.now() - statSync(path).mtimeMs < STALE_AFTER ? holder : undefined;
    if (!exists(holder.pid)) return undefined;
    const started = startTimeOf(holder.pid);
    if (started === "ended") return undefined;
    return started === null || holder.started === null || started === holder.started ? holder : undefined;
  } catch {
    return undefined;
  }
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "ESRCH";
  }
}

/** On Linux, the start of a process in clock ticks since boot, or "ended" for a zombie; null on other systems. */
function startTimeOf(pid: number): string | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    const [state = "", ...fields] = text.slice(text.lastIndexOf(")") + 2).split(" ");
    return "ZX".includes(state) ? "ended" : (fields[18] ?? null);
  } catch {
    return null;
  }
}
