import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { homedir, userInfo } from "node:os";
import { basename, dirname, join } from "node:path";
import { defineCommand } from "./command";

export default defineCommand({
  usage: "pulumi-borgbase plugin install [OPTIONS]",
  about: `Puts the provider plugin of this package where the Pulumi CLI looks for plugins: $PULUMI_HOME/plugins, by default
~/.pulumi/plugins. Programs in every language then use it. Needs Node.js on the PATH, and no network.`,
  actions: ["install"],
  options: {
    version: {
      type: "string",
      value: "VERSION",
      help: "Fail unless this package holds that version (default: any)",
    },
  },
  example: "pulumi-borgbase plugin install",
  run: async (options) => {
    const version = packageVersion();
    const wanted = options.version?.replace(/^v/, "") ?? version;
    if (wanted !== version) {
      throw new Error(
        `this package holds the plugin ${version}, not ${wanted}: run npx pulumi-borgbase@${wanted} plugin install`,
      );
    }
    const folder = pluginFolder(version);
    install(folder);
    process.stdout.write(`Installed the plugin borgbase ${version} in ${folder}.\n`);
    return 0;
  },
});

/** The package's root: of the npm package or the checkout. */
const ROOT = dirname(dirname(__dirname));

export function packageVersion(): string {
  return (JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { version: string }).version;
}

/** Copies everything that a plugin consists of into an existing folder. */
export function copyPlugin(folder: string): void {
  const files = [
    join(ROOT, "plugin", "pulumi-resource-borgbase"),
    join(ROOT, "plugin", "pulumi-resource-borgbase.cmd"),
    join(ROOT, "dist", "plugin", "pulumi-resource-borgbase.js"),
    join(ROOT, "schema.json"),
  ];
  for (const file of files) copyFileSync(file, join(folder, basename(file)));
  // Some package managers unpack without the mark.
  chmodSync(join(folder, "pulumi-resource-borgbase"), 0o755);
}

/** Where the CLI finds a plugin by name and version (pulumi/pulumi, `sdk/go/common/workspace/plugins.go`). */
function pluginFolder(version: string): string {
  return join(pluginsFolder(), `resource-borgbase-v${version}`);
}

/** The folder of all plugins of the Pulumi CLI. */
export function pluginsFolder(): string {
  return join(process.env.PULUMI_HOME || join(accountHome(), ".pulumi"), "plugins");
}

/** The account's own folder, which the CLI takes whatever `HOME` says (pulumi/pulumi, `sdk/go/common/util/pulumihome`). */
function accountHome(): string {
  try {
    return userInfo().homedir;
  } catch {
    // A container may run as a user without an account.
    return homedir();
  }
}

/** By way of a rename: a plugin is there as a whole or not at all. */
function install(folder: string): void {
  const draft = `${folder}.${process.pid}`;
  const old = `${draft}.old`;
  mkdirSync(draft, { recursive: true });
  try {
    copyPlugin(draft);
    if (existsSync(folder)) renameSync(folder, old);
    renameSync(draft, folder);
  } finally {
    for (const each of [draft, old]) rmSync(each, { recursive: true, force: true });
  }
  // Left by an installation of the CLI that was interrupted: with it, the CLI would take the plugin for incomplete.
  rmSync(`${folder}.partial`, { force: true });
}
