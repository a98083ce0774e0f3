import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type EmulatorClient, startEmulator } from "./emulatorClient";
import { type Finished, measure } from "./measure";
import { executable } from "./requirements";
import type { Operation, Sample } from "./samples";
import type { Subject } from "./subjects";
import { TOOLS, type Tool } from "./tools";

/** Type of a repository of this package. */
const REPOSITORY = "borgbase:index:Repo";

/** The stack of one subject and size, with its own folder, state and account. */
export class Stack {
  private constructor(
    readonly subject: Subject,
    readonly size: number,
    private readonly tool: Tool,
    private readonly folder: string,
    private readonly env: NodeJS.ProcessEnv,
    private readonly account: EmulatorClient | undefined,
  ) {}

  /** @param latency of the API in ms */
  static async create(subject: Subject, size: number, parent: string, latency: number): Promise<Stack> {
    const folder = join(parent, `${subject.id}-${size}`);
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(join(folder, "backend"), { recursive: true });
    const tool = TOOLS[subject.tool];
    const account = subject.usesApi ? await startEmulator(latency, { hasNames: subject.tool === "tofu" }) : undefined;
    const env = { ...process.env, ...tool.env(folder, join(parent, "home")), ...account?.env, ...subject.env };
    const stack = new Stack(subject, size, tool, folder, env, account);
    stack.#write("first up");
    for (const args of tool.setup) await stack.#execute(args);
    return stack;
  }

  /** @throws when the command fails or leaves a wrong number of resources. */
  async run(operation: Operation): Promise<Sample> {
    const { subject, size, tool } = this;
    await this.account?.takeCounters();
    this.#write(operation);
    // The system writes gigabytes of checkpoints to the disk long after their command: the next one would wait for them.
    if (process.platform === "linux") execFileSync("sync");
    const { seconds, cpuSeconds, peakMemory } = await this.#execute(tool.operations[operation]);
    const counted = await this.account?.takeCounters();
    this.#assertCount(operation);
    return {
      subject: subject.id,
      size,
      operation,
      seconds,
      cpuSeconds,
      peakMemory,
      requests: counted?.requests ?? 0,
      traffic: counted ? counted.bytesIn + counted.bytesOut : 0,
      stateBytes: statSync(tool.stateFile(this.folder)).size,
    };
  }

  /** Bytes of the inputs and outputs of the first repository, as compact JSON. */
  repositoryBytes(): number {
    const found = this.tool.resourcesIn(this.tool.stateFile(this.folder)).find(({ type }) => type === REPOSITORY);
    return Buffer.byteLength(JSON.stringify(found?.inputs)) + Buffer.byteLength(JSON.stringify(found?.outputs));
  }

  async remove(): Promise<void> {
    await this.account?.close();
    rmSync(this.folder, { recursive: true, force: true });
  }

  #write(operation: Operation): void {
    const files = this.subject.files(this.size, operation === "change" || operation === "destroy" ? 3 : 2);
    if (this.subject.tool === "tofu") files["tofu.rc"] = providerSettings();
    for (const [name, text] of Object.entries(files)) {
      const file = join(this.folder, name);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, text);
    }
  }

  #assertCount(operation: Operation): void {
    const expected = operation === "destroy" ? 0 : this.tool.expected(this.size);
    const found = this.tool.resourcesIn(this.tool.stateFile(this.folder)).length;
    if (found !== expected) {
      throw new Error(`${this.subject.title}: ${found} resources after ${operation}, where ${expected} should be`);
    }
  }

  async #execute(args: string[]): Promise<Finished> {
    const { command } = this.tool;
    const finished = await measure(command, args, { cwd: this.folder, env: this.env });
    if (finished.code === 0) return finished;
    throw new Error(
      `${this.subject.title}: ${command} ${args.join(" ")} ended with ${finished.code}\n${finished.output}`,
    );
  }
}

/** Settings of OpenTofu: the provider on PATH, without an installation. */
function providerSettings(): string {
  const folder = dirname(executable("terraform-provider-borgbase") ?? "");
  return `provider_installation {\n  dev_overrides {\n    "gjabell/borgbase" = ${JSON.stringify(folder)}\n  }\n  direct {}\n}\n`;
}
