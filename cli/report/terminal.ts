import { type Style, styled } from "../terminal";
import { amount } from "../text";
import { type Column, fittedTable, flow, wrap } from "./columns";
import { compacts, daysBetween, type Finding, KIND_NAMES, KINDS, percentUsed } from "./findings";
import type { Access, Manager } from "./inventory";
import type { Report, ReportedKey, ReportedRepository } from "./report";
import { age, days, keyKind, moment, printable, size } from "./units";

/** The report as text for a terminal of that width. */
export function terminalReport(report: Report, width: number): string {
  const { findings, repositories, keys } = report;
  const parts = [head(report, width), ...report.notes.map((note) => wrap(note, width))];
  if (findings.length > 0) parts.push(attention(findings, width));
  if (repositories.length > 0) parts.push(repositoryTable(report, width));
  if (keys.length > 0) parts.push(keyTable(report, width));
  parts.push(conclusion(report, width));
  return `${parts.join("\n\n")}\n`;
}

function head({ totals, stacks, generatedAt }: Report, width: number): string {
  const counts = [
    amount(totals.repositories, "repository", "repositories"),
    amount(totals.keys, "SSH key"),
    `${size(totals.usageMB)} in use`,
  ];
  const names = stacks && stacks.length > 0 ? [`${stacks.length === 1 ? "stack" : "stacks"} ${stacks.join(", ")}`] : [];
  const origin = wrap([moment(generatedAt), ...names].join(", "), width);
  return `${styled("bold", wrap(counts.join(", "), width))}\n${styled("dim", origin)}`;
}

/** Details of the urgent kinds take a line each; of the others the names are enough. */
function attention(findings: Finding[], width: number): string {
  const groups = KIND_NAMES.map((kind) => {
    const found = findings.filter((each) => each.kind === kind);
    if (found.length === 0) return [];
    const { title, advice, urgent } = KINDS[kind];
    const heading = `${styled(urgent ? ["red", "bold"] : ["yellow", "bold"], `${title} (${found.length})`)}  ${advice}`;
    return [`${heading}\n${urgent ? details(found, width) : names(found, width)}`];
  });
  return groups.flat().join("\n\n");
}

function details(found: Finding[], width: number): string {
  const columns: Column[] = [
    { title: "", cells: found.map(({ name }) => printable(name)), min: 12 },
    { title: "", cells: found.map(({ text }) => text), min: 20 },
  ];
  const lines = fittedTable(columns, width - 2)
    .split("\n")
    .slice(1);
  return lines.map((line) => `  ${line}`).join("\n");
}

/** Lines of names; then comes the number of the rest. */
const NAME_LINES = 4;

function names(found: Finding[], width: number): string {
  const all = found.map(({ name, type }) => (type === "SshKey" ? `${printable(name)} (key)` : printable(name)));
  const items = all.map((name, index) => (index < all.length - 1 ? `${name},` : name));
  const lines = flow(items, width - 2);
  const rest = lines.slice(NAME_LINES).flat().length;
  const shown = lines.slice(0, NAME_LINES).map((line) => line.join(" "));
  if (rest > 0) shown.push(`and ${rest} more`);
  return shown.map((line) => `  ${line}`).join("\n");
}

function repositoryTable(report: Report, width: number): string {
  const { repositories } = report;
  const now = new Date(report.generatedAt);
  const column = (title: string, cell: (repo: ReportedRepository) => string, rest: Partial<Column> = {}): Column => ({
    title,
    cells: repositories.map(cell),
    ...rest,
  });
  const marked = (style: Style, applies: (repo: ReportedRepository) => boolean) => (cell: string, row: number) => {
    const repo = repositories[row];
    return repo && applies(repo) ? styled(style, cell) : cell;
  };
  const has = (kind: ReportedRepository["findings"][number]) => (repo: ReportedRepository) =>
    repo.findings.includes(kind);
  const lists = repositories.map(({ managedBy }) => managers(managedBy, report.stacks));
  return fittedTable(
    [
      column("", (repo) => (isUrgent(repo) ? "!" : ""), { style: marked("red", isUrgent) }),
      column("Repository", ({ name }) => printable(name), { min: 18, style: marked("red", isUrgent) }),
      column("ID", ({ id }) => printable(id), { rank: 4 }),
      column("Region", ({ region }) => printable(region), { rank: 6 }),
      column("Format", ({ format }) => printable(format), { rank: 5 }),
      column("In use", ({ usageMB }) => size(usageMB), { align: "right" }),
      column("Quota", ({ quotaMB }) => (quotaMB === null ? "" : size(quotaMB)), { align: "right", rank: 3 }),
      column("", quotaBar, { style: marked("red", has("nearly-full")) }),
      column("Changed", ({ lastModified }) => (lastModified ? age(daysBetween(lastModified, now)) : "never"), {
        align: "right",
        style: marked("red", has("stale")),
      }),
      column("Alert", ({ alertDays }) => (alertDays === null ? "none" : `${alertDays} d`), {
        align: "right",
        style: marked("yellow", has("no-alert")),
      }),
      column("Keys", keyCounts, { rank: 2 }),
      column("Compaction", compaction, { rank: 1, style: marked("yellow", has("no-compaction")) }),
      { title: "Managed by", cells: lists, min: 14, style: marked("yellow", has("unmanaged")) },
    ],
    width,
  );
}

function isUrgent({ findings }: ReportedRepository): boolean {
  return findings.some((kind) => KINDS[kind].urgent);
}

const BAR = 10;
const EIGHTHS = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

/** `███████▍··  74 %`; empty without a quota. */
function quotaBar(repo: ReportedRepository): string {
  const used = percentUsed(repo);
  if (used === null) return "";
  const eighths = Math.min(BAR * 8, Math.round((used / 100) * BAR * 8));
  const filled = "█".repeat(Math.floor(eighths / 8)) + EIGHTHS[eighths % 8];
  return `${filled.padEnd(BAR, "·")} ${`${Math.floor(used)} %`.padStart(5)}`;
}

const ACCESS: Record<Access, string> = { "append-only": "append", full: "full", rsync: "rsync" };

/** `2 append, 1 full` */
function keyCounts({ keys, appendOnly }: ReportedRepository): string {
  const counts = (Object.keys(ACCESS) as Access[]).flatMap((access) => {
    const { length } = keys.filter((key) => key.access === access);
    return length > 0 ? `${length} ${ACCESS[access]}` : [];
  });
  if (counts.length === 0) return "none";
  return counts.join(", ") + (appendOnly ? ", all append" : "");
}

function compaction(repo: ReportedRepository): string {
  if (!compacts(repo)) return "";
  if (!repo.compaction) return "none";
  const { interval, unit } = repo.compaction;
  return amount(interval, unit.replace(/s$/, ""));
}

function keyTable(report: Report, width: number): string {
  const { keys } = report;
  const now = new Date(report.generatedAt);
  const column = (title: string, cell: (key: ReportedKey) => string, rest: Partial<Column> = {}): Column => ({
    title,
    cells: keys.map(cell),
    ...rest,
  });
  return fittedTable(
    [
      column("SSH key", ({ name }) => printable(name), { min: 16 }),
      column("ID", ({ id }) => printable(id), { rank: 3 }),
      column("Type", keyKind, { rank: 2 }),
      column("May use", mayUse, { min: 24 }),
      column("Used", ({ lastUsedAt }) => (lastUsedAt ? age(daysBetween(lastUsedAt, now)) : "never"), {
        align: "right",
        rank: 1,
      }),
      { title: "Managed by", cells: keys.map(({ managedBy }) => managers(managedBy, report.stacks)), min: 10 },
    ],
    width,
  );
}

/** `append-only 2: web-1, web-2; full 1: db-1` */
function mayUse({ repositories }: ReportedKey): string {
  const lists = (Object.keys(ACCESS) as Access[]).flatMap((access) => {
    const found = repositories.filter((repo) => repo.access === access).map(({ name }) => printable(name));
    return found.length > 0 ? `${access} ${found.length}: ${found.join(", ")}` : [];
  });
  return lists.join("; ") || "nothing";
}

/** The stack is named where several were read. */
function managers(managedBy: Manager[] | null, stacks: string[] | null): string {
  if (managedBy === null) return "";
  const several = (stacks?.length ?? 0) > 1;
  const each = managedBy.map(({ name, stack }) => printable(several ? `${name} (${stack})` : name));
  return each.join(", ") || "none";
}

function conclusion({ findings, totals, settings }: Report, width: number): string {
  if (findings.length === 0) return styled("green", "Nothing needs attention.");
  const counts = KIND_NAMES.flatMap((kind) => {
    const count = totals.findings[kind];
    return count === undefined ? [] : `${count} ${KINDS[kind].title.toLowerCase()}`;
  });
  const { staleAfterDays, kinds } = settings;
  const isLimited = kinds.includes("stale") && staleAfterDays > 0;
  const limit = isLimited ? ` Without alertDays, stale after ${days(staleAfterDays)}.` : "";
  return wrap(`${amount(findings.length, "finding")}: ${counts.join(", ")}.${limit}`, width);
}
