import { ProviderError } from "../errors";
import type { BackupJobInputs } from "../schema/backupJob";
import type { Machine } from "./host/machine";
import type { Observation } from "./host/observation";
import { missingTools } from "./packages";
import { type HostFacts, isAtLeast, type JobNames } from "./plan";
import { HEAD_LINE } from "./plan/names";

/** Refuses a host that no job can be put on. Nothing has been changed by then. */
export function assertUsable(
  { address }: Machine,
  found: Observation,
  { user = "root", become, scheduler }: Pick<BackupJobInputs, "user" | "become" | "scheduler">,
): void {
  if (found.os.system !== "Linux") throw refused(`${address} runs ${found.os.system}; a backup job needs Linux.`);
  if (found.uid !== 0) {
    const how = become === "sudo" ? "sudo gave it another account" : 'set become: "sudo", or log in as root';
    throw refused(`The account at ${address} is not root: ${how}.`);
  }
  if (!found.writable) {
    throw refused(`/etc of ${address} is read-only: a backup job keeps its files there. Nothing was changed.`);
  }
  if (found.account === undefined) {
    throw refused(`${address} has no account ${user} (user): make it first, or leave user out.`);
  }
  if (scheduler === "systemd" && !found.hasSystemd) {
    throw refused(`${address} does not run systemd: leave scheduler out, or set it to "cron".`);
  }
}

/**
 * Refuses files of others: a job's paths without its manifest, or with that of another stack.
 * The same origin is an interrupted run of this job, or a replacement.
 * @param isKnown whether the state has this job: its manifest may then be lost, and its files are known by their first line
 */
export function assertOurs(
  { address }: Machine,
  { manifest, entries }: Observation,
  names: JobNames,
  { origin, isKnown }: { origin: string; isKnown: boolean },
): void {
  if (manifest !== undefined) {
    if (manifest.origin === origin) return;
    throw refused(
      `${names.folder} on ${address} belongs to ${manifest.origin}: give this job another name, or remove that one first.`,
    );
  }
  const taken = [names.folder, names.servicePath, names.timerPath, names.cronPath].filter((path) => {
    const entry = entries.get(path);
    if (entry === undefined) return false;
    // A run that was interrupted before it wrote its manifest leaves a folder without more.
    if (entry.kind === "folder") return !isKnown && entry.names.some((name) => !name.endsWith(".draft"));
    return !(isKnown && entry.kind === "file" && entry.text?.includes(HEAD_LINE));
  });
  if (taken.length === 0) return;
  throw refused(
    `${taken.join(", ")} on ${address} exists, and no manifest says that it is of this job: move it away, or give the job another name.`,
  );
}

/** Facts of a host with every program. */
export function factsOf(machine: Machine, found: Observation): HostFacts {
  const facts = presentFacts(found);
  if (facts) return facts;
  const missing = missingTools(found);
  const what = missing.length > 0 ? `lacks ${missing.join(", ")}` : "has a borg or borgmatic that does not start";
  throw refused(`${machine.address} ${what}: install it there, or set install: "packages".`);
}

/** The same; undefined where a program or the account is missing. */
export function presentFacts(found: Observation): HostFacts | undefined {
  const { hostname, machineId, hasSystemd, versions, commands, flockHasLimit, account } = found;
  const { borg, borgmatic } = versions;
  if (account === undefined || !borg || !borgmatic || missingTools(found).length > 0) return undefined;
  const programs = commands as HostFacts["commands"];
  return { hostname, machineId, hasSystemd, versions: { borg, borgmatic }, commands: programs, flockHasLimit, account };
}

/** Refuses versions that are too old, of programs that are there, and borg 2: it has another format and other commands. */
export function assertVersions(
  { address }: Machine,
  { versions }: Pick<Observation, "versions">,
  minimum: Record<"borg" | "borgmatic", string>,
): void {
  for (const name of ["borg", "borgmatic"] as const) {
    if (isAtLeast(versions[name] ?? minimum[name], minimum[name])) continue;
    throw refused(
      `${address} has ${name} ${versions[name]}, and minimum.${name} is ${minimum[name]}: install a newer one there, and set install: "none".`,
    );
  }
  if (versions.borg !== undefined && isAtLeast(versions.borg, "2")) {
    throw refused(`${address} has borg ${versions.borg}, and a job needs borg 1: install that, with install: "none".`);
  }
}

function refused(message: string): ProviderError {
  return new ProviderError("refused", message);
}
