import { execFileSync } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import type { Subject } from "./subjects";

/** The first program of this name on PATH. */
export function executable(name: string): string | undefined {
  const folders = (process.env.PATH ?? "").split(delimiter);
  return folders.map((folder) => join(folder, name)).find(isExecutable);
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Programs that a subject needs and PATH lacks. */
export function missingFor({ needs }: Subject): string[] {
  return needs.filter((name) => executable(name) === undefined);
}

/** Installs the plugin of this checkout into a home of Pulumi's. */
export function installPlugin(root: string, home: string): void {
  const env = { ...process.env, PULUMI_HOME: home };
  execFileSync(process.execPath, [join(root, "dist", "cli", "main.js"), "plugin", "install"], { env });
}
