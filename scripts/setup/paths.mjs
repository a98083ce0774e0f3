// Where things are, and the environment that child processes get.
import { accessSync, constants, statSync } from "node:fs";
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
 * @param {string | undefined} [path] a PATH to look through
 * @returns {string | undefined} the file that `name` would run, in the order of PATH
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
 * The environment of every child: the project's own Node first on PATH (`@pulumi/pulumi` wants 22 or newer, the machine's
 * may be 20), then `folders`; Pulumi's home inside the clone; no look for updates.
 * @param {(string | undefined)[]} folders
 * @returns {NodeJS.ProcessEnv}
 */
export function environmentWith(...folders) {
  const path = [join(ROOT, "node_modules", ".bin"), ...folders, process.env.PATH, ...DAEMON_FOLDERS];
  return {
    ...process.env,
    PATH: path.filter(Boolean).join(delimiter),
    PULUMI_HOME: join(LOCAL, "pulumi"),
    PULUMI_SKIP_UPDATE_CHECK: "true",
  };
}
