import { chmodSync, existsSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { ROOT } from "./project";

/** By policy: an enforcement level, or its level and parameters; `all` for every policy. */
export type PackConfig = Record<string, string | object>;

/** What the CLI is given to run a policy pack. The options are those of the Automation API. */
export class PolicyPackRun {
  private readonly folder = mkdtempSync(join(tmpdir(), "borgbase-pack-"));
  private configs = 0;
  private readonly path: string;

  /** @param pack folder of the pack; default: the one that the package ships */
  constructor(pack = join(ROOT, "policy-pack")) {
    this.path = runsPacks() ? pack : this.launcher(pack);
  }

  options(config: PackConfig = {}) {
    return {
      policyPacks: [this.path],
      policyPackConfigs: [this.write(`config-${++this.configs}.json`, JSON.stringify(config))],
    };
  }

  flags(config?: PackConfig): string[] {
    const { policyPacks, policyPackConfigs } = this.options(config);
    return ["--policy-pack", ...policyPacks, "--policy-pack-config", ...policyPackConfigs];
  }

  close(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** An executable, which the CLI starts by itself: with the script, arguments and folder that a host would use. */
  private launcher(pack: string): string {
    const script = require.resolve("@pulumi/pulumi/cmd/run-policy-pack");
    const file = this.write("launcher", `#!/bin/sh\ncd '${pack}' && exec node '${script}' "$1" .\n`);
    chmodSync(file, 0o755);
    return file;
  }

  private write(name: string, content: string): string {
    const file = join(this.folder, name);
    writeFileSync(file, content);
    return file;
  }
}

/**
 * Whether the CLI's Node host starts policy packs. The tagged host, which is built where no release can be had, does not.
 * Later hosts name the script that they start, and older releases have a program of its own.
 */
function runsPacks(): boolean {
  if (fileOf("pulumi-analyzer-policy") !== undefined) return true;
  const host = fileOf("pulumi-language-nodejs");
  return host !== undefined && readFileSync(host).includes("run-policy-pack");
}

/** A program beside the CLI, otherwise on PATH. */
function fileOf(program: string): string | undefined {
  const folders = (process.env.PATH ?? "").split(delimiter);
  const cli = folders.map((folder) => join(folder, "pulumi")).find((file) => existsSync(file));
  const beside = cli ? [dirname(realpathSync(cli))] : [];
  return [...beside, ...folders].map((folder) => join(folder, program)).find((file) => existsSync(file));
}
