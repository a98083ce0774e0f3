import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Finished, measure } from "./measure";
import type { Operation, Sample } from "./samples";
import { BASELINE_MODULE, REPOSITORY, resourcesIn, type Subject } from "./subjects";

const PROJECT = "bench";
const STACK = "bench";
const UNATTENDED = ["--non-interactive", "--suppress-outputs", "--suppress-progress"];

const COMMANDS: Record<Operation, string[]> = {
  "first up": ["up", "--yes", "--skip-preview"],
  "no-op up": ["up", "--yes", "--skip-preview", "--expect-no-changes"],
  preview: ["preview", "--expect-no-changes"],
  refresh: ["refresh", "--yes", "--skip-preview", "--expect-no-changes"],
  "drift check": ["refresh", "--preview-only", "--expect-no-changes"],
  change: ["up", "--yes", "--skip-preview"],
  destroy: ["destroy", "--yes", "--skip-preview"],
};

/** The stack of one subject and size, with its own folder and file backend. */
export class Stack {
  private constructor(
    readonly subject: Subject,
    readonly size: number,
    private readonly folder: string,
    private readonly env: NodeJS.ProcessEnv,
  ) {}

  static async create(subject: Subject, size: number, parent: string): Promise<Stack> {
    const folder = join(parent, `${subject.id}-${size}`);
    rmSync(folder, { recursive: true, force: true });
    const write = (name: string, text: string) => {
      mkdirSync(join(folder, name, ".."), { recursive: true });
      writeFileSync(join(folder, name), text);
    };
    write("package.json", JSON.stringify({ name: "bench-program", private: true, main: "index.js" }));
    write(
      "Pulumi.yaml",
      JSON.stringify({ name: PROJECT, runtime: { name: "nodejs", options: { typescript: false } } }),
    );
    write("index.js", subject.program);
    write("node_modules/baseline/index.js", BASELINE_MODULE);
    write("node_modules/baseline/outputs.json", JSON.stringify(subject.outputs ?? {}));
    mkdirSync(join(folder, "backend"));
    const env = {
      ...process.env,
      PULUMI_HOME: join(parent, "home"),
      PULUMI_BACKEND_URL: `file://${join(folder, "backend")}`,
      PULUMI_CONFIG_PASSPHRASE: "bench",
      PULUMI_SKIP_UPDATE_CHECK: "true",
      NO_COLOR: "1",
      BENCH_SIZE: String(size),
      ...subject.env,
    };
    const stack = new Stack(subject, size, folder, env);
    await subject.emulator?.reset();
    await stack.#pulumi(["stack", "init", STACK]);
    return stack;
  }

  /** @throws when the command fails or leaves a wrong number of resources. */
  async run(operation: Operation): Promise<Sample> {
    const { subject, size } = this;
    await subject.emulator?.takeCounters();
    const BENCH_ALERT_DAYS = operation === "change" ? "3" : "2";
    const cost = await this.#pulumi([...COMMANDS[operation], ...UNATTENDED], { BENCH_ALERT_DAYS });
    const counted = await subject.emulator?.takeCounters();
    this.#assertCount(operation === "destroy" ? 0 : resourcesIn(size), operation);
    return {
      subject: subject.id,
      size,
      operation,
      seconds: cost.seconds,
      cpuSeconds: cost.cpuSeconds,
      peakMemory: cost.peakMemory,
      requests: counted?.requests ?? 0,
      traffic: counted ? counted.bytesIn + counted.bytesOut : 0,
      stateBytes: statSync(this.#stateFile).size,
    };
  }

  /** Bytes of the inputs and outputs of the first repository, as compact JSON. */
  repositoryBytes(): number {
    const found = this.#resources().find((each) => each.type === REPOSITORY);
    return Buffer.byteLength(JSON.stringify(found?.inputs)) + Buffer.byteLength(JSON.stringify(found?.outputs));
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  get #stateFile(): string {
    return join(this.folder, "backend", ".pulumi", "stacks", PROJECT, `${STACK}.json`);
  }

  #resources(): StateResource[] {
    const state = JSON.parse(readFileSync(this.#stateFile, "utf8")) as { checkpoint: { latest?: Snapshot } };
    return state.checkpoint.latest?.resources ?? [];
  }

  #assertCount(wanted: number, operation: Operation): void {
    const found = this.#resources().filter((each) => each.custom && !each.type.startsWith("pulumi:providers:")).length;
    if (found !== wanted) {
      throw new Error(`${this.subject.title}: ${found} resources after ${operation}, where ${wanted} should be`);
    }
  }

  async #pulumi(args: string[], env: NodeJS.ProcessEnv = {}): Promise<Finished> {
    const finished = await measure("pulumi", args, { cwd: this.folder, env: { ...this.env, ...env } });
    if (finished.code === 0) return finished;
    throw new Error(`${this.subject.title}: pulumi ${args.join(" ")} ended with ${finished.code}\n${finished.output}`);
  }
}

interface Snapshot {
  resources?: StateResource[];
}

interface StateResource {
  type: string;
  custom: boolean;
  inputs?: unknown;
  outputs?: unknown;
}
