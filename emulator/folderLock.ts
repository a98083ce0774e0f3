import { linkSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { z } from "zod";

/** Who holds a folder. `started` tells a process from a later one of the same number, where the system says it. */
const holderSchema = z.object({ pid: z.number(), host: z.string(), started: z.string().nullable() });
type Holder = z.infer<typeof holderSchema>;

/** How often a holder shows that it lives, and after how long another host takes it for gone, in ms. */
const BEAT = 5000;
const SILENCE = 20_000;

/** Attempts of emulators that start at the same moment. */
const ATTEMPTS = 20;

/**
 * Takes a folder for this process alone, until the returned function is called. A lock whose process was killed is taken
 * over. Locks are numbered: a number is made once, by a link, so of those who find the same stale lock one goes on.
 *
 * @throws one line that names the other process.
 */
export function lockFolder(folder: string): () => void {
  const own: Holder = { pid: process.pid, host: hostname(), started: startOf(process.pid) };
  const draft = join(folder, `lock.draft-${process.pid}`);
  writeFileSync(draft, `${JSON.stringify(own)}\n`, { mode: 0o600 });
  try {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const found = locks(folder);
      refuseLiving(folder, found);
      const number = Math.max(0, ...found) + 1;
      if (!created(draft, pathOf(folder, number))) continue;
      const others = locks(folder).filter((other) => other !== number);
      // One that was taken, left and taken again between the two looks: whoever has it keeps it.
      if (others.some((other) => holderOf(folder, other))) {
        rmSync(pathOf(folder, number), { force: true });
        continue;
      }
      for (const other of others) rmSync(pathOf(folder, other), { force: true });
      return keep(pathOf(folder, number));
    }
  } finally {
    rmSync(draft, { force: true });
  }
  throw new Error(`${folder}: several emulators start on this data folder at the same moment`);
}

function keep(path: string): () => void {
  const beat = setInterval(() => {
    try {
      utimesSync(path, new Date(), new Date());
    } catch {
      // The folder was deleted: what is written next says so.
    }
  }, BEAT).unref();
  return () => {
    clearInterval(beat);
    rmSync(path, { force: true });
  };
}

function refuseLiving(folder: string, numbers: number[]): void {
  for (const number of numbers) {
    const holder = holderOf(folder, number);
    if (!holder) continue;
    const where = holder.host === hostname() ? "" : ` on ${holder.host}`;
    throw new Error(
      `${folder} is in use by the emulator with process id ${holder.pid}${where}: stop it, or choose another data folder (--data)`,
    );
  }
}

function locks(folder: string): number[] {
  return readdirSync(folder).flatMap((name) => {
    const [, number] = /^lock\.(\d+)$/.exec(name) ?? [];
    return number === undefined ? [] : [Number(number)];
  });
}

function pathOf(folder: string, number: number): string {
  return join(folder, `lock.${number}`);
}

function created(draft: string, path: string): boolean {
  try {
    linkSync(draft, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

/** The living holder of a lock; undefined for one that is gone or whose process is. */
function holderOf(folder: string, number: number): Holder | undefined {
  const path = pathOf(folder, number);
  try {
    const holder = holderSchema.parse(JSON.parse(readFileSync(path, "utf8")));
    // Process numbers of another machine or container say nothing here.
    if (holder.host !== hostname()) return Date.now() - statSync(path).mtimeMs < SILENCE ? holder : undefined;
    if (!exists(holder.pid)) return undefined;
    const started = startOf(holder.pid);
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

/**
 * What Linux says of a process: its start in ticks since the system's, or that it has ended and only waits for its parent
 * to notice. Null elsewhere.
 */
function startOf(pid: number): string | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    const [state = "", ...fields] = text.slice(text.lastIndexOf(")") + 2).split(" ");
    return "ZX".includes(state) ? "ended" : (fields[18] ?? null);
  } catch {
    return null;
  }
}
