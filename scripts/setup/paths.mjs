// Paths, and the environment of child processes.
import { accessSync, constants, mkdirSync, mkdtempSync, renameSync, rmSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** Ignored by git: state, keys, logs and Pulumi's own files of this clone. */
export const LOCAL = join(ROOT, ".local");

/** Shared by all clones of a user. */
export const CACHE = join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "pulumi-borgbase");

/** Daemons such as sshd are outside the PATH of ordinary users. */
const DAEMON_FOLDERS = ["/usr/local/sbin", "/usr/sbin", "/sbin"];

/**
 * @param {string} name
 * @param {string | undefined} [path] a PATH to search
 * @returns {string | undefined} the first executable of this name, in the order of PATH
 */
export function which(name, path = process.env.PATH) {
  return [...(path ?? "").split(delimiter), ...DAEMON_FOLDERS]
    .filter(Boolean)
    .map((folder) => join(folder, name))
    .find(isExecutable);
}

/** @param {string} file */
export function isExecutable(file) {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

/**
 * Makes a folder of the cache. It is filled beside its place and renamed, so that it is complete even with two parallel
 * installations.
 * @param {string} folder
 * @param {(folder: string) => boolean} isComplete
 * @param {(draft: string) => Promise<void>} fill
 */
export async function fillFolder(folder, isComplete, fill) {
  mkdirSync(dirname(folder), { recursive: true });
  const draft = mkdtempSync(`${folder}.`);
  try {
    await fill(draft);
    try {
      renameSync(draft, folder);
    } catch (error) {
      if (!isComplete(folder)) throw error;
    }
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}

/**
 * The environment of child processes. PATH starts with the project's own Node (`@pulumi/pulumi` requires 22, the machine may
 * have 20), or with the machine's where PULUMI_BORGBASE_NODE is `system`. `folders` follow. Pulumi's home is inside the clone, and its check for updates is off.
 * @param {(string | undefined)[]} folders
 * @returns {NodeJS.ProcessEnv}
 */
export function environmentWith(...folders) {
  const system = process.env.PULUMI_BORGBASE_NODE === "system" ? [dirname(process.execPath)] : [];
  const path = [...system, join(ROOT, "node_modules", ".bin"), ...folders, process.env.PATH, ...DAEMON_FOLDERS];
  return {
    ...process.env,
    PATH: path.filter(Boolean).join(delimiter),
    PULUMI_HOME: join(LOCAL, "pulumi"),
    PULUMI_SKIP_UPDATE_CHECK: "true",
  };
}
