import type { Inventory, Repository, SshKey } from "./inventory";
import { days, size } from "./units";

export type Kind = "stale" | "nearly-full" | "no-alert" | "no-compaction" | "unused-key" | "unmanaged";

/** The kinds in the order of their weight. Urgent ones endanger backups now. */
export const KINDS: Record<Kind, { title: string; advice: string; urgent: boolean }> = {
  stale: { title: "Stale", advice: "See whether the machine still runs its backup.", urgent: true },
  "nearly-full": { title: "Nearly full", advice: "Raise the quota, or prune and compact in time.", urgent: true },
  "no-alert": { title: "No alert", advice: "Set alertDays, and BorgBase mails when backups stop.", urgent: false },
  "no-compaction": {
    title: "No compaction",
    advice: "Set compaction: append-only keys can free no space.",
    urgent: false,
  },
  "unused-key": { title: "Unused key", advice: "Delete the key, or give it to a repository.", urgent: false },
  unmanaged: {
    title: "Unmanaged",
    advice: "pulumi-borgbase discover prints the code that adopts them.",
    urgent: false,
  },
};

export const KIND_NAMES = Object.keys(KINDS) as Kind[];

/** A reason to look at an object. */
export interface Finding {
  kind: Kind;
  /** Type of the object. */
  type: "Repo" | "SshKey";
  id: string;
  name: string;
  /** What was found, without the object's name. */
  text: string;
}

export interface Limits {
  /** Days without a change, for repositories without alertDays; 0: those are never stale. */
  staleAfterDays: number;
  /** Part of the quota in use. */
  fullAtPercent: number;
}

/** All findings of some kinds: the urgent kinds first, in each the worst first, then by name. */
export function findingsIn(inventory: Inventory, limits: Limits, kinds: readonly Kind[], now: Date): Finding[] {
  const ofRepos = inventory.repositories.flatMap((repo) => named("Repo", repo, repoFindings(repo, limits, now)));
  const ofKeys = inventory.keys.flatMap((key) => named("SshKey", key, keyFindings(key)));
  const all = [...ofRepos, ...ofKeys];
  const sorted = all.sort((a, b) => b.weight - a.weight).map(({ finding }) => finding);
  return KIND_NAMES.filter((kind) => kinds.includes(kind)).flatMap((kind) =>
    sorted.filter((each) => each.kind === kind),
  );
}

/** Kind, text, and weight among the findings of that kind. */
type Found = [Kind, string, number?];

function named(type: Finding["type"], { id, name }: { id: string; name: string }, found: Found[]) {
  return found.map(([kind, text, weight = 0]) => ({ finding: { kind, type, id, name, text }, weight }));
}

function repoFindings(repo: Repository, limits: Limits, now: Date): Found[] {
  const found: Found[] = [];
  const stale = staleness(repo, limits.staleAfterDays, now);
  if (stale) found.push(["stale", ...stale]);
  const used = percentUsed(repo);
  if (repo.quotaMB !== null && used !== null && used >= limits.fullAtPercent) {
    found.push(["nearly-full", `${Math.floor(used)} % of ${size(repo.quotaMB)} in use`, used]);
  }
  if (repo.alertDays === null) found.push(["no-alert", "nobody is told when backups stop"]);
  const addsOnly = repo.appendOnly || repo.keys.some(({ access }) => access === "append-only");
  if (addsOnly && !repo.compaction && compacts(repo)) found.push(["no-compaction", "append-only without compaction"]);
  return found.concat(unmanaged(repo));
}

function keyFindings(key: SshKey): Found[] {
  const found: Found[] = key.repositories.length === 0 ? [["unused-key", "in no repository"]] : [];
  return found.concat(unmanaged(key));
}

function unmanaged({ managedBy }: Repository | SshKey): Found[] {
  return managedBy?.length === 0 ? [["unmanaged", "in no stack"]] : [];
}

/** A repository without any backup counts from its creation. */
function staleness(repo: Repository, staleAfterDays: number, now: Date): [string, number] | undefined {
  const since = repo.lastModified ?? repo.createdAt;
  const limit = repo.alertDays ?? staleAfterDays;
  const age = since === null ? 0 : daysBetween(since, now);
  if (limit === 0 || age <= limit) return undefined;
  const promised = repo.alertDays === null ? "" : `; alert after ${days(repo.alertDays)}`;
  const text = repo.lastModified === null ? "no backup since its creation" : "last change";
  return [`${text} ${days(age)} ago${promised}`, age];
}

/** Only the server compacts such a repository, and only those of borg. */
export function compacts({ format }: Repository): boolean {
  return /^borg/i.test(format);
}

/** Null without a quota. */
export function percentUsed({ usageMB, quotaMB }: Repository): number | null {
  return quotaMB === null ? null : (100 * usageMB) / quotaMB;
}

/** Never negative: a clock that is behind makes no backup younger than new. */
export function daysBetween(time: string, now: Date): number {
  return Math.max(0, now.getTime() - Date.parse(time)) / 86_400_000;
}
