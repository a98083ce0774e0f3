import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { isRunByLanguageHost } from "./pulumiInternals";

/** What the provider text in the state requires. */
const ENTRY = "pulumi-borgbase/dynamic";

/** The program's folder, from which the provider process resolves the entry: before a program that changes it gets to do so. */
const folder = process.cwd();

let found = false;

/**
 * Fails where Pulumi's provider process cannot load this package. It resolves it from the program's folder, also where
 * the resource comes from a component package with dependencies of its own, which pnpm and Yarn PnP keep apart.
 * @throws RunError of one line, with what to add to which package.json
 */
export function assertResolvableByHost(): void {
  found ||= !isRunByLanguageHost() || !isInProject(folder) || resolvesFrom(folder);
  if (found) return;
  throw new pulumi.RunError(
    `Pulumi's provider process loads pulumi-borgbase from the program's folder, where it is not installed: ` +
      `add "pulumi-borgbase": "${version()}" to the dependencies in ${packageJsonOf(folder)}, and install.`,
  );
}

/** As the host does it: along the `node_modules` of a folder and those above it, or as the package manager's loader says. */
function resolvesFrom(start: string): boolean {
  try {
    // From a file there, as from this one the package would find itself.
    createRequire(join(start, "provider.js")).resolve(ENTRY);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // Of anything else nothing is concluded.
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

/** The nearest one; where there is none, the one to make. */
function packageJsonOf(start: string): string {
  const holder = above(start).find((each) => existsSync(join(each, "package.json")));
  return join(holder ?? start, "package.json");
}

/** Not so where the program has gone elsewhere before it loaded this package. */
function isInProject(start: string): boolean {
  return above(start).some((each) => ["Pulumi.yaml", "Pulumi.yml"].some((name) => existsSync(join(each, name))));
}

/** A folder and those above it. */
function above(start: string): string[] {
  const parent = dirname(start);
  return parent === start ? [start] : [start, ...above(parent)];
}
