// node_modules and dist: created when they are missing or older than their sources.
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { environmentWith, ROOT } from "./paths.mjs";
import { run, step } from "./progress.mjs";

/**
 * Installs the packages of package-lock.json, unless node_modules matches it. `npm ci` would reject a lockfile without the
 * packages for other platforms, which npm omits when a registry lacks them.
 * @param {string} folder
 * @param {string[]} options of npm
 */
export async function installPackages(folder = ROOT, options = []) {
  if (isInstalled(folder)) return;
  await step("Installing npm packages", () =>
    run("npm", ["install", "--no-save", "--no-audit", "--no-fund", "--loglevel=error", ...options], {
      cwd: folder,
      problem: "`npm install` failed; its messages are above",
    }),
  );
}

/** Runs `npm run build`, unless the last build is newer than all sources. */
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

/**
 * Compares package-lock.json with npm's own record in node_modules, which omits packages for other platforms.
 * @param {string} folder
 */
function isInstalled(folder) {
  const installed = lockedPackages(join(folder, "node_modules", ".package-lock.json"));
  const wanted = lockedPackages(join(folder, "package-lock.json"));
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
  const scripts = ["assets", "bundle", "emulatorPage"].map((name) => `scripts/${name}.mjs`);
  const sources = ["package-lock.json", "tsconfig.json", ...scripts, ...include];
  return Math.max(...sources.map((source) => newest(join(ROOT, source)))) < statSync(stamp).mtimeMs;
}

/**
 * @param {string} path
 * @returns {number} time of the last change of the path or of anything below it; a deletion changes the folder
 */
function newest(path) {
  if (!existsSync(path)) return 0;
  const stats = statSync(path);
  if (!stats.isDirectory()) return stats.mtimeMs;
  return Math.max(stats.mtimeMs, ...readdirSync(path).map((name) => newest(join(path, name))));
}
