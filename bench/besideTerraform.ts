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
      ...SUBJECTS.map((id) => fixed(samples.median("cpuSeconds", id, size, operation), 1)),
      ...(["dynamicHost", "terraform"] as const).map((id) => count(samples.median("requests", id, size, operation))),
    ]),
  );
  const titles = SUBJECTS.map(titleOf);
  return [
    "## Beside OpenTofu with a Terraform provider",
    "The same account: N repositories and 10 keys. The programs over Pulumi also make the key pairs. Terraform's provider " +
      "reaches the emulator through its TLS proxy. Seconds of wall time, then of CPU time, then requests.",
    table(
      [
        "command",
        "beside it",
        "N",
        ...titles,
        ...titles.map((title) => `CPU: ${title}`),
        `requests: ${titles[0]}`,
        `requests: ${titles[3]}`,
      ],
      rows,
      3,
    ),
  ];
}
