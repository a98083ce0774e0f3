import { spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";

/** What one command cost. */
export interface Cost {
  /** Wall time, from the start of the process to the end of its output. */
  seconds: number;
  /** User and system time of the command and all its children. Linux only, else 0. */
  cpuSeconds: number;
  /** Bytes: the most that a provider process had in memory (`VmHWM`). Linux only, else 0. */
  peakMemory: number;
}

export interface Finished extends Cost {
  code: number | null;
  /** Standard output and error, as they came. */
  output: string;
}

const POLL = 50;
/** Polls between two looks for new provider processes: a look reads all of /proc. */
const POLLS_PER_LOOK = 4;

/**
 * Runs a command to its end. Node gives its children the default for every signal, so that the language host can be
 * stopped by an interrupt; a shell's background job would ignore it, and each `up` would take 5 s more.
 */
export function measure(
  command: string,
  args: string[],
  options: { cwd: string; env: NodeJS.ProcessEnv },
): Promise<Finished> {
  return new Promise((resolve, reject) => {
    const reapedBefore = reapedSeconds();
    const started = performance.now();
    const child = spawn(command, args, { ...options, stdio: ["ignore", "pipe", "pipe"] });
    const providers = new Providers(child.pid ?? 0);
    const polling = setInterval(() => providers.poll(), POLL);
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text) => {
        output += text;
      });
    }
    child.on("error", (error) => {
      clearInterval(polling);
      reject(error);
    });
    child.on("close", (code) => {
      const seconds = (performance.now() - started) / 1000;
      clearInterval(polling);
      const { cpuSeconds, peakMemory } = providers;
      resolve({ code, output, seconds, cpuSeconds: reapedSeconds() - reapedBefore + cpuSeconds, peakMemory });
    });
  });
}

const PROVIDER = "cmd/dynamic-provider";

/**
 * The provider processes below the CLI. The CLI ends them and the shell that started them with one signal, so nobody
 * waits for them and their CPU time reaches no parent: it is read while they run.
 */
class Providers {
  readonly #root: number;
  readonly #seen = new Map<number, { cpuSeconds: number; peakMemory: number }>();
  #polls = 0;

  constructor(root: number) {
    this.#root = root;
  }

  poll(): void {
    if (this.#polls++ % POLLS_PER_LOOK === 0) this.#look();
    for (const pid of this.#seen.keys()) {
      const peak = /VmHWM:\s+(\d+) kB/.exec(textOf(`/proc/${pid}/status`))?.[1];
      const [user = 0, system = 0] = cpuFields(pid);
      if (peak) this.#seen.set(pid, { cpuSeconds: user + system, peakMemory: Number(peak) * 1024 });
    }
  }

  get cpuSeconds(): number {
    return [...this.#seen.values()].reduce((sum, each) => sum + each.cpuSeconds, 0);
  }

  get peakMemory(): number {
    return Math.max(0, ...[...this.#seen.values()].map((each) => each.peakMemory));
  }

  #look(): void {
    for (const pid of processes()) {
      if (this.#seen.has(pid)) continue;
      const [program = "", script = ""] = textOf(`/proc/${pid}/cmdline`).split("\0");
      if (!program.endsWith("node") || !script.includes(PROVIDER) || !this.#isBelowRoot(pid)) continue;
      this.#seen.set(pid, { cpuSeconds: 0, peakMemory: 0 });
    }
  }

  #isBelowRoot(pid: number): boolean {
    for (let at = pid; at > 1; at = Number(statFields(at)[1] ?? 0)) if (at === this.#root) return true;
    return false;
  }
}

function processes(): number[] {
  try {
    return readdirSync("/proc").map(Number).filter(Number.isInteger);
  } catch {
    return [];
  }
}

/** `/proc/PID/stat` from its third field on (proc_pid_stat(5)): the second is a name, which may hold blanks. */
function statFields(pid: number | "self"): string[] {
  const text = textOf(`/proc/${pid}/stat`);
  return text.slice(text.lastIndexOf(")") + 2).split(" ");
}

/** Linux counts these times in hundredths of a second for every program (`USER_HZ`). */
const TICKS_PER_SECOND = 100;

/** Seconds: user, system, and both of the children that were waited for. */
function cpuFields(pid: number | "self"): number[] {
  return statFields(pid)
    .slice(11, 15)
    .map((ticks) => Number(ticks) / TICKS_PER_SECOND);
}

/** CPU time of all children of this process that have ended, and of those that they waited for. */
function reapedSeconds(): number {
  const [, , user = 0, system = 0] = cpuFields("self");
  return user + system;
}

function textOf(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
