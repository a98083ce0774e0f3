/* Markdown tables and figures. A figure that was not measured is a dash. */

const DASH = "–";
const figure = (value: number, text: (value: number) => string) => (Number.isFinite(value) ? text(value) : DASH);

export const fixed = (value: number, digits: number) => figure(value, (known) => known.toFixed(digits));
export const ratio = (value: number, to: number) => fixed(value / to, 2);
export const count = (value: number) => figure(value, (known) => Math.round(known).toLocaleString("en"));
export const seconds = (value: number) => figure(value, (known) => `${known.toFixed(known < 10 ? 1 : 0)} s`);
export const megabytes = (value: number) => (value > 0 ? (value / 2 ** 20).toFixed(0) : DASH);
export const bytes = (value: number) =>
  figure(value, (known) => (known < 1e6 ? `${(known / 1e3).toFixed(0)} kB` : `${(known / 1e6).toFixed(1)} MB`));

/** Rows without any figure are left out. @param labels number of leading columns that are no figures */
export function table(head: string[], rows: string[][], labels = 1): string {
  const line = (cells: string[]) => `| ${cells.join(" | ")} |`;
  const measured = rows.filter((cells) => cells.slice(labels).some((cell) => cell !== DASH));
  return [line(head), line(head.map((_, index) => (index === 0 ? "---" : "---:"))), ...measured.map(line)].join("\n");
}
