import { html } from "hono/html";
import { amount } from "../../text";
import { compacts, daysBetween, KINDS, type Kind, percentUsed } from "../findings";
import type { Access, Manager } from "../inventory";
import type { Report, ReportedKey, ReportedRepository } from "../report";
import { age, every, keyKind, moment, printable } from "../units";
import { ageText, dot, type Html, shade, usageBar, usageText } from "./pictures";

export function repositoryTable(report: Report): Html {
  const now = new Date(report.generatedAt);
  const titles = ["Repository", "In use", "Last change", "Alert", "Keys", "Compaction"];
  const largest = Math.max(1, ...report.repositories.map(({ usageMB }) => usageMB));
  const row = (repo: ReportedRepository, index: number) => html`
<tr id="r${index}">
<th scope="row"><bdi>${printable(repo.name)}</bdi><small>${printable(
    [repo.id, repo.region, repo.format].filter(Boolean).join(" · "),
  )}</small>${badges(repo.findings)}</th>
<td data-title="In use" data-value="${repo.usageMB}"><span>${usageText(repo)}${percent(repo)}</span>${usageBar(repo, repo.quotaMB ?? largest)}</td>
<td data-title="Last change" data-value="${repo.lastModified ?? ""}"><span title="${ageText(repo, now)}">${dot(shade(repo, now))}${
    repo.lastModified ? `${age(daysBetween(repo.lastModified, now))} ago` : "never"
  }</span></td>
<td data-title="Alert" data-value="${repo.alertDays ?? 0}">${repo.alertDays === null ? none() : amount(repo.alertDays, "day")}</td>
<td data-title="Keys" data-value="${repo.keys.length}">${repo.appendOnly ? html`<p>append-only for all</p>` : ""}${
    repo.keys.length > 0 ? list(repo.keys) : none()
  }</td>
<td data-title="Compaction" data-value="${repo.compaction ? every(repo.compaction) : ""}">${compaction(repo)}</td>
${managers(repo.managedBy, report.stacks)}
</tr>`;
  return table(report, titles, report.repositories.map(row));
}

export function keyTable(report: Report): Html {
  const now = new Date(report.generatedAt);
  const row = (key: ReportedKey, index: number) => html`
<tr id="k${index}">
<th scope="row"><bdi>${printable(key.name)}</bdi><small>${printable(`${key.id} · ${keyKind(key)}`)}</small><small class="print">${printable(
    key.fingerprintSha256,
  )}</small>${badges(key.findings)}</th>
<td data-title="May use" data-value="${key.repositories.length}">${key.repositories.length > 0 ? list(key.repositories) : none()}</td>
<td data-title="Last used" data-value="${key.lastUsedAt ?? ""}">${
    key.lastUsedAt
      ? html`<span title="${moment(key.lastUsedAt)}">${age(daysBetween(key.lastUsedAt, now))} ago</span>`
      : "never"
  }</td>
${managers(key.managedBy, report.stacks)}
</tr>`;
  return table(report, ["SSH key", "May use", "Last used"], report.keys.map(row));
}

function table({ stacks }: Report, titles: string[], rows: Html[]): Html {
  const all = stacks ? [...titles, "Managed by"] : titles;
  return html`<table>
<thead><tr>${all.map((title) => html`<th scope="col">${title}</th>`)}</tr></thead>
<tbody>${rows}
</tbody>
</table>`;
}

function percent(repo: ReportedRepository): Html | string {
  const used = percentUsed(repo);
  return used === null ? "" : html` <b>${Math.floor(used)} %</b>`;
}

function badges(kinds: Kind[]): Html[] {
  return kinds.map(
    (kind) => html`<span class="badge ${KINDS[kind].urgent ? "bad" : "note"}">${KINDS[kind].title}</span>`,
  );
}

/** Longer lists are folded. */
const FOLD = 4;

function list(items: { name: string; access: Access }[]): Html {
  const lines = html`<ul>${items.map(
    ({ name, access }) => html`<li><bdi>${printable(name)}</bdi> <i class="${access}">${access}</i></li>`,
  )}</ul>`;
  if (items.length <= FOLD) return lines;
  const accesses = [...new Set(items.map(({ access }) => access))].join(", ");
  return html`<details><summary>${items.length} <i>${accesses}</i></summary>${lines}</details>`;
}

function compaction(repo: ReportedRepository): Html | string {
  if (!compacts(repo)) return "";
  if (!repo.compaction) return none();
  const { hour, timezone } = repo.compaction;
  return html`${every(repo.compaction)}<small>at ${hour}:00 ${printable(timezone)}</small>`;
}

/** A cell, or nothing where it is unknown. The stack is named where several were read. */
function managers(managedBy: Manager[] | null, stacks: string[] | null): Html | string {
  if (managedBy === null) return "";
  const several = (stacks?.length ?? 0) > 1;
  const names = managedBy.map(
    ({ name, stack }) => html`<bdi>${printable(name)}</bdi>${several ? html`<small>${printable(stack)}</small>` : ""}`,
  );
  return html`<td data-title="Managed by" data-value="${managedBy.map(({ name }) => name).join(" ")}">${
    names.length > 0 ? names : none()
  }</td>`;
}

function none(): Html {
  return html`<span class="none">none</span>`;
}
