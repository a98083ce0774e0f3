import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdirSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Borg, BorgAccess, BorgResult } from "./index";

/** A password is never asked for. */
const SSH_OPTIONS = ["BatchMode=yes", "PreferredAuthentications=publickey", "IdentitiesOnly=yes", "LogLevel=ERROR"];

/** Runs the installed borg. Its caches and key files are below a folder. */
export function installedBorg(folder: string): Borg {
  const home = join(folder, "borg-home");
  mkdirSync(home, { recursive: true, mode: 0o700 });
  chmodSync(home, 0o700);
  const running = new Set<ChildProcess>();

  async function execute(args: string[], variables: NodeJS.ProcessEnv, signal?: AbortSignal): Promise<BorgResult> {
    const { PATH, LANG, LC_ALL, TMPDIR } = process.env;
    const env = { PATH, LANG, LC_ALL, TMPDIR, HOME: home, BORG_BASE_DIR: home, ...variables };
    const child = spawn("borg", args, { env, stdio: ["ignore", "pipe", "pipe"], signal });
    running.add(child);
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    child.stdout.on("data", (chunk: Buffer) => stdout.push(chunk));
    child.stderr.on("data", (chunk: Buffer) => stderr.push(chunk));
    try {
      const [code] = (await once(child, "close")) as [number | null];
      return { code: code ?? 2, stdout: Buffer.concat(stdout).toString(), stderr: Buffer.concat(stderr).toString() };
    } catch (error) {
      return { code: 127, stdout: "", stderr: `borg: ${(error as Error).message}` };
    } finally {
      running.delete(child);
    }
  }

  let version: Promise<string | null> | undefined;
  return {
    version() {
      version ??= execute(["--version"], {}).then(({ code, stdout }) => (code === 0 ? stdout.trim() : null));
      return version;
    },
    async run(args, access) {
      const keyFolder = access.privateKey === null ? null : await mkdtemp(join(home, "key-"));
      try {
        return await execute(args, await variablesOf(access, keyFolder), access.signal);
      } finally {
        if (keyFolder) await rm(keyFolder, { recursive: true, force: true });
      }
    },
    async addKeyfile(address, content) {
      const keys = join(home, ".config", "borg", "keys");
      await mkdir(keys, { recursive: true, mode: 0o700 });
      const name = address.replace(/^ssh:\/\/|^\/+/, "").replace(/[^A-Za-z0-9]/g, "_");
      const file = join(keys, name);
      await writeFile(file, content, { mode: 0o600 });
      return { name, remove: () => rm(file, { force: true }) };
    },
    async close() {
      const ended = [...running].map((child) => once(child, "close").catch(() => {}));
      for (const child of running) child.kill("SIGTERM");
      await Promise.all(ended);
    },
  };
}

async function variablesOf(
  { passphrase, privateKey, pinned }: BorgAccess,
  keyFolder: string | null,
): Promise<NodeJS.ProcessEnv> {
  let hostKey = ["StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null"];
  if (pinned !== null && keyFolder !== null) {
    await writeFile(join(keyFolder, "known_hosts"), `${pinned}\n`);
    hostKey = ["StrictHostKeyChecking=yes", `UserKnownHostsFile='${join(keyFolder, "known_hosts")}'`];
  }
  const options = [...SSH_OPTIONS, ...hostKey].map((option) => `-o ${option}`).join(" ");
  let ssh = `ssh ${options}`;
  if (privateKey !== null && keyFolder !== null) {
    const file = join(keyFolder, "id");
    await writeFile(file, privateKey.endsWith("\n") ? privateKey : `${privateKey}\n`, { mode: 0o600 });
    ssh = `ssh -i '${file}' ${options}`;
  }
  return {
    BORG_RSH: ssh,
    // Unset asks on a terminal, which does not exist here.
    ...(passphrase ? { BORG_PASSPHRASE: passphrase } : {}),
    BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK: "yes",
    BORG_RELOCATED_REPO_ACCESS_IS_OK: "yes",
    BORG_LOCK_WAIT: "180",
    BORG_HOSTNAME_IS_UNIQUE: "yes",
    BORG_EXIT_CODES: "legacy",
  };
}
