import type { BackupJobInputs, BackupJobState } from "../schema/backupJob";
import { differs, hasOtherRights } from "./compareFiles";
import type { Machine } from "./host/machine";
import { type Entry, type Observation, observe } from "./host/observation";
import {
  type Argument,
  configDrift,
  foundCronSchedule,
  foundServiceOptions,
  foundTimerSchedule,
  type HostFacts,
  type Job,
  jobNames,
  jobOf,
  type Plan,
  type PlannedFile,
  renderPlan,
} from "./plan";
import { presentFacts } from "./preflight";
import { fingerprintsIn } from "./serverKeys";

export interface JobDrift {
  /** Outputs that differ from the state. */
  outputs: Record<string, unknown>;
  /** What was seen, a line per argument. */
  lines: string[];
}

/** Value of an argument whose present value nobody can name. It differs from every declared one. */
const CHANGED = "changed on the host";

type Note = (argument: Argument, reason: string, value?: unknown) => void;

/** Compares a job on its host with its state, in one round trip. The repository is not contacted. */
export async function readDrift(machine: Machine, state: BackupJobState): Promise<JobDrift> {
  const names = jobNames(state.name, state.user);
  const found = await observe(machine, names, state.user);
  // Without paths, the next deployment makes the job again, with the repository that the state knows.
  const missing = (reason: string) => ({ outputs: { status: "missing", paths: [] }, lines: [`paths: ${reason}`] });
  if (found.manifest === undefined) return missing(`${names.folder} is gone from ${machine.address}`);
  if (found.manifest.phase !== "ready") return missing(`a deployment of ${found.manifest.origin} was interrupted`);
  if (found.manifest.instance !== state.instance) return missing(`${names.folder} is of ${found.manifest.origin} now`);
  const facts = presentFacts(found);
  if (facts === undefined) return missing(`${machine.address} lacks programs or the account of the job`);

  const seen = new Map<Argument, { value: unknown; reason: string }>();
  const note: Note = (argument, reason, value = CHANGED) => {
    if (!seen.has(argument)) seen.set(argument, { value, reason });
  };
  const knownHosts = textOf(found.entries.get(names.knownHosts));
  const job = jobOf(state as BackupJobInputs & { name: string }, knownHosts);
  // The output `scheduler` is what the last refresh saw; the unit is what was deployed.
  const plan = renderPlan({ ...job, scheduler: state.unit.startsWith("/") ? "cron" : "systemd" }, facts);
  compareFiles(found, plan, job, facts, note);
  const pins = fingerprintsIn(knownHosts ?? "");
  if (pins.join() !== state.pinnedHostKeys.join()) note("repositoryHostKeys", "the pinned keys were changed", pins);
  compareUnits(found, plan, note);
  const { borg: borgVersion, borgmatic: borgmaticVersion } = facts.versions;
  const outputs = Object.fromEntries([...seen].map(([argument, { value }]) => [argument, value]));
  return {
    outputs: { status: "ready", borgVersion, borgmaticVersion, ...outputs },
    lines: [...seen].map(([argument, { reason }]) => `${argument}: ${reason}`),
  };
}

function compareFiles(found: Observation, plan: Plan, job: Job, facts: HostFacts, note: Note): void {
  const { names, schedule } = plan;
  for (const file of [...plan.files, ...schedule.files].filter((each) => differs(found, each))) {
    const entry = found.entries.get(file.path);
    const text = textOf(entry);
    if (file.path === names.config && text !== undefined && text !== file.content) {
      const values = configDrift(text, job, names, facts);
      for (const [argument, value] of Object.entries(values)) {
        // An argument without a value there is shown as empty.
        note(argument as Argument, `${names.config} says otherwise`, value ?? "");
      }
    } else note(file.argument, differenceOf(file, entry), foundValue(file, entry, plan, job));
  }
  for (const folder of plan.folders) {
    const entry = found.entries.get(folder.path);
    if (entry?.kind !== "folder" || hasOtherRights(entry, folder)) note(folder.argument, differenceOf(folder, entry));
  }
}

/** The value of an argument that a changed file shows. */
function foundValue(file: PlannedFile, entry: Entry | undefined, { names }: Plan, job: Job): unknown {
  const text = textOf(entry);
  if (text === file.content) return CHANGED;
  if (file.path === names.servicePath) return foundServiceOptions(text, file.content, job.serviceOptions);
  if (file.path === names.timerPath) return foundTimerSchedule(text, file.content);
  return file.path === names.cronPath ? foundCronSchedule(text, file.content) : CHANGED;
}

function differenceOf(planned: Pick<PlannedFile, "path" | "mode" | "owner" | "group">, entry: Entry | undefined) {
  if (entry === undefined) return `${planned.path} is gone`;
  if (!("mode" in entry)) return `${planned.path} is a ${entry.kind}`;
  if (!hasOtherRights(entry, planned)) return `${planned.path} was changed`;
  return `${planned.path} has the mode ${entry.mode.toString(8)} and the owner ${entry.owner}:${entry.group}`;
}

function compareUnits({ timer, service, entries }: Observation, { names, schedule }: Plan, note: Note): void {
  const wanted = new Set(schedule.files.map(({ path }) => path));
  const foreign = [names.cronPath, names.servicePath].find((path) => !wanted.has(path) && entries.has(path));
  if (foreign !== undefined && wanted.size > 0 && ![...wanted].some((path) => entries.has(path))) {
    note(
      "scheduler",
      `${foreign} took the place of ${[...wanted].join(" and ")}`,
      foreign === names.cronPath ? "cron" : "systemd",
    );
  }
  for (const path of [names.cronPath, names.timerPath, names.servicePath]) {
    if (!wanted.has(path) && entries.has(path)) note("schedule", `${path} starts the job, too`);
  }
  if (schedule.scheduler !== "systemd") return;
  if (hasDropIn(service.DropInPaths, entries.get(names.serviceDropIns), names.service)) {
    note("serviceOptions", `${names.service} has a drop-in`);
  }
  if (schedule.timer === undefined) return;
  if (hasDropIn(timer.DropInPaths, entries.get(names.timerDropIns), names.timer)) {
    note("schedule", `${names.timer} has a drop-in`);
  }
  if (timer.LoadState === "masked" || timer.UnitFileState !== "enabled" || timer.ActiveState !== "active") {
    note("schedule", `${names.timer} is ${timer.LoadState}, ${timer.UnitFileState} and ${timer.ActiveState}`);
  }
}

/** A drop-in of this unit alone: distributions have some for all units. systemd names none that it has not loaded. */
function hasDropIn(loaded: string | undefined, folder: Entry | undefined, unit: string): boolean {
  const isOwn = (loaded ?? "").split(" ").some((path) => path.includes(`/${unit}.d/`));
  return isOwn || (folder?.kind === "folder" && folder.names.length > 0);
}

function textOf(entry: Entry | undefined): string | undefined {
  return entry?.kind === "file" ? entry.text : undefined;
}
