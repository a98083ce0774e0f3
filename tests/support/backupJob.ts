import { type Emulator, startEmulator } from "../../emulator";
import { check, create, diff, type Properties, read, remove, update } from "../../provider/lifecycle";
import type { AnyResource, Context } from "../../provider/lifecycle/resource";
import { backupJob } from "../../provider/resources/backupJob";
import { generate, type KeyMaterial } from "../../provider/ssh/keys";
import { Console } from "./account";

const resource = backupJob as unknown as AnyResource;

/** A repository in a local BorgBase, and a key that may use it. */
export class Storage {
  private constructor(
    readonly emulator: Emulator,
    readonly console: Console,
  ) {}

  static async start(): Promise<Storage> {
    const emulator = await startEmulator({ storage: true });
    return new Storage(emulator, new Console(emulator));
  }

  get hostKeys(): string[] {
    return (this.emulator.ssh?.hostKeys ?? []).map(({ fingerprintSha256 }) => fingerprintSha256);
  }

  async key(name = "web"): Promise<KeyMaterial & { id: string }> {
    const key = await generate();
    const { sshAdd } = await this.console.ask<{ sshAdd: { keyAdded: { id: string } } }>(
      "mutation($name: String!, $keyData: String!) { sshAdd(name: $name, keyData: $keyData) { keyAdded { id } } }",
      { name, keyData: key.publicKey },
    );
    return { ...key, id: sshAdd.keyAdded.id };
  }

  async repository(keyId: string, name = "web"): Promise<{ id: string; repoPath: string }> {
    const { repoAdd } = await this.console.ask<{ repoAdd: { repoAdded: { id: string; repoPath: string } } }>(
      `mutation($name: String!, $keys: [String]) { repoAdd(name: $name, region: "eu", fullAccessKeys: $keys)
        { repoAdded { id repoPath } } }`,
      { name, keys: [keyId] },
    );
    return repoAdd.repoAdded;
  }

  async stop(): Promise<void> {
    await this.emulator.close();
  }
}

/** A BackupJob as an engine drives it, in this process. */
export class JobStack {
  id = "";
  state: Properties | undefined;
  /** Lines that the resource logged. */
  readonly lines: string[] = [];

  constructor(
    readonly name: string,
    public args: Properties,
    private readonly origin = `project/stack/${name}`,
  ) {}

  private get context(): Context {
    const api = () => Promise.reject(new Error("a request was sent"));
    return { name: this.name, origin: this.origin, api, borgUi: api, log: (line) => this.lines.push(line) };
  }

  private async inputs(): Promise<Properties> {
    const { inputs, failures } = await check(resource, undefined, this.args, this.context);
    if (failures.length > 0)
      throw new Error(failures.map(({ property, reason }) => `${property}: ${reason}`).join("; "));
    return inputs;
  }

  /** Arguments that a preview shows as changed. */
  async preview(): Promise<string[]> {
    if (this.state === undefined) return ["created"];
    const { changed } = await diff(resource, this.id, this.state, await this.inputs(), this.context);
    return changed;
  }

  async up(): Promise<Properties> {
    const inputs = await this.inputs();
    if (this.state === undefined) {
      const created = await create(resource, inputs, this.context);
      this.id = created.id;
      this.state = created.state;
    } else if ((await this.preview()).length > 0) {
      this.state = await update(resource, this.id, this.state, inputs, this.context);
    }
    return this.state;
  }

  /** A refresh, and the arguments that a preview names after it. */
  async refresh(): Promise<string[]> {
    if (this.state === undefined) return ["created"];
    this.lines.length = 0;
    this.state = await read(resource, this.id, this.state, this.context);
    return this.preview();
  }

  async destroy(): Promise<void> {
    if (this.state) await remove(resource, this.id, this.state, this.context);
    this.state = undefined;
  }
}
