import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { generate, type KeyMaterial } from "../../provider/ssh/keys";
import * as borgbase from "../../sdk";
import { FarAway } from "./farAway";
import { MachineHost } from "./machineHost";
import { TestStack } from "./stack";

/** Resources that a program declares on every host. */
export type Kind = "jobs" | "connections";

const FIRST = "web000";
const nameOf = (index: number) => `web${String(index).padStart(3, "0")}`;

/** One booted host behind many distant ports: many hosts for whoever connects to them. */
export class ManyHosts {
  private constructor(
    private readonly host: MachineHost,
    private readonly ways: readonly FarAway[],
    private readonly key: KeyMaterial,
  ) {}

  /** @param latency one-way, in milliseconds */
  static async start(count: number, latency: number): Promise<ManyHosts> {
    const [host, key] = await Promise.all([MachineHost.start({ suite: "trixie" }), generate()]);
    await host.booted();
    const ways = Array.from({ length: count }, () => FarAway.start(host.port, latency));
    return new ManyHosts(host, await Promise.all(ways), key);
  }

  get count(): number {
    return this.ways.length;
  }

  /** A stack with a resource per host. The first one is deployed; the others are copies of it, in the state and there. */
  async deploy(kind: Kind, env: Record<string, string> = {}, config: Record<string, string> = {}): Promise<TestStack> {
    let declared = 1;
    const stack = await TestStack.create(
      async () => {
        for (let index = 0; index < declared; index++) this.#declare(kind, index);
      },
      env,
      config,
    );
    const { ok, output } = await stack.up();
    assert.ok(ok, output);
    if (kind === "jobs")
      await this.host.output(COPY, FIRST, ...this.ways.slice(1).map((_, index) => nameOf(index + 1)));
    const { stdout } = await stack.cli("stack", "export", "--show-secrets");
    const state = JSON.parse(stdout);
    const type = kind === "jobs" ? ":BackupJob" : ":SshConnection";
    const first = state.deployment.resources.find((each: { type: string }) => each.type.endsWith(type));
    const text = JSON.stringify(first);
    for (const [index, { port }] of this.ways.entries()) {
      const copy = text.replaceAll(FIRST, nameOf(index)).replaceAll(String(this.ways[0]?.port), String(port));
      if (index > 0) state.deployment.resources.push(JSON.parse(copy));
    }
    const file = join(stack.folder, "copies.json");
    await writeFile(file, JSON.stringify(state));
    await stack.cli("stack", "import", "--file", file);
    declared = this.count;
    return stack;
  }

  /** Forgets what has been counted so far. */
  reset(): void {
    for (const way of this.ways) way.reset();
  }

  /** Connections and round trips of all hosts. */
  counts(): { connections: number; roundTrips: number } {
    const sum = (count: (way: FarAway) => number) => this.ways.reduce((total, way) => total + count(way), 0);
    return { connections: sum(({ connections }) => connections), roundTrips: sum(({ roundTrips }) => roundTrips) };
  }

  async stop(): Promise<void> {
    for (const way of this.ways) way.close();
    await this.host.stop();
  }

  #declare(kind: Kind, index: number): void {
    const { publicKey, privateKey } = this.key;
    const connection = { ...this.host.connection, port: (this.ways[index] as FarAway).port };
    if (kind === "jobs") {
      new borgbase.BackupJob(nameOf(index), {
        connection,
        repository: "/srv/repository",
        privateKey,
        passphrase: "of the job",
        paths: ["/etc/hostname"],
        schedule: { at: "02:30" },
      });
    } else {
      const { privateKey: bootstrapPrivateKey, ...where } = connection;
      new borgbase.SshConnection(nameOf(index), { ...where, bootstrapPrivateKey, publicKey });
    }
  }
}

/** Copies a job under other names. */
const COPY = `first=$1; shift
for name; do
rm -rf /etc/pulumi-borgbase/$name /var/lib/pulumi-borgbase/$name
cp -a /etc/pulumi-borgbase/$first /etc/pulumi-borgbase/$name; cp -a /var/lib/pulumi-borgbase/$first /var/lib/pulumi-borgbase/$name
for end in service timer; do cp -a /etc/systemd/system/borgbase-$first.$end /etc/systemd/system/borgbase-$name.$end; done
sed -i "s/$first/$name/g" /etc/pulumi-borgbase/$name/manifest.json /etc/pulumi-borgbase/$name/config.yaml \\
  /etc/pulumi-borgbase/$name/borg /etc/systemd/system/borgbase-$name.*
done
systemctl daemon-reload; for name; do systemctl enable --quiet --now borgbase-$name.timer; done`;
