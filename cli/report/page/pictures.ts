import { html } from "hono/html";
import { amount } from "../../text";
import { daysBetween, percentUsed } from "../findings";
import type { Report, ReportedRepository } from "../report";
import { age, moment, printable, size } from "../units";

export type Html = ReturnType<typeof html>;

/** Repositories with a bar of their own. */
const BARS = 12;

/** The largest repositories by usage, each with its quota as a frame, on one scale. */
export function usagePicture({ repositories }: Report): Html {
  const bySize = repositories.map((repo, index) => ({ repo, index })).sort((a, b) => b.repo.usageMB - a.repo.usageMB);
  const [shown, others] = [bySize.slice(0, BARS), bySize.slice(BARS)];
  const scale = Math.max(...shown.map(({ repo }) => Math.max(repo.usageMB, repo.quotaMB ?? 0)), 1);
  const rest = others.reduce((sum, { repo }) => sum + repo.usageMB, 0);
  return html`<figure>
<figcaption><h2>Largest repositories</h2><p>Usage, and the quota as a frame.</p></figcaption>
<ol class="bars">${shown.map(
    ({ repo, index }) => html`
<li><a href="#r${index}"><bdi>${printable(repo.name)}</bdi></a><span>${usageText(repo)}</span>${usageBar(repo, scale)}</li>`,
  )}
</ol>
${others.length > 0 ? html`<p class="rest">${amount(others.length, "other")}, ${size(rest)} together</p>` : ""}
</figure>`;
}

/** `470 GB of 860 GB` */
export function usageText({ usageMB, quotaMB }: ReportedRepository): string {
  return quotaMB === null ? size(usageMB) : `${size(usageMB)} of ${size(quotaMB)}`;
}

function usageLabel(repo: ReportedRepository): string {
  const used = percentUsed(repo);
  return used === null ? usageText(repo) : `${usageText(repo)}, ${Math.floor(used)} %`;
}

/** A bar of usage within its quota. Widths are percentages of `scale` MB, so that the picture fits every screen. */
export function usageBar(repo: ReportedRepository, scale: number): Html {
  const part = (megabytes: number) => `${Math.min(100, (100 * megabytes) / scale).toFixed(2)}%`;
  const state = repo.findings.includes("nearly-full") ? "bad" : "good";
  const label = usageLabel(repo);
  return html`<svg class="bar" role="img" aria-label="${label}"><title>${label}</title>${
    repo.quotaMB === null ? "" : html`<rect class="quota" width="${part(repo.quotaMB)}" height="100%" rx="3"/>`
  }<rect class="${state}" width="${part(repo.usageMB)}" height="100%" rx="3"/></svg>`;
}

/** Squares of a wall: columns and pixels. Few repositories get large ones. */
const WALLS = { few: { columns: 12, cell: 40 }, many: { columns: 25, cell: 22 } };
const FEW = 36;

/** One square per repository, in the order of the table, coloured by the age of its last change. */
export function agePicture({ repositories, generatedAt }: Report): Html {
  const now = new Date(generatedAt);
  const legend = Object.entries(SHADES).flatMap(([name, text]) => {
    const { length } = repositories.filter((repo) => shade(repo, now) === name);
    return length > 0 ? html`<li>${dot(name)}${text} <b>${length}</b></li>` : [];
  });
  return html`<figure>
<figcaption><h2>Last change</h2><p>One square per repository.</p></figcaption>
${wall(
  "Age of the last change of each repository",
  repositories,
  (repo) => `${printable(repo.name)}: ${ageText(repo, now)}`,
  (repo, side) => html`<rect class="${shade(repo, now)}" width="${side}" height="${side}" rx="4"/>`,
)}
<ul class="legend">${legend}</ul>
</figure>`;
}

/** One square per repository, filled from below like its quota. */
export function quotaPicture({ repositories }: Report): Html {
  const without = repositories.filter(({ quotaMB }) => quotaMB === null).length;
  return html`<figure>
<figcaption><h2>Quota in use</h2><p>Each square is filled as far as its quota.</p></figcaption>
${wall(
  "Used part of the quota of each repository",
  repositories,
  (repo) => `${printable(repo.name)}: ${usageLabel(repo)}`,
  (repo, side) => {
    const used = percentUsed(repo);
    if (used === null) return html`<rect class="empty" width="${side}" height="${side}" rx="4"/>`;
    const height = (side * Math.min(100, used)) / 100;
    const state = repo.findings.includes("nearly-full") ? "bad" : "good";
    return html`<rect class="quota" width="${side}" height="${side}" rx="4"/><rect class="${state}" y="${(side - height).toFixed(1)}" width="${side}" height="${height.toFixed(1)}" rx="2"/>`;
  },
)}
${without > 0 ? html`<ul class="legend"><li>${dot("empty")}without a quota <b>${without}</b></li></ul>` : ""}
</figure>`;
}

function wall(
  label: string,
  repositories: ReportedRepository[],
  title: (repo: ReportedRepository) => string,
  square: (repo: ReportedRepository, side: number) => Html,
): Html {
  const { columns: most, cell } = repositories.length <= FEW ? WALLS.few : WALLS.many;
  const columns = Math.min(most, repositories.length);
  const [width, height] = [columns * cell, Math.ceil(repositories.length / columns) * cell];
  const squares = repositories.map((repo, index) => {
    const [x, y] = [(index % columns) * cell + 1, Math.floor(index / columns) * cell + 1];
    return html`
<a href="#r${index}"><g transform="translate(${x} ${y})"><title>${title(repo)}</title>${square(repo, cell - 2)}</g></a>`;
  });
  return html`<svg class="wall" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${label}">${squares}
</svg>`;
}

export function dot(name: string): Html {
  return html`<svg class="dot" aria-hidden="true"><circle class="${name}" cx="6" cy="6" r="5"/></svg>`;
}

/** Classes of the page's style, and their meaning. */
const SHADES = {
  "age-1": "within a day",
  "age-2": "within 2 days",
  "age-3": "within a week",
  "age-4": "older",
  empty: "no backup yet",
  bad: "stale",
};

export function shade(repo: ReportedRepository, now: Date): keyof typeof SHADES {
  if (repo.findings.includes("stale")) return "bad";
  if (repo.lastModified === null) return "empty";
  const since = daysBetween(repo.lastModified, now);
  return since <= 1 ? "age-1" : since <= 2 ? "age-2" : since <= 7 ? "age-3" : "age-4";
}

/** `5 h ago, 2026-11-26 02:34 UTC` */
export function ageText({ lastModified }: ReportedRepository, now: Date): string {
  return lastModified === null
    ? "no backup yet"
    : `${age(daysBetween(lastModified, now))} ago, ${moment(lastModified)}`;
}
