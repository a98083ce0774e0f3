import type { Stacks } from "../stack";
import { type Finding, findingsIn, KIND_NAMES, type Kind, type Limits } from "./findings";
import type { Inventory, Repository, SshKey } from "./inventory";

/** The JSON document of `report --json`. A missing value is null. Sizes are MB, times ISO 8601 in UTC. */
export interface Report {
  status: "clean" | "attention";
  generatedAt: string;
  /** Stacks whose resources count as managing an object; null outside a project. */
  stacks: string[] | null;
  /** What counted as a finding. */
  settings: Limits & { kinds: readonly Kind[] };
  totals: { repositories: number; keys: number; usageMB: number; findings: Partial<Record<Kind, number>> };
  /** Urgent kinds first, then by name. */
  findings: Finding[];
  repositories: (Repository & { findings: Kind[] })[];
  keys: (SshKey & { findings: Kind[] })[];
  /** What limits the report, one line each. */
  notes: string[];
}

export type ReportedRepository = Report["repositories"][number];
export type ReportedKey = Report["keys"][number];

/** An hour: clocks of healthy machines differ less. */
const CLOCK_TOLERANCE = 3_600_000;

export function makeReport(found: Inventory, stacks: Stacks, settings: Report["settings"], now: Date): Report {
  const findings = findingsIn(found, settings, settings.kinds, now);
  const kindsOf = new Map<string, Kind[]>();
  for (const { type, id, kind } of findings)
    kindsOf.set(`${type} ${id}`, [...(kindsOf.get(`${type} ${id}`) ?? []), kind]);
  const counts = KIND_NAMES.map((kind) => [kind, findings.filter((each) => each.kind === kind).length] as const);
  return {
    status: findings.length > 0 ? "attention" : "clean",
    generatedAt: now.toISOString(),
    stacks: stacks.names ?? null,
    settings,
    totals: {
      repositories: found.repositories.length,
      keys: found.keys.length,
      usageMB: found.repositories.reduce((sum, { usageMB }) => sum + usageMB, 0),
      findings: Object.fromEntries(counts.filter(([, count]) => count > 0)),
    },
    findings,
    repositories: found.repositories.map((repo) => ({ ...repo, findings: kindsOf.get(`Repo ${repo.id}`) ?? [] })),
    keys: found.keys.map((key) => ({ ...key, findings: kindsOf.get(`SshKey ${key.id}`) ?? [] })),
    notes: notes(found, stacks, now),
  };
}

function notes({ repositories }: Inventory, { names }: Stacks, now: Date): string[] {
  const lines: string[] = [];
  if (names === undefined) lines.push("Outside a project it is unknown which stack manages an object.");
  if (names?.length === 0) lines.push("The project has no stack, so every object is unmanaged.");
  const latest = Math.max(...repositories.map(({ lastModified }) => Date.parse(lastModified ?? "") || 0));
  if (latest > now.getTime() + CLOCK_TOLERANCE) {
    lines.push("A change lies in the future: the clock of this machine is behind, so ages are wrong.");
  }
  return lines;
}
