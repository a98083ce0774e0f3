import { readdirSync, readFileSync } from "node:fs";

/** Kills every process below this one whose command line matches, as a crash or an impatient person would. */
export function killBelow(pattern: RegExp, spared: ReadonlySet<number> = new Set()): number {
  const doomed = descendants(process.pid).filter(({ pid, command }) => pattern.test(command) && !spared.has(pid));
  for (const { pid } of doomed) {
    try {
      process.kill(pid, "SIGKILL");
    } catch {}
  }
  return doomed.length;
}

/** The ids of all processes below this one whose command line matches. */
export function processesBelow(pattern = /./): Set<number> {
  return new Set(descendants(process.pid).flatMap(({ pid, command }) => (pattern.test(command) ? pid : [])));
}

function descendants(root: number): { pid: number; command: string }[] {
  const all = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const stat = readFileSync(`/proc/${name}/stat`, "utf8");
        const parent = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
        const command = readFileSync(`/proc/${name}/cmdline`, "utf8").replaceAll("\0", " ");
        return [{ pid: Number(name), parent, command }];
      } catch {
        return [];
      }
    });
  const found = new Set([root]);
  for (let size = 0; size !== found.size; ) {
    size = found.size;
    for (const { pid, parent } of all) if (found.has(parent)) found.add(pid);
  }
  return all.filter(({ pid }) => pid !== root && found.has(pid));
}

/** Waits until none of these processes lives, wherever it stands by now: who loses its parent is below another. */
export function untilDead(pids: Iterable<number>, seconds: number): Promise<void> {
  return until(() => ![...pids].some(isAlive), seconds, "the processes have ended");
}

function isAlive(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // A zombie has ended, and its parent has not read its exit code.
    return stat[stat.lastIndexOf(")") + 2] !== "Z";
  } catch {
    return false;
  }
}

/** Waits until `condition` holds, at most `seconds`. */
export async function until(condition: () => boolean, seconds: number, what: string): Promise<void> {
  const end = Date.now() + seconds * 1000;
  while (!condition()) {
    if (Date.now() > end) throw new Error(`waited ${seconds} s in vain until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
