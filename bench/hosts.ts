import { loadavg } from "node:os";
import { type Kind, ManyHosts } from "../tests/support/manyHosts";
import { InstalledPlugin } from "../tests/support/plugin";
import { fixed, table } from "./format";
import { type Finished, measure } from "./measure";
import { median } from "./samples";

/** One-way, in milliseconds. */
const LATENCY = 20;

const KINDS: Record<Kind, string> = { jobs: "BackupJob", connections: "SshConnection" };

/**
 * Measures `pulumi refresh` of a `BackupJob` per host beside a `SshConnection` per host, with both of the provider's hosts.
 * @returns a table in Markdown
 */
export async function compareHosts(count: number, repeats: number): Promise<string> {
  const [many, plugin] = await Promise.all([ManyHosts.start(count, LATENCY), InstalledPlugin.create()]);
  const providers: [title: string, env: Record<string, string>, config: Record<string, string>][] = [
    ["dynamic host", {}, {}],
    ["plugin", plugin.env, { "borgbase:plugin": "true" }],
  ];
  const rows: string[][] = [];
  const load = loadavg()[0] ?? 0;
  try {
    for (const [title, env, config] of providers) {
      for (const kind of ["jobs", "connections"] as const) {
        const stack = await many.deploy(kind, env, config);
        const runs: Finished[] = [];
        many.reset();
        for (let run = 0; run < repeats; run++) {
          const args = ["refresh", "--yes", "--skip-preview", "--non-interactive", "--stack", "test"];
          const finished = await measure("pulumi", args, stack.environment);
          if (finished.code !== 0) throw new Error(finished.output);
          runs.push(finished);
        }
        const { connections, roundTrips } = many.counts();
        await stack.close();
        const each = (value: number) => fixed(value / repeats / count, 1);
        rows.push([
          `${KINDS[kind]}, ${title}`,
          fixed(median(runs.map(({ seconds }) => seconds)), 1),
          fixed(median(runs.map(({ cpuSeconds }) => cpuSeconds)), 1),
          each(connections),
          each(roundTrips),
        ]);
      }
    }
  } finally {
    plugin.close();
    await many.stop();
  }
  const head = [`refresh of ${count} hosts`, "seconds", "CPU seconds", "connections per host", "round trips per host"];
  return `Hosts ${2 * LATENCY} ms away, load ${load.toFixed(1)} at the start.\n\n${table(head, rows)}`;
}
