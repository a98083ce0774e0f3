import stringWidth from "string-width";

/** Rows below a header, in left-aligned columns without borders: readable in a terminal, a pipe and a log. */
export function table(header: string[], rows: string[][]): string {
  const all = [header, ...rows];
  const widths = header.map((_, column) => Math.max(...all.map((row) => stringWidth(row[column] ?? ""))));
  const padded = (cell: string, width: number) => cell + " ".repeat(Math.max(0, width - stringWidth(cell)));
  const line = (row: string[]) => row.map((cell, column) => padded(cell, widths[column] ?? 0)).join("  ");
  return all.map((row) => line(row).trimEnd()).join("\n");
}
