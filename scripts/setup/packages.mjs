// node_modules and dist: made when they are missing or older than what they are made from.
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { environmentWith, ROOT } from "./paths.mjs";
import { run, step } from "./progress.mjs";

/**
 * What package-lock.json says, where node_modules differs. `npm ci` would refuse a lockfile that lacks packages for other
 * platforms, which npm leaves out where a registry does not have them.
 */
export async function installPackages() {
  if (isInstalled()) return;
  await step("Installing npm packages", () =>
    run("npm", ["install", "--no-save", "--no-audit", "--no-fund", "--loglevel=error"], {
      cwd: ROOT,
      problem: "`npm install` failed; its messages are above",
    }),
  );
}

/** `npm run build`, where a source is newer than the last build. */
export async function build() {
  if (isBuilt()) return;
  await step("Building", () =>
    run("npm", ["run", "--silent", "build"], {
      cwd: ROOT,
      env: environmentWith(),
      problem: "`npm run build` failed; its messages are above",
    }),
  );
}

/** npm notes in node_modules what it put there; packages for other platforms are left out of it. */
function isInstalled() {
  const installed = lockedPackages(join(ROOT, "node_modules", ".package-lock.json"));
  const wanted = lockedPackages(join(ROOT, "package-lock.json"));
  if (!installed || !wanted) return false;
  return Object.entries(wanted)
    .filter(([path]) => path !== "")
    .every(([path, entry]) =>
      installed[path] ? installed[path].version === entry.version : entry.optional || entry.peer,
    );
}

/**
 * @param {string} file
 * @returns {Record<string, { version?: string, optional?: boolean, peer?: boolean }> | undefined}
 */
function lockedPackages(file) {
  return existsSync(file) ? JSON.parse(readFileSync(file, "utf8")).packages : undefined;
}

function isBuilt() {
  const stamp = join(ROOT, "dist", ".built");
  if (!existsSync(stamp)) return false;
  const { include } = JSON.parse(readFileSync(join(ROOT, "tsconfig.json"), "utf8"));
  const sources = ["package-lock.json", "tsconfig.json", "scripts/assets.mjs", ...include];
  return Math.max(...sources.map((source) => newest(join(ROOT, source)))) < statSync(stamp).mtimeMs;
}

/**
 * @param {string} path
 * @returns {number} when it or anything in it changed last; a folder changes when a file in it goes
 */
function newest(path) {
  if (!existsSync(path)) return 0;
  const stats = statSync(path);
  if (!stats.isDirectory()) return stats.mtimeMs;
  return Math.max(stats.mtimeMs, ...readdirSync(path).map((name) => newest(join(path, name))));
}
