// `npm run picture`: records `npm start` and draws its main lines as docs/start-light.svg and docs/start-dark.svg.
// The demonstration's stack and data are erased before, so that the record shows their creation.
import { spawn } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { LOCAL, ROOT } from "./setup/paths.mjs";
import { Problem, runMain, step } from "./setup/progress.mjs";

const COLUMNS = 100;
const LINE = 19;
const CHARACTER = 7.83;
const PADDING = 22;

const COLOURS = {
  light: {
    page: "#ffffff",
    frame: "#d0d7de",
    text: "#57606a",
    title: "#1f2328",
    prompt: "#0969da",
    good: "#1a7f37",
    bad: "#cf222e",
  },
  dark: {
    page: "#0d1117",
    frame: "#30363d",
    text: "#8b949e",
    title: "#e6edf3",
    prompt: "#58a6ff",
    good: "#3fb950",
    bad: "#f85149",
  },
};

/**
 * Lines of the picture, by what they show. All other lines are left out.
 * @type {[keyof typeof COLOURS.light, RegExp][]}
 */
const SHOWN = [
  ["title", /^── (?!Done)/],
  ["prompt", /^ {2}\$ /],
  ["good", /^ +\+ {2}borgbase:index:\w+ \S+ created/],
  ["good", /^ +\d{4}-\d\d-\d\dT[\d-]+$/],
  ["good", /^ +\d+ unchanged/],
  ["bad", /^ {8}error: The repository/],
];

/** @returns {Promise<string>} the output of `npm start` */
function record() {
  const local = ["state", "quickstart", "emulator"].map((name) => join(LOCAL, name));
  for (const path of [...local, join(ROOT, "Pulumi.quickstart.yaml")]) rmSync(path, { recursive: true, force: true });
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(ROOT, "scripts", "start.mjs")], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    let output = "";
    child.stdout.setEncoding("utf8").on("data", (text) => {
      output += text;
    });
    child.on("close", (code) => (code === 0 ? resolve(output) : reject(new Problem("`npm start` failed", output))));
  });
}

/**
 * @param {string} line
 * @returns {string[]} the line, broken at spaces where it is too long for the picture
 */
function wrapped(line) {
  if (line.length <= COLUMNS) return [line];
  const indent = /^ */.exec(line)?.[0] ?? "";
  const cut = line.lastIndexOf(" ", COLUMNS);
  return [line.slice(0, cut), ...wrapped(`${indent}${line.slice(cut + 1)}`)];
}

/** @param {string} output */
function rowsOf(output) {
  const rows = output.split("\n").flatMap((line) => {
    const kind = SHOWN.find(([, pattern]) => pattern.test(line))?.[0];
    if (!kind) return [];
    return [
      ...(kind === "title" ? [{ kind: "text", text: "" }] : []),
      ...wrapped(line.trimEnd()).map((text) => ({ kind, text })),
    ];
  });
  // The refusal is part of the diagnostics and of the summary.
  return rows.filter(({ text }, index) => text === "" || rows.findIndex((row) => row.text === text) === index).slice(1);
}

/**
 * Spaces at the beginning, and several ones, are kept by viewers as no-break spaces alone.
 * @param {string} text
 */
function escaped(text) {
  const plain = text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
  return plain.replace(/^ +| {2,}/g, (spaces) => "\u00a0".repeat(spaces.length));
}

/**
 * @param {{ kind: string, text: string }[]} rows
 * @param {Record<string, string>} colours
 */
function draw(rows, colours) {
  const width = Math.round(COLUMNS * CHARACTER + 2 * PADDING);
  const height = rows.length * LINE + 2 * PADDING;
  const lines = rows.map(({ kind, text }, index) => {
    const weight = kind === "title" ? ' font-weight="600"' : "";
    const y = PADDING + (index + 0.75) * LINE;
    return `<text x="${PADDING}" y="${y}" fill="${colours[kind]}"${weight}>${escaped(text)}</text>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="The output of npm start">
<rect x="0.5" y="0.5" width="${width - 1}" height="${height - 1}" rx="8" fill="${colours.page}" stroke="${colours.frame}"/>
<g font-family="ui-monospace, SFMono-Regular, Consolas, 'DejaVu Sans Mono', monospace" font-size="13">
${lines.filter((line) => !line.endsWith("></text>")).join("\n")}
</g>
</svg>
`;
}

await runMain(async () => {
  const rows = rowsOf(await step("Recording `npm start`", record));
  for (const [name, colours] of Object.entries(COLOURS))
    writeFileSync(join(ROOT, "docs", `start-${name}.svg`), draw(rows, colours));
});
