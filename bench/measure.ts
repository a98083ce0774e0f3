import { spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";

/** Cost of one command. */
export interface Cost {
  /** Wall time, from the start of the process to the end of its output. */
  seconds: number;
  /** User and system time of the command and the processes below it. Linux only, else 0. */
  cpuSeconds: number;
  /** Bytes: peak memory of the provider process (`VmHWM`). Linux only, else 0. */
  peakMemory: number;
}

export interface Finished extends Cost {
  code: number | null;
  /** Standard output and error, as they came. */
  output: string;
}

const POLL = 50;
/** Polls per scan for new processes: a scan reads all of /proc. */
const POLLS_PER_SCAN = 4;

/**
 * Runs a command to its end. Node resets every signal handler of its children, so an interrupt stops the language host. A
 * background job of a shell would ignore it, and each `up` would take 5 s more.
 */
export function measure(
  command: string,
  args: string[],
  options: { cwd: string; env: NodeJS.ProcessEnv },
): Promise<Finished> {
  return new Promise((resolve, reject) => {
    const started = performance.now();
    const child = spawn(command, args, { ...options, stdio: ["ignore", "pipe", "pipe"] });
    const processes = new Processes(child.pid ?? 0);
    const polling = setInterval(() => processes.poll(), POLL);
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
      const { cpuSeconds, peakMemory } = processes;
      resolve({ code, output, seconds, cpuSeconds, peakMemory });
    });
  });
}

/** Command line of a provider process: Pulumi's dynamic host, the plugin, a Terraform provider. */
const PROVIDER = /^\S*node .*(cmd\/dynamic-provider|pulumi-resource-borgbase\.js)|^\S*terraform-provider-borgbase/;

/**
 * A command and its descendants, polled while they run: the CLI does not always wait for a provider, so its own counters may
 * lack the provider's CPU time. Processes that end between two scans are missed, for every command alike.
 */
class Processes {
  readonly #root: number;
  readonly #descendants = new Map<number, { isProvider: boolean; cpuSeconds: number; peakMemory: number }>();
  #polls = 0;

  constructor(root: number) {
    this.#root = root;
  }

  poll(): void {
    if (this.#polls++ % POLLS_PER_SCAN === 0) this.#scan();
    for (const [pid, descendant] of this.#descendants) {
      const cpuSeconds = cpuSecondsOf(pid);
      const peak = descendant.isProvider && /VmHWM:\s+(\d+) kB/.exec(textOf(`/proc/${pid}/status`))?.[1];
      if (cpuSeconds) descendant.cpuSeconds = cpuSeconds;
      if (peak) descendant.peakMemory = Number(peak) * 1024;
    }
  }

  get cpuSeconds(): number {
    return [...this.#descendants.values()].reduce((sum, each) => sum + each.cpuSeconds, 0);
  }

  get peakMemory(): number {
    return Math.max(0, ...[...this.#descendants.values()].map((each) => each.peakMemory));
  }

  #scan(): void {
    for (const pid of processes()) {
      if (!this.#isBelowRoot(pid)) continue;
      const isProvider = PROVIDER.test(textOf(`/proc/${pid}/cmdline`).replaceAll("\0", " "));
      // A forked process has its parent's command line until its exec.
      const descendant = this.#descendants.get(pid) ?? { isProvider, cpuSeconds: 0, peakMemory: 0 };
      this.#descendants.set(pid, { ...descendant, isProvider });
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

/** Fields of `/proc/PID/stat` from the third on (proc_pid_stat(5)): the second is a name, which may contain blanks. */
function statFields(pid: number): string[] {
  const text = textOf(`/proc/${pid}/stat`);
  return text.slice(text.lastIndexOf(")") + 2).split(" ");
}

/** Unit of these times on Linux (`USER_HZ`). */
const TICKS_PER_SECOND = 100;

/** User and system time of the process itself. */
export function cpuSecondsOf(pid: number): number {
  const [user, system] = statFields(pid).slice(11, 13).map(Number);
  return ((user ?? 0) + (system ?? 0)) / TICKS_PER_SECOND;
}

function textOf(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
