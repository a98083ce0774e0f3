import { count, fixed, table } from "./format";
import { OPERATIONS, type Samples } from "./samples";
import { titleOf } from "./subjects";
import { TOOLS } from "./tools";

const SUBJECTS = ["dynamicHost", "plugin", "yaml", "terraform"] as const;

/** This package in three ways, and the Terraform provider for the same account. */
export function besideTerraform(samples: Samples, sizes: readonly number[]): string[] {
  if (!samples.has("terraform")) return [];
  const compared = sizes.filter((size) => samples.of("terraform", size, "first up").length > 0);
  const rows = OPERATIONS.flatMap((operation) =>
    compared.map((size) => [
      operation,
      `\`tofu ${TOOLS.tofu.operations[operation].filter((word) => !/^-(auto|input|no-color)/.test(word)).join(" ")}\``,
      count(size),
      ...SUBJECTS.map((id) => fixed(samples.median("seconds", id, size, operation), 1)),
      ...(["dynamicHost", "terraform"] as const).map((id) => count(samples.median("requests", id, size, operation))),
    ]),
  );
  const titles = SUBJECTS.map(titleOf);
  return [
    "## Beside OpenTofu with a Terraform provider",
    "The same account: N repositories and 10 keys. The programs over Pulumi also make the key pairs. Terraform's provider " +
      "reaches the emulator through its TLS proxy. Seconds of wall time, then requests.",
    table(["command", "beside it", "N", ...titles, `requests: ${titles[0]}`, `requests: ${titles[3]}`], rows, 3),
    [
      "Where Pulumi is behind, the time is its CLI's and its SDK's:",
      "",
      `- **Every resource changes**: the CLI writes the whole state around each step. ${shareOfCheckpoints(samples, sizes)}`,
      "- **A TypeScript program**: Node.js loads the SDK, which creates a dozen promises per output. A YAML program does without",
      `  both. ${shareOfSdk(samples, compared[0] as number)}`,
    ].join("\n"),
  ];
}

function shareOfCheckpoints(samples: Samples, sizes: readonly number[]): string {
  const size = sizes.at(-1) as number;
  const first = (id: "dynamicHost" | "noCheckpoints") => samples.median("seconds", id, size, "first up");
  if (samples.of("noCheckpoints", size, "first up").length === 0) return "";
  return `Of a first \`up\` of ${count(size)}, ${fixed(first("dynamicHost") - first("noCheckpoints"), 0)} of ${fixed(first("dynamicHost"), 0)} s.`;
}

function shareOfSdk(samples: Samples, size: number): string {
  const time = (id: "plugin" | "yaml") => fixed(samples.median("seconds", id, size, "no-op up"), 1);
  return `A no-op \`up\` of ${count(size)} over the plugin takes ${time("yaml")} s instead of ${time("plugin")} s.`;
}
