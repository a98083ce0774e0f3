import { bars, growthOf, type Measured } from "./bars";
import { type Measure, OPERATIONS, type Samples } from "./samples";
import { KEYS, SUBJECT_IDS, type SubjectId, TITLES } from "./subjects";

/** Where and when it ran. */
export interface Circumstances {
  date: string;
  machine: string;
  versions: string;
  repeats: number;
  minutes: number;
  /** Load of the machine by others when the run began (one-minute average). */
  load: number;
}

/** The whole report, in Markdown. */
export function report(measured: Measured, circumstances: Circumstances): string {
  const { samples, sizes } = measured;
  return `${[
    "# Benchmark",
    "Written by `npm run bench`; do not edit.",
    method(circumstances, sizes),
    "![Wall time over the number of repositories](benchmark.svg)",
    "## Goals",
    table(
      ["what", "goal", "measured", ""],
      bars(measured).map(({ what, bar, measured, passed }) => [what, bar, measured, passed ? "pass" : "**miss**"]),
    ),
    "Ours with 50 ms latency. Ratios are of medians.",
    ...engineShare(samples, sizes.at(-1) as number),
    ...advice(samples, sizes.at(-1) as number),
    "## Wall time",
    wallTimes(samples, sizes),
    ...growth(samples, sizes),
    "## CPU time, requests, memory",
    costs(samples, sizes),
    "## State",
    states(samples, sizes),
  ].join("\n\n")}\n`;
}

function method({ date, machine, versions, repeats, minutes, load }: Circumstances, sizes: readonly number[]): string {
  return [
    `${date}; ${machine}, load ${load.toFixed(1)} at the start; ${versions}. ${repeats === 1 ? "1 round" : `medians of ${repeats} rounds`}, ${minutes} minutes.`,
    `Real Pulumi commands on a file backend with passphrase secrets, one after the other, the subjects taking turns.`,
    `Every subject declares N + ${2 * KEYS} resources, N = ${sizes.map(count).join(", ")}:`,
    "",
    "- **F1**, the usual floor: `pulumi.dynamic.Resource`, whose provider is a serialised closure and whose methods do nothing.",
    "- **F2**, the limit: the same methods, with a provider text of one line and an explicit provider.",
    `- **ours**: N repositories, each with two keys and compaction, and ${KEYS} key pairs with their registered keys, against`,
    "  the emulator on the same machine (a process of its own), which answers at once or after 50 ms.",
    "",
    "From 1,000 on, commands that change every resource are run once, as they take minutes, and the others three times or more.",
    "No command shows a preview first. CPU time is that of the CLI and all its children, without the emulator.",
  ].join("\n");
}

/** How much of the way from F2 to ours is the state alone, which no provider can make cheaper. */
function engineShare(samples: Samples, size: number): string[] {
  if (samples.of("laden", size, "refresh").length === 0) return [];
  const rows = OPERATIONS.map((operation) => {
    const [f2, laden, ours] = (["F2", "laden", "ours50"] as const).map((id) => ({
      seconds: samples.median("seconds", id, size, operation),
      memory: samples.median("peakMemory", id, size, operation),
    })) as [Load, Load, Load];
    const times = [f2, laden, ours].map(({ seconds }) => seconds.toFixed(1));
    const ratio = (a: number, b: number) => (a / b).toFixed(2);
    return [
      operation,
      ...times,
      ratio(laden.seconds, f2.seconds),
      ratio(ours.seconds, laden.seconds),
      ratio(laden.memory, f2.memory),
      ratio(ours.memory, laden.memory),
    ];
  });
  const names = (["F2", "laden", "ours50"] as const).map((id) => TITLES[id]);
  return [
    "## What the state alone costs",
    "The engine passes the whole state of a resource to its provider and back for every question, copies it for its events and " +
      "logs each property of it, and the SDK makes a dozen promises of each output. **F2 with our state** does nothing either, " +
      "but its resources have the arguments and outputs of a repository: what it takes beyond F2 is the price of the outputs " +
      `that programs are promised, whatever the provider does. Seconds at ${count(size)} repositories, and ratios of the wall time and ` +
      "of the provider's peak memory.",
    table(["command", ...names, "state / F2", "ours / state", "MB: state / F2", "MB: ours / state"], rows),
  ];
}

interface Load {
  seconds: number;
  memory: number;
}

function advice(samples: Samples, size: number): string[] {
  const time = (operation: (typeof OPERATIONS)[number], id: SubjectId = "ours50") =>
    seconds(samples.median("seconds", id, size, operation));
  const skipping = samples.of("skipping", size, "first up").length > 0;
  return [
    `## What does a stack of ${count(size)} cost, and what beyond?`,
    `With 50 ms to the service, \`pulumi up\` takes ${time("no-op up")} when nothing has changed, a drift check ` +
      `${time("drift check")}, a change of every repository ${time("change")}; the first \`up\` takes ${time("first up")} and ` +
      `\`destroy\` ${time("destroy")}. The state is ${bytes(samples.median("stateBytes", "ours50", size, "first up"))}. ` +
      "The everyday commands grow with N. Those that change every resource grow with N², as Pulumi writes the whole " +
      "state to a file backend around each step, whatever the provider: a change of a few repositories costs a few writes.",
    "Beyond that:",
    [
      "- **Several stacks**, by team, site or customer. Half the repositories per stack is a quarter of the writing, and a",
      "  mistake reaches fewer of them. Share keys by `StackReference`.",
      "- **Pulumi Cloud** is sent the differences of the state rather than the whole. **S3** and other buckets are sent the whole",
      "  around each step, as a file backend is, over the network: they are for sharing and safety, not for speed.",
      "- **The CLI's own log** of each command, encrypted in `~/.pulumi/logs`, holds every property of every resource: a fifth of a",
      "  refresh. It has no switch (v3.259); with an empty file in place of that folder the CLI goes without.",
      ...(skipping
        ? [
            `- **\`PULUMI_SKIP_CHECKPOINTS=true\`** writes the state once, at the end: the first \`up\` then takes ${time("first up", "skipping")},`,
            `  \`destroy\` ${time("destroy", "skipping")}. A run that is killed has written nothing of what it did. What it added is remembered on`,
            "  that machine (`$PULUMI_HOME/borgbase`) and found again by the next `up` there; elsewhere, as on the next runner of a",
            "  pipeline, it would be added twice. Changes are found by `pulumi refresh`, deletions too. For a first `up` that",
            "  somebody watches, not for every day.",
          ]
        : []),
    ].join("\n"),
  ];
}

function wallTimes(samples: Samples, sizes: readonly number[]): string {
  const rows = OPERATIONS.flatMap((operation) =>
    sizes.map((size) => {
      const [f1, f2, near, far] = SUBJECT_IDS.map((id) => samples.median("seconds", id, size, operation));
      const ratio = (value?: number, to?: number) => ((value as number) / (to as number)).toFixed(2);
      const times = [f1, f2, near, far].map((value) => (value as number).toFixed(1));
      return [operation, count(size), ...times, ratio(far, f1), ratio(far, f2)];
    }),
  );
  const names = SUBJECT_IDS.map((id) => TITLES[id]);
  return `Seconds.\n\n${table(["command", "N", ...names, "50 ms / F1", "50 ms / F2"], rows)}`;
}

function growth(samples: Samples, sizes: readonly number[]): string[] {
  const rows = SUBJECT_IDS.map((id) => growthOf(samples, sizes, id));
  if (rows.some((row) => row === undefined)) return [];
  const cells = SUBJECT_IDS.map((id, index) => [TITLES[id], ...(rows[index] as string[])]);
  return [`From 100 to ${count(sizes.at(-1) as number)} repositories:`, table(["", ...OPERATIONS], cells)];
}

function costs(samples: Samples, sizes: readonly number[]): string {
  const rows = OPERATIONS.flatMap((operation) =>
    sizes.map((size) => {
      const of = (measure: Measure, id: SubjectId) => samples.median(measure, id, size, operation);
      return [
        operation,
        count(size),
        ...(["F1", "F2", "ours50"] as const).map((id) => of("cpuSeconds", id).toFixed(1)),
        count(of("requests", "ours50")),
        bytes(of("traffic", "ours50")),
        ...(["F1", "F2", "ours50"] as const).map((id) => megabytes(of("peakMemory", id))),
      ];
    }),
  );
  const head = ["command", "N", "CPU F1", "CPU F2", "CPU ours", "requests", "bodies", "MB F1", "MB F2", "MB ours"];
  return `CPU time in seconds; MB is the peak memory of the provider process; ours with 50 ms.\n\n${table(head, rows)}`;
}

function states(samples: Samples, sizes: readonly number[]): string {
  const rows = sizes.map((size) => [
    count(size),
    ...(["F1", "F2", "ours50"] as const).map((id) => bytes(samples.median("stateBytes", id, size, "first up"))),
  ]);
  return `The state file after the first \`up\`.\n\n${table(["N", "F1", "F2", "ours"], rows)}`;
}

function table(head: string[], rows: string[][]): string {
  const line = (cells: string[]) => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map((_, index) => (index === 0 ? "---" : "---:"))), ...rows.map(line)].join("\n");
}

const count = (value: number) => Math.round(value).toLocaleString("en");
const seconds = (value: number) => `${value.toFixed(value < 10 ? 1 : 0)} s`;
const megabytes = (value: number) => (value > 0 ? (value / 2 ** 20).toFixed(0) : "–");
const bytes = (value: number) => (value < 1e6 ? `${(value / 1e3).toFixed(0)} kB` : `${(value / 1e6).toFixed(1)} MB`);
