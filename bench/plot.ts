import { OPERATIONS, type Operation, type Samples } from "./samples";
import { type SubjectId, titleOf } from "./subjects";

/** Subjects with a line of their own. */
const LINES = ["dynamicBaseline", "noopBaseline", "sameOutputs", "dynamicHost", "plugin"] as const;

const PANEL = { width: 230, height: 170, left: 42, right: 20, top: 26, bottom: 26 };
const COLUMNS = 4;
const HEAD = 46;

/** Ticks of the time axis, in seconds. */
const TICKS = [0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500];

/** Middle tones are distinguishable on white and on black; the text follows the reader's colour scheme. */
const STYLE = `
  text { font: 11px system-ui, sans-serif; fill: #333; }
  .title { font-weight: 600; }
  .grid { stroke: #8884; }
  polyline { fill: none; stroke-width: 1.8; }
  .dynamicBaseline { stroke: #999; fill: #999; } .noopBaseline { stroke: #d98200; fill: #d98200; }
  .sameOutputs { stroke: #b5533c; fill: #b5533c; }
  .dynamicHost { stroke: #5aa9e6; fill: #5aa9e6; } .plugin { stroke: #2f6fde; fill: #2f6fde; }
  polyline.dynamicBaseline, polyline.noopBaseline, polyline.sameOutputs { stroke-dasharray: 5 3; }
  polyline.dynamicBaseline, polyline.noopBaseline, polyline.sameOutputs, polyline.dynamicHost, polyline.plugin { fill: none; }
  @media (prefers-color-scheme: dark) { text { fill: #ccc; } }
`;

/** Wall time over the number of repositories, both logarithmic: a panel per operation, a line per subject. */
export function plot(samples: Samples, sizes: readonly number[]): string {
  const rows = Math.ceil(OPERATIONS.length / COLUMNS);
  const [width, height] = [COLUMNS * PANEL.width, HEAD + rows * PANEL.height];
  const times = OPERATIONS.flatMap((operation) =>
    LINES.flatMap((id) => sizes.map((size) => samples.median("seconds", id, size, operation)).filter(Number.isFinite)),
  );
  const y = logScale(Math.min(...times), Math.max(...times), PANEL.height - PANEL.bottom, PANEL.top);
  const x = logScale(Math.min(...sizes), Math.max(...sizes), PANEL.left, PANEL.width - PANEL.right);
  const panels = OPERATIONS.map((operation, index) => {
    const [column, row] = [index % COLUMNS, Math.floor(index / COLUMNS)];
    const place = `translate(${column * PANEL.width} ${HEAD + row * PANEL.height})`;
    return `<g transform="${place}">${panel(operation, samples, sizes, x, y)}</g>`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">`,
    `<title>Wall time of Pulumi's commands over the number of repositories</title>`,
    `<style>${STYLE}</style>`,
    `<text class="title" x="${PANEL.left}" y="16">Wall time in seconds over the number of repositories</text>`,
    ...LINES.map(legend),
    ...panels,
    "</svg>\n",
  ].join("\n");
}

interface Scale {
  (value: number): number;
  from: number;
  to: number;
}

function logScale(from: number, to: number, start: number, end: number): Scale {
  const span = Math.log(to / from) || 1;
  const scale = (value: number) => round(start + (Math.log(value / from) / span) * (end - start));
  return Object.assign(scale, { from, to });
}

const round = (value: number) => Math.round(value * 10) / 10;

function legend(id: SubjectId, index: number): string {
  const x = PANEL.left + index * 175;
  return `<polyline class="${id}" points="${x},32 ${x + 24},32"/><text x="${x + 30}" y="36">${titleOf(id)}</text>`;
}

function panel(operation: Operation, samples: Samples, sizes: readonly number[], x: Scale, y: Scale): string {
  const ticks = TICKS.filter((tick) => tick >= y.from && tick <= y.to);
  const [left, right] = [PANEL.left, PANEL.width - PANEL.right];
  return [
    `<text class="title" x="${left}" y="16">${operation}</text>`,
    ...ticks.map(
      (tick) =>
        `<line class="grid" x1="${left}" x2="${right}" y1="${y(tick)}" y2="${y(tick)}"/>` +
        `<text x="${left - 6}" y="${y(tick) + 4}" text-anchor="end">${tick}</text>`,
    ),
    ...sizes.map(
      (size) => `<text x="${x(size)}" y="${PANEL.height - 8}" text-anchor="middle">${size.toLocaleString("en")}</text>`,
    ),
    ...LINES.map((id) => {
      const points = sizes
        .map((size) => [x(size), y(samples.median("seconds", id, size, operation))] as const)
        .filter(([, time]) => Number.isFinite(time));
      const dots = points.map(([cx, cy]) => `<circle class="${id}" cx="${cx}" cy="${cy}" r="2.2"/>`).join("");
      return `<polyline class="${id}" points="${points.map((point) => point.join(",")).join(" ")}"/>${dots}`;
    }),
  ].join("\n");
}
