/*
 * The entry `pulumi-borgbase/dynamic`: runs the bundle of the dynamic host beside this file, with the compiled code of earlier runs.
 * The host's process is shared with other providers, so Node's own cache, which is for the whole process, stays off.
 */
import { mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { createRequire, wrap } from "node:module";
import { dirname, join } from "node:path";
import { Script } from "node:vm";

/** Most functions of a deployment have run by then. A command that ends before leaves the cache to the next one. Milliseconds. */
const WARM_AFTER = 2_000;

export const { host } = load(join(__dirname, "host.js"));

function load(file: string): typeof import("./dynamic") {
  const cache = cacheFile(file);
  const cachedData = readIfPresent(cache);
  const script = new Script(wrap(readFileSync(file, "utf8")), { filename: file, ...(cachedData && { cachedData }) });
  // V8 refuses the code of another version of itself.
  if (!cachedData || script.cachedDataRejected) setTimeout(() => write(cache, script), WARM_AFTER).unref();
  const module = { exports: {} as typeof import("./dynamic") };
  script.runInThisContext()(module.exports, createRequire(file), module, file, dirname(file));
  return module.exports;
}

/** V8 compares no more than the length of a source, so the name holds what tells builds apart. */
function cacheFile(file: string): string {
  const { size, mtimeMs } = statSync(file);
  return join(dirname(file), "cache", [process.version, process.arch, size, Math.round(mtimeMs)].join("-"));
}

function readIfPresent(file: string): Buffer | undefined {
  try {
    return readFileSync(file);
  } catch {
    return undefined;
  }
}

/** A folder that cannot be written, as in Yarn's archives, goes without. */
function write(cache: string, script: Script): void {
  try {
    mkdirSync(dirname(cache), { recursive: true });
    const draft = `${cache}.${process.pid}`;
    writeFileSync(draft, script.createCachedData());
    renameSync(draft, cache);
  } catch {}
}
