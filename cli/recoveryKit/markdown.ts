/** Pieces of Markdown. Every text from a stack or an account is code, so that none of its characters has a meaning. */

/** Code within a line. A line break becomes a blank. */
export function code(text: string): string {
  const line = text.replace(/\s+/g, " ");
  const ticks = "`".repeat(longest(line, /`+/g) + 1);
  const pad = /^`|`$|^ .* $/.test(line) ? " " : "";
  return `${ticks}${pad}${line}${pad}${ticks}`;
}

/** A block of code. Commands of the language `sh` are to be run, all others are read. */
export function block(language: "sh" | "ts" | "text", text: string): string {
  const fence = "`".repeat(Math.max(3, longest(text, /`+/g) + 1));
  return `${fence}${language}\n${text}\n${fence}`;
}

/** A table, or a sentence where it has no row. */
export function table(header: string[], rows: string[][], none = "None."): string {
  if (rows.length === 0) return none;
  const line = (cells: string[]) => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(header), line(header.map(() => "---")), ...rows.map(line)].join("\n");
}

/** Cells of a table: one below the other. */
export function lines(cells: string[]): string {
  return cells.join("<br>");
}

function longest(text: string, pattern: RegExp): number {
  return Math.max(0, ...(text.match(pattern) ?? []).map(({ length }) => length));
}
