import { bytes, count, seconds } from "./format";
import type { Operation, Samples } from "./samples";
import type { SubjectId } from "./subjects";

/** What a stack costs, and ways to larger ones. */
export function advice(samples: Samples, size: number): string[] {
  const time = (operation: Operation, id: SubjectId = "dynamicHost") =>
    seconds(samples.median("seconds", id, size, operation));
  if (samples.of("dynamicHost", size, "destroy").length === 0) return [];
  const withoutCheckpoints = samples.of("noCheckpoints", size, "first up").length > 0;
  return [
    `## What does a stack of ${count(size)} repositories cost?`,
    `With a latency of 50 ms and the dynamic host, \`pulumi up\` takes ${time("no-op up")} when nothing has changed, a drift check ` +
      `${time("drift check")}, a change of every repository ${time("change")}; the first \`up\` takes ${time("first up")} and ` +
      `\`destroy\` ${time("destroy")}. The state is ${bytes(samples.median("stateBytes", "dynamicHost", size, "first up"))}. ` +
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
            `- **\`PULUMI_SKIP_CHECKPOINTS=true\`** writes the state once, at the end: the first \`up\` then takes ${time("first up", "noCheckpoints")},`,
            `  \`destroy\` ${time("destroy", "noCheckpoints")}. A killed run leaves no state. Its creates are remembered on that machine`,
            "  (`$PULUMI_HOME/borgbase`), where the next `up` finds them. Another machine, such as the next runner of a pipeline,",
            "  would create them twice. `pulumi refresh` finds changes and deletions. Use it for a supervised first `up` only.",
          ]
        : []),
    ].join("\n"),
  ];
}
