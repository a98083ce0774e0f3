/*
 * Measures Pulumi's commands on stacks of this package, beside baselines whose providers do nothing and beside OpenTofu:
 * `npm run bench`.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { cpus, loadavg, totalmem } from "node:os";
import { join, relative } from "node:path";
import type { Measured } from "./goals";
import { compareHosts } from "./hosts";
import { loadingMilliseconds, pluginStart } from "./loading";
import { type Plan, readPlan } from "./plan";
import { plot } from "./plot";
import { Progress, type Step } from "./progress";
import { type Circumstances, report } from "./report";
import { executable, installPlugin, missingFor } from "./requirements";
import { median, type Sample, Samples } from "./samples";
import { Stack } from "./stack";
import type { Subject } from "./subjects";

const ROOT = join(__dirname, "../..");
const FOLDER = join(ROOT, ".local", "bench");
const STACKS = join(FOLDER, "stacks");
/** Of the API, in milliseconds. */
const LATENCY = 50;
const STARTS = 15;

async function main(): Promise<void> {
  const started = Date.now();
  const chosen = readPlan(process.argv.slice(2));
  if (chosen.hosts > 0) return console.log(await compareHosts(chosen.hosts, chosen.repeats));
  const plan = withoutUnavailable(chosen);
  const load = loadavg()[0] ?? 0;
  mkdirSync(STACKS, { recursive: true });
  try {
    const home = join(STACKS, "home");
    installPlugin(ROOT, home);
    const loading = await loadingMilliseconds(STARTS, FOLDER);
    const start = await pluginStart(STARTS, home);
    console.log(
      `require("pulumi-borgbase"): ${loading.toFixed(1)} ms; start of the plugin: ${start.toFixed(0)} ms of CPU`,
    );

    const { samples, repositoryBytes } = await run(plan);
    const measured = { samples: new Samples(samples), sizes: plan.sizes, repositoryBytes, loading, pluginStart: start };
    const minutes = Math.round((Date.now() - started) / 60_000);
    write(measured, { ...circumstances(), repeats: plan.repeats, minutes, load }, plan.isFull);
  } finally {
    rmSync(STACKS, { recursive: true, force: true });
  }
}

/** The plan without the subjects whose programs PATH lacks. */
function withoutUnavailable(plan: Plan): Plan {
  const all = new Set(plan.rounds.flatMap(({ subjects }) => subjects));
  for (const subject of all) {
    const missing = missingFor(subject);
    if (missing.length === 0) continue;
    console.log(`${subject.title} is left out: PATH has no ${missing.join(", no ")}.`);
    all.delete(subject);
  }
  const available = (subjects: Subject[]) => subjects.filter((subject) => all.has(subject));
  return { ...plan, rounds: plan.rounds.map((round) => ({ ...round, subjects: available(round.subjects) })) };
}

async function run({ rounds }: Plan): Promise<{ samples: Sample[]; repositoryBytes: number }> {
  const progress = new Progress(
    rounds.flatMap(({ size, subjects, operations }) =>
      operations.flatMap((operation) => subjects.map((subject): Step => ({ subject, size, operation }))),
    ),
  );
  const samples: Sample[] = [];
  const repositoryBytes: number[] = [];
  console.log(`About ${progress.remaining} to go.`);
  for (const { size, subjects, operations } of rounds) {
    const stacks: Stack[] = [];
    try {
      for (const subject of subjects) stacks.push(await Stack.create(subject, size, STACKS, LATENCY));
      for (const operation of operations) {
        for (const stack of stacks) {
          const step = { subject: stack.subject, size, operation };
          progress.begin(step);
          const sample = await stack.run(operation);
          progress.end(step, sample);
          samples.push(sample);
          if (operation === "first up" && stack.subject.id === "dynamicHost")
            repositoryBytes.push(stack.repositoryBytes());
        }
      }
    } finally {
      for (const stack of stacks) await stack.remove();
    }
    writeFileSync(join(FOLDER, "samples.json"), JSON.stringify(samples, null, 1));
  }
  return { samples, repositoryBytes: median(repositoryBytes) };
}

/** A full run replaces the project's benchmark in docs/; another one stays in .local/. */
function write(measured: Measured, circumstances: Circumstances, isFull: boolean): void {
  const folder = isFull ? join(ROOT, "docs") : FOLDER;
  writeFileSync(join(folder, "benchmark.md"), report(measured, circumstances));
  writeFileSync(join(folder, "benchmark.svg"), plot(measured.samples, measured.sizes));
  console.log(`\nWritten: ${relative(ROOT, join(folder, "benchmark.md"))} and benchmark.svg beside it.`);
}

function circumstances(): Pick<Circumstances, "date" | "machine" | "versions"> {
  const first = (command: string, ...args: string[]) =>
    execFileSync(command, args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).split("\n")[0];
  const version = (name: string) => (require(`${name}/package.json`) as { version: string }).version;
  const processors = cpus();
  const memory = Math.round(totalmem() / 2 ** 30);
  return {
    date: new Date().toISOString().slice(0, 10),
    machine: `${processors.length} × ${processors[0]?.model ?? "unknown processor"}, ${memory} GiB, ${process.platform}`,
    versions: [
      `Pulumi CLI ${first("pulumi", "version")}`,
      `@pulumi/pulumi ${version("@pulumi/pulumi")}`,
      `Node ${process.version}`,
      `pulumi-borgbase ${version("pulumi-borgbase")}`,
      ...(executable("tofu") ? [first("tofu", "version")] : []),
    ].join(", "),
  };
}

main().catch((error: unknown) => {
  process.stderr.write(`\n✗ ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
