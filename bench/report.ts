import { advice } from "./advice";
import { besideTerraform } from "./besideTerraform";
import { bytes, count, fixed, megabytes, ratio, table } from "./format";
import { goals, growthOf, type Measured } from "./goals";
import { KEYS } from "./programs";
import { type Measure, OPERATIONS, type Samples } from "./samples";
import { type SubjectId, titleOf } from "./subjects";

/** Subjects of the tables. */
const COMPARED = ["dynamicBaseline", "noopBaseline", "sameOutputs", "dynamicHost", "plugin"] as const;
const TITLES = COMPARED.map(titleOf);

/** Where and when the benchmark ran. */
export interface Circumstances {
  date: string;
  machine: string;
  versions: string;
  repeats: number;
  minutes: number;
  /** Load average of the machine over the minute before the run. */
  load: number;
}

/** The whole report, in Markdown. */
export function report(measured: Measured, circumstances: Circumstances): string {
  const { samples, sizes } = measured;
  const largest = sizes.at(-1) as number;
  return `${[
    "# Benchmark",
    "Written by `npm run bench`; do not edit.",
    method(circumstances, sizes),
    "![Wall time over the number of repositories](benchmark.svg)",
    "## Goals",
    table(
      ["what", "goal", "measured", ""],
      goals(measured).map(({ subject, limit, measured, passed }) => [
        subject,
        limit,
        measured,
        passed ? "pass" : "**miss**",
      ]),
    ),
    "Ratios are of medians, of the wall time or the memory. Without a host, a goal is the dynamic host's.",
    ...outputsAlone(samples, largest),
    ...besideTerraform(samples, sizes),
    ...advice(samples, largest),
    "## Wall time",
    `Seconds.\n\n${times("seconds", samples, sizes)}`,
    ...growth(samples, sizes),
    "## CPU time",
    `Seconds.\n\n${times("cpuSeconds", samples, sizes)}`,
    "## Requests and memory",
    costs(samples, sizes),
    "## State",
    states(samples, sizes),
  ].join("\n\n")}\n`;
}

function method({ date, machine, versions, repeats, minutes, load }: Circumstances, sizes: readonly number[]): string {
  return [
    `${date}; ${machine}, load ${load.toFixed(1)} at the start; ${versions}. ${repeats === 1 ? "1 round" : `medians of ${repeats} rounds`}, ${minutes} minutes.`,
    `Real commands on a file backend with passphrase secrets, one after the other, the subjects taking turns.`,
    `Every Pulumi program declares N + ${2 * KEYS} resources, N = ${sizes.map(count).join(", ")}:`,
    "",
    `- **${titleOf("dynamicBaseline")}**: \`pulumi.dynamic.Resource\` with a provider that does nothing. The SDK serialises its closure into each resource.`,
    `- **${titleOf("noopBaseline")}**, the lower limit: the same provider as a text of one line, with an explicit provider resource.`,
    `- **${titleOf("sameOutputs")}**: the no-op baseline with the arguments and outputs of a repository.`,
    `- **${titleOf("dynamicHost")}**, this package: N repositories, each with two keys and compaction, and ${KEYS} key pairs with their registered keys.`,
    `- **${titleOf("plugin")}**: the same program over the installed plugin.`,
    "",
    "The API is the emulator, in its own process on the same machine, with a latency of 50 ms.",
    "Refresh and drift check ran five times per round, the other commands once, each after a `sync` of the disk.",
    "No command shows a preview first. CPU time is that of the CLI and all its children, without the emulator.",
  ].join("\n");
}

/** The cost of the outputs alone, which no provider can lower. */
function outputsAlone(samples: Samples, size: number): string[] {
  if (samples.of("sameOutputs", size, "refresh").length === 0) return [];
  const ids = ["noopBaseline", "sameOutputs", "dynamicHost", "plugin"] as const;
  const rows = OPERATIONS.map((operation) => {
    const of = (measure: Measure, id: SubjectId) => samples.median(measure, id, size, operation);
    const to = (measure: Measure, id: SubjectId) => ratio(of(measure, id), of(measure, "sameOutputs"));
    return [
      operation,
      ...ids.map((id) => fixed(of("seconds", id), 1)),
      to("seconds", "dynamicHost"),
      to("seconds", "plugin"),
      to("cpuSeconds", "dynamicHost"),
      to("cpuSeconds", "plugin"),
      to("peakMemory", "dynamicHost"),
      to("peakMemory", "plugin"),
    ];
  });
  return [
    "## What the outputs alone cost",
    "The engine passes the whole state of a resource to its provider and back in every call, copies it for its events and logs " +
      `each property. The SDK creates a dozen promises per output. The provider of **${titleOf("sameOutputs")}** does nothing ` +
      "with the outputs of a repository. Its time beyond the no-op baseline is the cost of these outputs in any provider. " +
      `Seconds at ${count(size)} repositories, then ratios to it: wall time, CPU time, and peak memory of the provider process.`,
    table(
      [
        "command",
        ...ids.map(titleOf),
        "wall: dynamic",
        "wall: plugin",
        "CPU: dynamic",
        "CPU: plugin",
        "MB: dynamic",
        "MB: plugin",
      ],
      rows,
    ),
  ];
}

/** A row per operation and size, a column per subject. */
function times(measure: "seconds" | "cpuSeconds", samples: Samples, sizes: readonly number[]): string {
  const rows = OPERATIONS.flatMap((operation) =>
    sizes.map((size) => [
      operation,
      count(size),
      ...COMPARED.map((id) => fixed(samples.median(measure, id, size, operation), 1)),
    ]),
  );
  return table(["command", "N", ...TITLES], rows, 2);
}

function growth(samples: Samples, sizes: readonly number[]): string[] {
  const rows = COMPARED.map((id) => ({ id, factors: growthOf(samples, sizes, id) })).filter(({ factors }) =>
    factors.some(Number.isFinite),
  );
  if (rows.length === 0) return [];
  const cells = rows.map(({ id, factors }) => [titleOf(id), ...factors.map((factor) => fixed(factor, 1))]);
  return [`Factors from 100 to ${count(sizes.at(-1) as number)} repositories:`, table(["", ...OPERATIONS], cells)];
}

function costs(samples: Samples, sizes: readonly number[]): string {
  const rows = OPERATIONS.flatMap((operation) =>
    sizes.map((size) => {
      const of = (measure: Measure, id: SubjectId) => samples.median(measure, id, size, operation);
      return [
        operation,
        count(size),
        count(of("requests", "dynamicHost")),
        count(of("requests", "plugin")),
        bytes(of("traffic", "dynamicHost")),
        ...COMPARED.map((id) => megabytes(of("peakMemory", id))),
      ];
    }),
  );
  const head = ["command", "N", "requests: dynamic", "requests: plugin", "bodies", ...TITLES.map((it) => `MB: ${it}`)];
  return `MB is the peak memory of the provider process; bodies are those of requests and responses.\n\n${table(head, rows, 2)}`;
}

function states(samples: Samples, sizes: readonly number[]): string {
  const rows = sizes.map((size) => [
    count(size),
    ...COMPARED.map((id) => bytes(samples.median("stateBytes", id, size, "first up"))),
  ]);
  return `The state file after the first \`up\`.\n\n${table(["N", ...TITLES], rows)}`;
}
