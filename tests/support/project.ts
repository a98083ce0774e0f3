import { strict as assert } from "node:assert";
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { nameOf } from "../../provider/token";
import type { StateResource } from "./stack";

/** The checkout, wherever this file was compiled to. */
export const ROOT = dirname(require.resolve("pulumi-borgbase/package.json"));

/** The command `pulumi-borgbase`, as a program of Node.js. */
export const MAIN = join(ROOT, "dist", "cli", "main.js");

export interface Result {
  ok: boolean;
  /** Standard output, then standard error. */
  output: string;
  stdout: string;
  /** Exit code; undefined where a signal ended the program. */
  code: number | undefined;
}

/** Runs a program to its end, at most `minutes`; never rejects. */
export function execute(
  command: string,
  args: string[],
  cwd: string,
  env: NodeJS.ProcessEnv = {},
  minutes = 8,
): Promise<Result> {
  const options = { cwd, env: { ...process.env, ...env }, maxBuffer: 1e8, timeout: minutes * 60_000 };
  return new Promise((resolve) => {
    execFile(command, args, options, (error, stdout, stderr) => {
      const code = error ? (typeof error.code === "number" ? error.code : undefined) : 0;
      const end = error?.killed ? `\nkilled after ${minutes} minutes` : "";
      resolve({ ok: !error, output: stdout + stderr + end, stdout, code });
    });
  });
}

/** A project on disk as its user has it: the real CLI and its Node language host in the folder, a backend of its own. */
export class ProjectStack {
  /** The backend's folder: state, history and backups. */
  readonly backend = mkdtempSync(join(tmpdir(), "borgbase-project-"));

  private constructor(
    private readonly folder: string,
    private readonly env: Record<string, string>,
  ) {}

  static async create(folder: string, env: Record<string, string>): Promise<ProjectStack> {
    const project = new ProjectStack(folder, env);
    await project.works("stack", "init", "--non-interactive");
    return project;
  }

  run(...args: string[]): Promise<Result> {
    return this.execute("pulumi", ...args);
  }

  /** A program that takes `--stack`, in the project's folder. */
  execute(program: string, ...args: string[]): Promise<Result> {
    return execute(program, [...args, "--stack", "test-of-this-project"], this.folder, {
      PULUMI_BACKEND_URL: `file://${this.backend}`,
      PULUMI_CONFIG_PASSPHRASE: "test",
      PULUMI_SKIP_UPDATE_CHECK: "true",
      NO_COLOR: "1",
      ...this.env,
    });
  }

  /** Runs a command that must succeed. */
  async works(...args: string[]): Promise<string> {
    const { ok, output, stdout } = await this.run(...args);
    assert.ok(ok, `pulumi ${args.join(" ")}: ${output}`);
    return stdout;
  }

  async outputs(): Promise<Record<string, unknown>> {
    return JSON.parse(await this.works("stack", "output", "--json", "--show-secrets"));
  }

  async resources(): Promise<StateResource[]> {
    return JSON.parse(await this.works("stack", "export")).deployment.resources ?? [];
  }

  /** How many resources of ours the state holds, by the type as programs write it. */
  async counts(): Promise<Record<string, number>> {
    const counts: Record<string, number> = {};
    for (const { type } of await this.resources()) {
      const ours = type.startsWith("borgbase:") ? nameOf(type) : undefined;
      if (ours) counts[ours] = (counts[ours] ?? 0) + 1;
    }
    return counts;
  }

  async close(): Promise<void> {
    await this.run("stack", "rm", "--yes", "--force");
    rmSync(this.backend, { recursive: true, force: true });
  }
}
