import { createHash } from "node:crypto";
import { html, raw } from "hono/html";
import { MARK } from "../file";
import { type Finding, KIND_NAMES, KINDS, type Kind } from "../findings";
import type { Report } from "../report";
import { days, moment, printable, size } from "../units";
import { agePicture, type Html, quotaPicture, usagePicture } from "./pictures";
import { SCRIPT } from "./script";
import { STYLE } from "./style";
import { keyTable, repositoryTable } from "./tables";

/** The report as one HTML page, which loads nothing. Every name is escaped, and no other script could run. */
export async function page(report: Report): Promise<string> {
  const { repositories, keys } = report;
  const document = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
${raw(MARK)}
<meta http-equiv="Content-Security-Policy" content="${policy()}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>Backups at BorgBase</title>
<link rel="icon" href="${ICON}">
<style>${raw(STYLE)}</style>
</head>
<body>
${head(report)}
<main>
${tiles(report)}
${attention(report)}
${
  repositories.length > 0
    ? html`<div class="pictures">
<div>
${agePicture(report)}
${quotaPicture(report)}
</div>
${usagePicture(report)}
</div>`
    : ""
}
<p class="search" hidden><input id="search" type="search" placeholder="Search names, keys, findings …" aria-label="Search"><output id="found"></output></p>
${repositories.length > 0 ? html`<section><h2>Repositories</h2>${repositoryTable(report)}</section>` : ""}
${keys.length > 0 ? html`<section><h2>SSH keys</h2>${keyTable(report)}</section>` : ""}
</main>
${foot(report)}
<script>${raw(SCRIPT)}</script>
</body>
</html>
`;
  return String(await document);
}

/** The page's own style and script by their hashes, and nothing else. */
function policy(): string {
  const hash = (text: string) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
  return `default-src 'none'; style-src ${hash(STYLE)}; script-src ${hash(SCRIPT)}; img-src data:; base-uri 'none'; form-action 'none'`;
}

const ICON =
  "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Crect width='16' height='16' rx='4' fill='%232f8f6b'/%3E%3Cpath d='M4 8.5l2.5 2.5L12 5.5' stroke='white' stroke-width='2' fill='none'/%3E%3C/svg%3E";

function head({ stacks, generatedAt }: Report): Html {
  const named =
    stacks && stacks.length > 0 ? ` · ${stacks.length === 1 ? "stack" : "stacks"} ${stacks.join(", ")}` : "";
  return html`<header><h1>Backups at BorgBase</h1><p><time datetime="${generatedAt}">${moment(generatedAt)}</time>${named}</p></header>`;
}

function tiles({ totals, findings, repositories }: Report): Html {
  const quota = repositories.reduce((sum, { quotaMB }) => sum + (quotaMB ?? 0), 0);
  const urgent = findings.filter(({ kind }) => KINDS[kind].urgent).length;
  const tile = (value: string | number, label: string, state = "") =>
    html`<li class="${state}"><b>${value}</b><span>${label}</span></li>`;
  return html`<ul class="tiles">
${tile(totals.repositories, totals.repositories === 1 ? "repository" : "repositories")}
${tile(size(totals.usageMB), quota > 0 ? `in use, quotas of ${size(quota)}` : "in use")}
${tile(totals.keys, totals.keys === 1 ? "SSH key" : "SSH keys")}
${tile(urgent, urgent === 1 ? "urgent finding" : "urgent findings", urgent > 0 ? "bad" : "good")}
</ul>`;
}

/** Shorter lists are open. */
const OPEN = 16;

function attention(report: Report): Html {
  const { findings } = report;
  if (findings.length === 0) {
    return html`<section class="attention clean"><h2>Nothing needs attention</h2></section>`;
  }
  const groups = KIND_NAMES.flatMap((kind) => {
    const found = findings.filter((each) => each.kind === kind);
    return found.length > 0 ? group(report, kind, found) : [];
  });
  const urgent = findings.some(({ kind }) => KINDS[kind].urgent);
  return html`<section class="attention ${urgent ? "urgent" : ""}"><h2>Needs attention</h2>${groups}</section>`;
}

function group(report: Report, kind: Kind, found: Finding[]): Html {
  const { title, advice, urgent } = KINDS[kind];
  const rows = { Repo: rowsOf(report.repositories, "r"), SshKey: rowsOf(report.keys, "k") };
  const link = ({ type, id, name }: Finding) =>
    html`<a href="#${rows[type].get(id) ?? ""}"><bdi>${printable(name)}</bdi></a>${type === "SshKey" ? " (key)" : ""}`;
  const items = found.map(
    (each) => html`
<li>${link(each)}${urgent ? html` <span>${each.text}</span>` : ""}</li>`,
  );
  return html`
<details${urgent || found.length <= OPEN ? " open" : ""}>
<summary><span class="badge ${urgent ? "bad" : "note"}">${found.length}</span>${title}<span class="advice">${advice}</span></summary>
<ul class="${urgent ? "found" : "names"}">${items}
</ul>
</details>`;
}

function rowsOf(objects: { id: string }[], prefix: string): Map<string, string> {
  return new Map(objects.map(({ id }, index) => [id, `${prefix}${index}`]));
}

function foot({ notes, settings }: Report): Html {
  const { staleAfterDays, fullAtPercent, kinds } = settings;
  const limits: Partial<Record<Kind, string>> = {
    stale:
      staleAfterDays > 0
        ? `Stale: no change within alertDays, or ${days(staleAfterDays)} without alertDays.`
        : "Stale: no change within alertDays.",
    "nearly-full": `Nearly full: ${fullAtPercent} % of the quota.`,
  };
  const looked = kinds.length < KIND_NAMES.length ? [`Looked for: ${kinds.join(", ")}.`] : [];
  const lines = [
    ...notes,
    ...looked,
    ...kinds.flatMap((kind) => limits[kind] ?? []),
    "BorgBase has counted compactions as changes: a recent change is a hint, and no proof of a backup.",
    "Made by pulumi-borgbase report.",
  ];
  return html`<footer>${lines.map((line) => html`<p>${line}</p>`)}</footer>`;
}
