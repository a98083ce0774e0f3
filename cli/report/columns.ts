import stringWidth from "string-width";
import { table } from "../table";
import { cut } from "../text";

/** A column of a table that fits a width. */
export interface Column {
  title: string;
  /** One per row, without styles. */
  cells: string[];
  /** Style of a fitted cell; must add no width. */
  style?: (cell: string, row: number) => string;
  align?: "right";
  /** Width down to which it may be cut; undefined: never. */
  min?: number;
  /** An optional column; the lowest joins first. */
  rank?: number;
}

const GAP = 2;

/**
 * A table in at most `width` columns. Optional columns join by their rank, as far as there is room; cells are cut then. Empty
 * columns are left out.
 */
export function fittedTable(columns: Column[], width: number): string {
  const filled = columns.filter(({ cells }) => cells.some((cell) => cell !== ""));
  const least = ({ title, cells, min }: Column) => Math.min(min ?? Number.POSITIVE_INFINITY, natural(title, cells));
  const chosen = new Set(filled.filter(({ rank }) => rank === undefined));
  for (const column of filled.toSorted((a, b) => (a.rank ?? 0) - (b.rank ?? 0))) {
    if (total([...chosen, column].map(least)) <= width) chosen.add(column);
  }
  const shown = filled.filter((column) => chosen.has(column));
  const widths = shown.map(({ title, cells }) => natural(title, cells));
  // The widest column that may be cut loses a character, until the row fits.
  for (let over = total(widths) - width; over > 0; over--) {
    const cuttable = shown.flatMap(({ min }, index) => (min !== undefined && (widths[index] ?? 0) > min ? index : []));
    if (cuttable.length === 0) break;
    const widest = cuttable.reduce((a, b) => ((widths[b] ?? 0) > (widths[a] ?? 0) ? b : a));
    widths[widest] = (widths[widest] ?? 0) - 1;
  }
  const fitted = shown.map((column, index) =>
    column.cells.map((cell) => sized(cell, widths[index] ?? 0, column.align)),
  );
  const rows = (columns[0]?.cells ?? []).map((_, row) =>
    shown.map(({ style }, index) => {
      const cell = fitted[index]?.[row] ?? "";
      return style ? style(cell, row) : cell;
    }),
  );
  const header = shown.map(({ title, align }, index) => sized(title, widths[index] ?? 0, align));
  return table(header, rows);
}

/** Items in lines of at most `width`, with a blank between two. */
export function flow(items: readonly string[], width: number): string[][] {
  const lines: string[][] = [];
  let room = 0;
  for (const item of items) {
    const short = cut(item, width);
    const needed = stringWidth(short) + 1;
    const last = lines.at(-1);
    if (last && needed <= room) last.push(short);
    else {
      lines.push([short]);
      room = width + 1;
    }
    room -= needed;
  }
  return lines;
}

export function wrap(text: string, width: number): string {
  return flow(text.split(" "), width)
    .map((line) => line.join(" "))
    .join("\n");
}

function sized(cell: string, width: number, align: Column["align"]): string {
  const short = cut(cell, width);
  return align === "right" ? " ".repeat(Math.max(0, width - stringWidth(short))) + short : short;
}

function natural(title: string, cells: string[]): number {
  return Math.max(...[title, ...cells].map((text) => stringWidth(text)));
}

function total(widths: number[]): number {
  return widths.reduce((sum, each) => sum + each + GAP, -GAP);
}
