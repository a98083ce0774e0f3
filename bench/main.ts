/*
 * Measures Pulumi's commands on stacks of this package, beside two baselines whose providers do nothing: `npm run bench`.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { cpus, loadavg, totalmem } from "node:os";
import { join, relative } from "node:path";
import { parseArgs } from "node:util";
import { startEmulator } from "./emulatorClient";
import { loadingMilliseconds } from "./loading";
import { plot } from "./plot";
import { Progress, type Step } from "./progress";
import { type Circumstances, report } from "./report";
import { CHANGING, median, OPERATIONS, type Operation, type Sample, Samples } from "./samples";
import { Stack } from "./stack";
import { type Subject, stateOnlyBaseline, subjects, withoutCheckpoints } from "./subjects";

const ROOT = join(__dirname, "../..");
const FOLDER = join(ROOT, ".local", "bench");
/** Sizes of a full run. */
const FULL_RUN = [10, 100, 300, 1000];
/** A round of this size takes half an hour, so it runs once. Its commands without changes run at least MIN_REPEATS times. */
const LARGE = 1000;
const MIN_REPEATS = 3;
const LOADING_RUNS = 15;

interface Round {
  size: number;
  subjects: Subject[];
  operations: readonly Operation[];
}

async function main(): Promise<void> {
  const started = Date.now();
  const { sizes, repeats } = readArguments();
  const load = loadavg()[0] ?? 0;
  const [emulator0ms, emulator50ms] = await Promise.all([startEmulator(0), startEmulator(50)]);
  try {
    const all = subjects(emulator0ms, emulator50ms);
    const plan = Array.from({ length: repeats }, (_, round) => roundsOf(sizes, all, round, repeats)).flat();
    // For the advice only: the cost of a run without checkpoints.
    const largest = sizes.at(-1) as number;
    plan.push({ size: largest, subjects: [withoutCheckpoints(emulator50ms)], operations: ["first up", "destroy"] });
    mkdirSync(FOLDER, { recursive: true });
    const loading = await loadingMilliseconds(LOADING_RUNS, FOLDER);
    console.log(`require("pulumi-borgbase"): ${loading.toFixed(1)} ms`);

    const { samples, repositoryBytes } = await run(plan);
    const measured = { samples: new Samples(samples), sizes, repositoryBytes, loading };
    const minutes = Math.round((Date.now() - started) / 60_000);
    write(report(measured, { ...circumstances(), repeats, minutes, load }), plot(measured.samples, sizes), sizes);
  } finally {
    await Promise.all([emulator0ms.close(), emulator50ms.close()]);
    rmSync(join(FOLDER, "stacks"), { recursive: true, force: true });
  }
}

function readArguments(): { sizes: number[]; repeats: number } {
  const { values } = parseArgs({
    options: {
      quick: { type: "boolean", default: false },
      sizes: { type: "string" },
      repeat: { type: "string" },
    },
  });
  const sizes = values.sizes?.split(",").map(Number) ?? (values.quick ? [10, 100] : FULL_RUN);
  const repeats = Number(values.repeat ?? (values.quick ? 1 : 3));
  if (![...sizes, repeats].every((value) => Number.isInteger(value) && value > 0)) {
    throw new Error("Usage: npm run bench [-- [--quick] [--sizes 10,100] [--repeat 3]]");
  }
  return { sizes: [...new Set(sizes)].sort((a, b) => a - b), repeats };
}

/** One round: each size once. The order of subjects rotates by round; {@link stateOnlyBaseline} joins at the largest size. */
function roundsOf(sizes: number[], all: Subject[], round: number, repeats: number): Round[] {
  const included = sizes.filter((size) => size < LARGE || round === 0);
  return included.map((size) => {
    const subjects = size === sizes.at(-1) ? [...all, stateOnlyBaseline()] : all;
    const start = round % subjects.length;
    const isOnce = (operation: Operation) => size < LARGE || CHANGING.includes(operation);
    const times = (operation: Operation) => (isOnce(operation) ? 1 : Math.max(repeats, MIN_REPEATS));
    return {
      size,
      subjects: [...subjects.slice(start), ...subjects.slice(0, start)],
      operations: OPERATIONS.flatMap((operation) => Array<Operation>(times(operation)).fill(operation)),
    };
  });
}

async function run(plan: Round[]): Promise<{ samples: Sample[]; repositoryBytes: number }> {
  const progress = new Progress(
    plan.flatMap(({ size, subjects, operations }) =>
      operations.flatMap((operation) => subjects.map((subject): Step => ({ subject, size, operation }))),
    ),
  );
  const samples: Sample[] = [];
  const repositoryBytes: number[] = [];
  console.log(`About ${progress.remaining} to go.`);
  for (const { size, subjects, operations } of plan) {
    const stacks: Stack[] = [];
    for (const subject of subjects) stacks.push(await Stack.create(subject, size, join(FOLDER, "stacks")));
    for (const operation of operations) {
      for (const stack of stacks) {
        const step = { subject: stack.subject, size, operation };
        progress.begin(step);
        const sample = await stack.run(operation);
        progress.end(step, sample);
        samples.push(sample);
        if (operation === "first up" && stack.subject.id === "borgbase50ms")
          repositoryBytes.push(stack.repositoryBytes());
      }
    }
    for (const stack of stacks) stack.remove();
    writeFileSync(join(FOLDER, "samples.json"), JSON.stringify(samples, null, 1));
  }
  return { samples, repositoryBytes: median(repositoryBytes) };
}

/** A full run replaces the project's benchmark in docs/; a smaller one stays in .local/. */
function write(markdown: string, svg: string, sizes: number[]): void {
  const folder = FULL_RUN.every((size) => sizes.includes(size)) ? join(ROOT, "docs") : FOLDER;
  writeFileSync(join(folder, "benchmark.md"), markdown);
  writeFileSync(join(folder, "benchmark.svg"), svg);
  console.log(`\nWritten: ${relative(ROOT, join(folder, "benchmark.md"))} and benchmark.svg beside it.`);
}

function circumstances(): Pick<Circumstances, "date" | "machine" | "versions"> {
  const pulumi = execFileSync("pulumi", ["version"], { encoding: "utf8" }).trim();
  const version = (name: string) => (require(`${name}/package.json`) as { version: string }).version;
  const processors = cpus();
  const memory = Math.round(totalmem() / 2 ** 30);
  return {
    date: new Date().toISOString().slice(0, 10),
    machine: `${processors.length} × ${processors[0]?.model ?? "unknown processor"}, ${memory} GiB, ${process.platform}`,
    versions: `Pulumi CLI ${pulumi}, @pulumi/pulumi ${version("@pulumi/pulumi")}, Node ${process.version}, pulumi-borgbase ${version("pulumi-borgbase")}`,
  };
}

main().catch((error: unknown) => {
  process.stderr.write(`\n✗ ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
