import { execFile } from "node:child_process";
import { copyFile, mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { runtime } from "@pulumi/pulumi";
import {
  type EngineEvent,
  LocalWorkspace,
  type OutputMap,
  type ProjectSettings,
  type PulumiFn,
  type Stack,
} from "@pulumi/pulumi/automation";
import { nameOf, tokenOf } from "../../provider/token";

// gRPC shares the connections of a process by their address, and the SDK closes none of an inline program's. An engine that
// got the port of an earlier one would be spoken to over its dead connection, which the SDK takes for the engine's end: the
// program ends as if it declared nothing, and everything is deleted. The SDK's types leave its options out.
const { grpcClientOptions } = runtime as unknown as { grpcClientOptions: Record<string, unknown> };
grpcClientOptions["grpc.use_local_subchannel_pool"] = 1;

/** What one command of the real CLI did. */
export interface Run {
  ok: boolean;
  /** Everything that it printed. */
  output: string;
  /** What it did, or would do, to each resource that it did not leave as it was. */
  steps: Step[];
  /** What policies reported. */
  violations: Violation[];
}

export interface Violation {
  policy: string;
  level: string;
  /** The name of the resource that the engine shows it at. */
  resource: string;
  message: string;
}

export interface Step {
  /** `create`, `update`, `replace`, `delete`, `refresh`, … */
  op: string;
  /** The type as programs write it: `Repo`, `borgui.Connection`. */
  type: string;
  name: string;
  /** Properties that differ, where the engine names them. */
  diffs: string[];
}

/** The project's own plugins, which the SDK's types lack. */
interface Plugins {
  providers: { name: string; path: string; version?: string }[];
}

/** A stack on a file backend of its own, with an inline program that may be exchanged between commands. */
export class TestStack {
  private constructor(
    private readonly stack: Stack,
    /** The backend's: state, history and backups. */
    readonly folder: string,
  ) {}

  static async create(
    program: PulumiFn,
    env: Record<string, string>,
    config: Record<string, string> = {},
    plugins?: Plugins,
  ): Promise<TestStack> {
    const folder = await mkdtemp(join(tmpdir(), "borgbase-stack-"));
    const projectSettings: ProjectSettings & { plugins?: Plugins } = {
      name: "borgbase-test",
      runtime: "nodejs",
      // A folder from which the package and the SDK resolve: the provider's process starts there.
      main: join(__dirname, "../../.."),
      backend: { url: `file://${folder}` },
      ...(plugins && { plugins }),
    };
    const stack = await LocalWorkspace.createStack(
      { stackName: "test", projectName: "borgbase-test", program },
      {
        projectSettings,
        envVars: { PULUMI_CONFIG_PASSPHRASE: "test", PULUMI_SKIP_UPDATE_CHECK: "true", NO_COLOR: "1", ...env },
      },
    );
    for (const [key, value] of Object.entries(config)) {
      await stack.setConfig(key, { value, secret: isSecret(key) });
    }
    return new TestStack(stack, folder);
  }

  set program(program: PulumiFn) {
    this.stack.workspace.program = program;
  }

  /** For the commands that follow. */
  set env(env: Record<string, string>) {
    this.stack.workspace.envVars = { ...this.stack.workspace.envVars, ...env };
  }

  setConfig(key: string, value: string): Promise<void> {
    return this.stack.setConfig(key, { value, secret: isSecret(key) });
  }

  up(...args: Parameters<Stack["up"]>) {
    return run((onEvent) => this.stack.up({ color: "never", ...args[0], onEvent }));
  }

  preview(...args: Parameters<Stack["preview"]>) {
    return run((onEvent) => this.stack.preview({ color: "never", ...args[0], onEvent }));
  }

  refresh(...args: Parameters<Stack["refresh"]>) {
    return run((onEvent) => this.stack.refresh({ color: "never", ...args[0], onEvent }));
  }

  /** `pulumi refresh --preview-only --expect-no-changes --diff`: ok when nothing has drifted. */
  async drift(): Promise<{ ok: boolean; output: string }> {
    try {
      const { stdout, stderr } = await this.cli(
        "refresh",
        "--preview-only",
        "--expect-no-changes",
        "--diff",
        "--non-interactive",
      );
      return { ok: true, output: stdout + stderr };
    } catch (error) {
      const { stdout, stderr } = error as { stdout: string; stderr: string };
      return { ok: false, output: stdout + stderr };
    }
  }

  destroy(...args: Parameters<Stack["destroy"]>) {
    return run((onEvent) => this.stack.destroy({ color: "never", ...args[0], onEvent }));
  }

  outputs(): Promise<OutputMap> {
    return this.stack.outputs();
  }

  /** The state as the backend keeps it: secrets encrypted. */
  async state(): Promise<{ deployment: { resources: StateResource[] } }> {
    const { stdout } = await this.cli("stack", "export");
    return JSON.parse(stdout);
  }

  async resource(type: string, name: string): Promise<StateResource | undefined> {
    const { deployment } = await this.state();
    return deployment.resources?.find((each) => each.urn.endsWith(`${tokenOf(type)}::${name}`));
  }

  /** Any other command of the CLI on this stack. */
  cli(...args: string[]) {
    return this.run("pulumi", ...args);
  }

  /** A program that takes `--stack`, in the project's folder and with the stack's environment. */
  run(program: string, ...args: string[]) {
    const options = { ...this.environment, maxBuffer: 1e8 };
    return promisify(execFile)(program, [...args, "--stack", this.stack.name], options);
  }

  /** Folder and variables of any command on this stack. */
  get environment(): { cwd: string; env: NodeJS.ProcessEnv } {
    const { workDir, envVars } = this.stack.workspace;
    return { cwd: workDir, env: { ...process.env, ...envVars, PULUMI_BACKEND_URL: `file://${this.folder}` } };
  }

  /** The state, as the file backend keeps it. */
  get file(): string {
    return join(this.folder, ".pulumi/stacks", "borgbase-test/test.json");
  }

  /**
   * What a person does whose terminal died, as docs/guide.md says: go on from the backup where the CLI left an empty
   * state, and unlock the stack, as the file backend keeps the lock of a killed CLI.
   */
  async recover(): Promise<void> {
    if ((await stat(this.file)).size === 0) await copyFile(`${this.file}.bak`, this.file);
    await this.cli("cancel", "--yes").catch(() => {});
  }

  async close(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
}

export interface StateResource {
  urn: string;
  type: string;
  id?: string;
  inputs?: Record<string, unknown>;
  outputs?: Record<string, unknown>;
  /** `project:///FILE#LINE,COLUMN` */
  sourcePosition?: string;
  stackTrace?: { sourcePosition?: string }[];
}

function isSecret(key: string): boolean {
  return /token$|password$/i.test(key);
}

type Command = (onEvent: (event: EngineEvent) => void) => Promise<{ stdout: string; stderr: string }>;

async function run(command: Command): Promise<Run> {
  const steps: Step[] = [];
  const violations: Violation[] = [];
  const collect = ({ resourcePreEvent, resOutputsEvent, diagnosticEvent, policyEvent }: EngineEvent) => {
    if (policyEvent) {
      const { policyName: policy, enforcementLevel: level, resourceUrn = "", message } = policyEvent;
      violations.push({ policy, level, resource: resourceUrn.split("::").at(-1) ?? "", message: message.trimEnd() });
    }
    const metadata = resourcePreEvent?.metadata ?? resOutputsEvent?.metadata;
    if (!metadata || diagnosticEvent || !metadata.type.startsWith("borgbase:")) return;
    const step = {
      op: String(metadata.op),
      type: nameOf(metadata.type),
      name: metadata.urn.split("::").at(-1) ?? "",
      diffs: Object.keys(metadata.detailedDiff ?? {}).concat(metadata.diffs ?? []),
    };
    if (step.op === "same" || step.op === "read") return;
    const known = steps.find((each) => each.op === step.op && each.type === step.type && each.name === step.name);
    if (known) known.diffs = [...new Set([...known.diffs, ...step.diffs])];
    else steps.push(step);
  };
  try {
    const { stdout, stderr } = await command(collect);
    return { ok: true, output: stdout + stderr, steps, violations };
  } catch (error) {
    return { ok: false, output: error instanceof Error ? error.message : String(error), steps, violations };
  }
}
