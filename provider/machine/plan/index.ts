import { runCommand } from "./command";
import { renderConfig } from "./config";
import { renderCronFile } from "./cronFile";
import { jobNames } from "./names";
import type { Argument, HostFacts, Job, Plan, PlannedFile, PlannedFolder, PlannedSchedule } from "./types";
import { renderService, renderTimer } from "./units";
import { dialectOf } from "./version";
import { renderWrapper } from "./wrapper";

export { configDrift, type Drift } from "./configDrift";
export { jobOf } from "./job";
export { JOB_NAME, jobNames } from "./names";
export { foundCronSchedule, foundServiceOptions, foundTimerSchedule } from "./scheduleDrift";
export type * from "./types";
export { compareVersions, dialectOf, isAtLeast } from "./version";

/**
 * Everything that a job consists of on a host. Calls with the same job and facts give the same plan.
 * @throws ProviderError `input` for an option that the host's borgmatic does not know
 */
export function renderPlan(job: Job, facts: HostFacts): Plan {
  const { account } = facts;
  const names = jobNames(job.name, account.name);
  const isRoot = account.name === "root";
  const shared = { mode: 0o755, owner: "root", group: "root", argument: "borgmatic" } as const;
  // The job can read what it is told to do, and cannot change it.
  const own = { owner: "root", group: isRoot ? "root" : account.group };
  const folder = { ...own, mode: isRoot ? 0o700 : 0o750 };
  const text = (path: string, content: string, argument: Argument, mode = isRoot ? 0o600 : 0o640): PlannedFile => ({
    ...own,
    path,
    content,
    mode,
    secret: false,
    argument,
  });
  const secret = (path: string, content: string, argument: Argument): PlannedFile => ({
    path,
    content,
    mode: 0o600,
    owner: account.name,
    group: account.group,
    secret: true,
    argument,
  });
  const folders: PlannedFolder[] = [
    { ...shared, path: names.root },
    { ...folder, path: names.folder, argument: "borgmatic" },
    { ...shared, path: names.stateRoot },
    { path: names.stateFolder, mode: 0o700, owner: account.name, group: account.group, argument: "borgmatic" },
  ];
  return {
    dialect: dialectOf(facts.versions.borgmatic),
    names,
    folders,
    lock: { path: names.lock, mode: 0o600, owner: account.name, group: account.group },
    files: [
      secret(names.privateKey, `${job.privateKey.trim()}\n`, "privateKey"),
      secret(names.passphrase, `${job.passphrase}\n`, "passphrase"),
      ...(job.knownHosts === undefined ? [] : [text(names.knownHosts, job.knownHosts, "repositoryHostKeys")]),
      // The configuration may hold a ping URL or passwords of databases.
      { ...text(names.config, renderConfig(job, names, facts), "borgmatic"), secret: true },
      text(names.wrapper, renderWrapper(job, names, facts), "repository", folder.mode),
    ],
    schedule: renderSchedule(job, facts, names),
  };
}

function renderSchedule(job: Job, facts: HostFacts, names: Plan["names"]): PlannedSchedule {
  const file = (path: string, content: string | undefined, argument: Argument): PlannedFile[] =>
    content === undefined
      ? []
      : [{ path, content, mode: 0o644, owner: "root", group: "root", secret: false, argument }];
  const scheduler = schedulerOf(job, facts);
  const command = runCommand(job, names, facts, scheduler);
  if (scheduler === "cron") {
    const files = file(names.cronPath, renderCronFile(job, names, facts), "schedule");
    return { scheduler: "cron", files, timer: undefined, service: undefined, command };
  }
  const timer = file(names.timerPath, renderTimer(job, facts), "schedule");
  return {
    scheduler: "systemd",
    files: [...file(names.servicePath, renderService(job, names, facts), "serviceOptions"), ...timer],
    timer: timer.length > 0 ? names.timer : undefined,
    service: names.service,
    command,
  };
}

/** What starts the job on the host. */
export function schedulerOf(job: Job, { hasSystemd }: Pick<HostFacts, "hasSystemd">): "systemd" | "cron" {
  if (job.scheduler !== "auto") return job.scheduler;
  return hasSystemd ? "systemd" : "cron";
}
