import type { Kit } from "./kit";
import { block, code, table } from "./markdown";
import { newStack } from "./newStack";
import { MARKS } from "./output";
import { prepare } from "./prepare";
import { reference } from "./reference";
import { restore } from "./restore";

/** The kit as Markdown. */
export function render(kit: Kit, withSecrets: boolean): string {
  const { stack, account } = kit;
  const of = [
    ...(stack ? [`the stack ${code(stack.name)} of the project ${code(stack.project)}`] : []),
    ...(account ? [`the BorgBase account ${code(account)}`] : []),
  ];
  const sections = [
    withSecrets ? MARKS.secret : MARKS.plain,
    `# Recovery kit${of.length > 0 ? ` for ${of.join(" in ")}` : ""}`,
    withSecrets
      ? "> **This file holds secrets**: private keys, passphrases and passwords. Whoever reads it can read all backups. Keep it encrypted or on paper, never in a repository."
      : "> This file holds no secrets. It says where they are. It may be kept in a repository.",
    ...(kit.asked
      ? []
      : ["> No token was set, so the account was not asked: what the stack does not manage is missing."]),
    "What do you need?",
    table(
      ["", "steps"],
      [
        ["**Files back**, from a backup", "1, 2 and 4"],
        ["**Pulumi's state back**: the stack is lost, the backups are not", "1, 3 and 4"],
        ["To look something up", "[What there is](#what-there-is)"],
      ],
    ),
    "Losing the state deletes nothing: repositories, keys and jobs stay as they are, and backups go on.",
    ...prepare(kit, withSecrets),
    ...restore(kit),
    ...newStack(kit),
    "## 4. Clean up",
    "The folder holds secrets. The restored files in `restored` stay.",
    block("sh", "rm -rf recovery"),
    ...reference(kit, withSecrets),
  ];
  return `${sections.join("\n\n")}\n`;
}
