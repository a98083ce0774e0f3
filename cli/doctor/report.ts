import { type Style, styled } from "../terminal";
import { amount } from "../text";
import type { Finding, Status } from "./finding";

const MARKS: Record<Status, { mark: string; style: Style }> = {
  ok: { mark: "✔", style: "green" },
  warning: { mark: "!", style: "yellow" },
  problem: { mark: "✖", style: "red" },
  skipped: { mark: "-", style: "gray" },
};

/** Findings below their titles, one line each, with the advice below its finding. */
export function report(groups: { title: string; findings: Finding[] }[]): string {
  const all = groups.flatMap(({ findings }) => findings);
  const width = Math.max(...all.map(({ check }) => check.length));
  const line = ({ check, status, seen, advice: full }: Finding, index: number, group: Finding[]) => {
    const { mark, style } = MARKS[status];
    const before = group[index - 1];
    // Said once for several checks that fail for one reason.
    const advice = before?.seen === seen && before.advice === full ? null : full;
    const head = `  ${styled(style, mark)} ${check.padEnd(width)}  `;
    const next = advice === null ? "" : `\n${" ".repeat(width + 6)}${styled("cyan", "→")} ${advice}`;
    return `${head}${status === "skipped" ? styled("gray", seen) : seen}${next}`;
  };
  const parts = groups.map(({ title, findings }) => [styled("bold", title), ...findings.map(line)].join("\n"));
  return `${parts.join("\n\n")}\n\n${summary(all)}\n`;
}

function summary(findings: Finding[]): string {
  const count = (status: Status, noun: string, plural?: string) => {
    const { length } = findings.filter((each) => each.status === status);
    return length === 0 ? [] : [amount(length, noun, plural)];
  };
  const problems = count("problem", "problem");
  const rest = [...count("warning", "warning"), ...count("skipped", "check not made", "checks not made")];
  const counts = [...problems, ...rest].join(", ");
  if (problems.length > 0) return `${counts}. Each line with → says what to do.`;
  return counts === "" ? "No problem was found." : `No problem was found; ${counts}.`;
}
