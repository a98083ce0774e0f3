import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { isRunByLanguageHost } from "./pulumiInternals";

/** Module that the provider text in the state requires. */
const ENTRY = "pulumi-borgbase/dynamic";

/** The program's folder, where the provider process resolves the entry. Read at load time, as a program may change it. */
const folder = process.cwd();

let isVerified = false;

/**
 * Verifies that Pulumi's provider process can load this package. It resolves from the program's folder, also for a
 * resource of a component package, whose dependencies pnpm and Yarn PnP install elsewhere.
 * @throws RunError in one line, with the entry to add and its package.json
 */
export function assertResolvableByHost(): void {
  isVerified ||= !isRunByLanguageHost() || !isInProject(folder) || resolvesFrom(folder);
  if (isVerified) return;
  throw new pulumi.RunError(
    `Pulumi's provider process loads pulumi-borgbase from the program's folder, where it is not installed: ` +
      `add "pulumi-borgbase": "${version()}" to the dependencies in ${packageJsonOf(folder)}, and install.`,
  );
}

/** Resolves as the host does: `node_modules` of the folder and its parents, or the package manager's loader. */
function resolvesFrom(start: string): boolean {
  try {
    // Relative to a file there: from this file the package would resolve itself.
    createRequire(join(start, "provider.js")).resolve(ENTRY);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // Other errors prove nothing.
    return code !== "MODULE_NOT_FOUND" && code !== "ERR_PACKAGE_PATH_NOT_EXPORTED";
  }
}

function version(): string {
  try {
    return `^${(require("../../package.json") as { version: string }).version}`;
  } catch {
    return "*";
  }
}

/** The nearest package.json, or the one to create. */
function packageJsonOf(start: string): string {
  const holder = above(start).find((each) => existsSync(join(each, "package.json")));
  return join(holder ?? start, "package.json");
}

/** False where the program has left its folder before it loaded this package. */
function isInProject(start: string): boolean {
  return above(start).some((each) => ["Pulumi.yaml", "Pulumi.yml"].some((name) => existsSync(join(each, name))));
}

/** A folder and its parents. */
function above(start: string): string[] {
  const parent = dirname(start);
  return parent === start ? [start] : [start, ...above(parent)];
}
