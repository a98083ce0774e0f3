import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { basename, resolve, sep } from "node:path";
import type { StorageRepo } from "./types";

/** Path of the only repository below a BorgBase id: `ssh://ID@HOST/./repo`. */
const REPOSITORY = "repo";

/** Borg rejects a smaller `--storage-quota` (`parse_storage_quota` in its archiver.py). */
const SMALLEST_QUOTA_OPTION = 10e6;

/** Time in ms for a process to release its locks before it is killed. */
const GRACE = 5000;

export type BorgProcess = ChildProcessWithoutNullStreams;

const running = new Map<string, Set<BorgProcess>>();

/**
 * Whether an SSH command is a borg client's: `borg serve` under any of borg's names (`borg-1.4`, `/usr/bin/borg`), after
 * environment assignments and with any options. Borg itself honours only the harmless options (log level, lock wait).
 */
export function isBorgServe(command: string): boolean {
  if (!/^[\w\s./:=,@%+~-]+$/.test(command)) return false;
  const words = command.trim().split(/\s+/);
  const start = words.findIndex((word) => !/^[A-Za-z_]\w*=/.test(word));
  const [program, verb, ...options] = start < 0 ? [] : words.slice(start);
  return (
    program !== undefined &&
    /^borg[\w.+-]*$/.test(basename(program)) &&
    verb === "serve" &&
    options.every(isServeOption)
  );
}

function isServeOption(word: string): boolean {
  return /^--?[a-z]/.test(word) || /^\d+$/.test(word);
}

/**
 * Starts `borg serve`, confined to the repository below `repo.dir`. The folder is made when missing.
 *
 * @param command the client's command, already accepted by `isBorgServe`.
 */
export function startBorgServe(repo: StorageRepo, command: string, appendOnly: boolean): BorgProcess {
  const dir = resolve(repo.dir);
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const args = ["serve", "--restrict-to-repository", resolve(dir, REPOSITORY), "--umask=077"];
  if (appendOnly) args.push("--append-only");
  args.push(...quotaArguments(repo));

  // Like sshd with a forced command: borg reads the client's options from this variable and honours the safe ones.
  return startBorg(repo.dir, args, { SSH_ORIGINAL_COMMAND: command });
}

/** Starts borg in a repository's folder; {@link stopAllIn} stops it with all other processes there. */
export function startBorg(dir: string, args: string[], variables: NodeJS.ProcessEnv = {}): BorgProcess {
  const { PATH, LANG, LC_ALL, TMPDIR } = process.env;
  const home = resolve(dir);
  const child = spawn("borg", args, { cwd: home, env: { PATH, LANG, LC_ALL, TMPDIR, HOME: home, ...variables } });
  const processes = running.get(dir) ?? new Set();
  running.set(dir, processes.add(child));
  const unregister = () => {
    processes.delete(child);
    if (processes.size === 0 && running.get(dir) === processes) running.delete(dir);
  };
  child.once("exit", unregister).once("error", unregister);
  return child;
}

/** Asks a process to release its locks and end, and resolves when it has. */
export function stopBorgServe(child: BorgProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((ended) => {
    const force = setTimeout(() => child.kill("SIGKILL"), GRACE);
    child.once("exit", () => {
      clearTimeout(force);
      ended();
    });
    child.kill("SIGHUP");
    // Within a request, borg treats the signal as a failure of the request and continues; the end of its input stops it.
    child.stdin.destroy();
  });
}

/** Stops all borg processes in a repository's folder. */
export async function stopAllIn(dir: string): Promise<void> {
  await Promise.all([...(running.get(dir) ?? [])].map(stopBorgServe));
}

/** Stops all borg processes in the folders below a folder. */
export async function stopAllBelow(folder: string): Promise<void> {
  const below = [...running.keys()].filter((dir) => resolve(dir).startsWith(resolve(folder) + sep));
  await Promise.all(below.map(stopAllIn));
}

/**
 * Borg enforces the quota: from its option, or below the option's minimum from the repository's config. The config keeps
 * the quota of its creation, so a later change has to be written there.
 */
function quotaArguments(repo: StorageRepo): string[] {
  const bytes = repo.quotaMb === null ? 0 : Math.floor(repo.quotaMb * 1e6);
  if (bytes >= SMALLEST_QUOTA_OPTION) return [`--storage-quota=${bytes}`];
  const exists = writeQuota(resolve(repo.dir, REPOSITORY, "config"), bytes);
  return repo.quotaMb === null || exists ? [] : [`--storage-quota=${SMALLEST_QUOTA_OPTION}`];
}

/** @returns false when there is no repository yet. */
function writeQuota(configPath: string, bytes: number): boolean {
  let config: string;
  try {
    config = readFileSync(configPath, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw error;
  }
  const wanted = config.replace(/^storage_quota = .*$/m, `storage_quota = ${bytes}`);
  if (wanted !== config) {
    const draft = `${configPath}.quota`;
    writeFileSync(draft, wanted, { mode: 0o600 });
    renameSync(draft, configPath);
  }
  return true;
}
