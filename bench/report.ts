import { goals, growthOf, type Measured } from "./goals";
import { type Measure, OPERATIONS, type Samples } from "./samples";
import { KEYS, SUBJECT_IDS, type SubjectId, TITLES } from "./subjects";

/** Subjects of the tables of costs. */
const COMPARED = ["dynamicBaseline", "noopBaseline", "borgbase50ms"] as const;

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
    "Measured with a latency of 50 ms. Ratios are of medians.",
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
    "- **dynamic baseline**: `pulumi.dynamic.Resource` with a provider that does nothing. The SDK serialises its closure into each resource.",
    "- **no-op baseline**, the lower limit: the same provider as a text of one line, with an explicit provider resource.",
    `- **borgbase**, this package: N repositories, each with two keys and compaction, and ${KEYS} key pairs with their registered keys.`,
    "  The API is the emulator, in its own process on the same machine, with a latency of 0 ms or 50 ms.",
    "",
    "From 1,000 on, commands that change every resource are run once, as they take minutes, and the others three times or more.",
    "No command shows a preview first. CPU time is that of the CLI and all its children, without the emulator.",
  ].join("\n");
}

/** The cost of the state alone, which no provider can lower. */
function engineShare(samples: Samples, size: number): string[] {
  if (samples.of("stateOnlyBaseline", size, "refresh").length === 0) return [];
  const rows = OPERATIONS.map((operation) => {
    const [noop, stateOnly, provider] = (["noopBaseline", "stateOnlyBaseline", "borgbase50ms"] as const).map((id) => ({
      seconds: samples.median("seconds", id, size, operation),
      memory: samples.median("peakMemory", id, size, operation),
    })) as [Load, Load, Load];
    const times = [noop, stateOnly, provider].map(({ seconds }) => seconds.toFixed(1));
    const ratio = (a: number, b: number) => (a / b).toFixed(2);
    return [
      operation,
      ...times,
      ratio(stateOnly.seconds, noop.seconds),
      ratio(provider.seconds, stateOnly.seconds),
      ratio(stateOnly.memory, noop.memory),
      ratio(provider.memory, stateOnly.memory),
    ];
  });
  const names = (["noopBaseline", "stateOnlyBaseline", "borgbase50ms"] as const).map((id) => TITLES[id]);
  return [
    "## What the state alone costs",
    "The engine passes the whole state of a resource to its provider and back in every call, copies it for its events and logs " +
      "each property. The SDK creates a dozen promises per output. The provider of the **state-only baseline** does nothing " +
      "either, but its resources have the arguments and outputs of a repository. Its time beyond the no-op baseline is the cost " +
      `of these outputs in any provider. Seconds at ${count(size)} repositories, with ratios of the wall time and of the provider's ` +
      "peak memory.",
    table(
      [
        "command",
        ...names,
        "state-only / no-op",
        "borgbase / state-only",
        "MB: state-only / no-op",
        "MB: borgbase / state-only",
      ],
      rows,
    ),
  ];
}

interface Load {
  seconds: number;
  memory: number;
}

function advice(samples: Samples, size: number): string[] {
  const time = (operation: (typeof OPERATIONS)[number], id: SubjectId = "borgbase50ms") =>
    seconds(samples.median("seconds", id, size, operation));
  const withoutCheckpoints = samples.of("borgbase50msNoCheckpoints", size, "first up").length > 0;
  return [
    `## What does a stack of ${count(size)} repositories cost?`,
    `With a latency of 50 ms, \`pulumi up\` takes ${time("no-op up")} when nothing has changed, a drift check ` +
      `${time("drift check")}, a change of every repository ${time("change")}; the first \`up\` takes ${time("first up")} and ` +
      `\`destroy\` ${time("destroy")}. The state is ${bytes(samples.median("stateBytes", "borgbase50ms", size, "first up"))}. ` +
      "The time of everyday commands grows with N. The time of commands that change every resource grows with N², as Pulumi " +
      "writes the whole state to a file backend around each step, for any provider. A change of a few repositories costs a few writes.",
    "For larger stacks:",
    [
      "- **Several stacks**, by team, site or customer. Half the repositories per stack need a quarter of the writes, and a",
      "  mistake affects fewer of them. Share keys by `StackReference`.",
      "- **Pulumi Cloud** receives differences of the state. **S3** and other buckets receive the whole state around each step,",
      "  like a file backend, but over the network: they serve sharing and safety, not speed.",
      "- **The CLI's own log** of each command, encrypted in `~/.pulumi/logs`, contains every property of every resource. It takes a",
      "  fifth of a refresh. It has no switch (v3.259); an empty file in place of that folder disables it.",
      ...(withoutCheckpoints
        ? [
            `- **\`PULUMI_SKIP_CHECKPOINTS=true\`** writes the state once, at the end: the first \`up\` then takes ${time("first up", "borgbase50msNoCheckpoints")},`,
            `  \`destroy\` ${time("destroy", "borgbase50msNoCheckpoints")}. A killed run leaves no state. Its creates are remembered on that machine`,
            "  (`$PULUMI_HOME/borgbase`), where the next `up` finds them. Another machine, such as the next runner of a pipeline,",
            "  would create them twice. `pulumi refresh` finds changes and deletions. Use it for a supervised first `up` only.",
          ]
        : []),
    ].join("\n"),
  ];
}

function wallTimes(samples: Samples, sizes: readonly number[]): string {
  const rows = OPERATIONS.flatMap((operation) =>
    sizes.map((size) => {
      const [dynamic, noop, borgbase0ms, borgbase50ms] = SUBJECT_IDS.map((id) =>
        samples.median("seconds", id, size, operation),
      );
      const ratio = (value?: number, to?: number) => ((value as number) / (to as number)).toFixed(2);
      const times = [dynamic, noop, borgbase0ms, borgbase50ms].map((value) => (value as number).toFixed(1));
      return [operation, count(size), ...times, ratio(borgbase50ms, dynamic), ratio(borgbase50ms, noop)];
    }),
  );
  const names = SUBJECT_IDS.map((id) => TITLES[id]);
  return `Seconds.\n\n${table(["command", "N", ...names, "50 ms / dynamic", "50 ms / no-op"], rows)}`;
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
        ...COMPARED.map((id) => of("cpuSeconds", id).toFixed(1)),
        count(of("requests", "borgbase50ms")),
        bytes(of("traffic", "borgbase50ms")),
        ...COMPARED.map((id) => megabytes(of("peakMemory", id))),
      ];
    }),
  );
  const head = [
    "command",
    "N",
    "CPU dynamic",
    "CPU no-op",
    "CPU borgbase",
    "requests",
    "bodies",
    "MB dynamic",
    "MB no-op",
    "MB borgbase",
  ];
  return `CPU time in seconds; MB is the peak memory of the provider process; borgbase with a latency of 50 ms.\n\n${table(head, rows)}`;
}

function states(samples: Samples, sizes: readonly number[]): string {
  const rows = sizes.map((size) => [
    count(size),
    ...COMPARED.map((id) => bytes(samples.median("stateBytes", id, size, "first up"))),
  ]);
  return `The state file after the first \`up\`.\n\n${table(["N", "dynamic baseline", "no-op baseline", "borgbase"], rows)}`;
}

function table(head: string[], rows: string[][]): string {
  const line = (cells: string[]) => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map((_, index) => (index === 0 ? "---" : "---:"))), ...rows.map(line)].join("\n");
}

const count = (value: number) => Math.round(value).toLocaleString("en");
const seconds = (value: number) => `${value.toFixed(value < 10 ? 1 : 0)} s`;
const megabytes = (value: number) => (value > 0 ? (value / 2 ** 20).toFixed(0) : "–");
const bytes = (value: number) => (value < 1e6 ? `${(value / 1e3).toFixed(0)} kB` : `${(value / 1e6).toFixed(1)} MB`);
