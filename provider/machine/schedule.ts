import { ProviderError } from "../errors";
import { asUser } from "./borg";
import type { Machine } from "./host/machine";
import { mustRun } from "./host/mustRun";
import { observe } from "./host/observation";
import { moveStaged, quote, stagedPath } from "./host/shell";
import { recordingStatus } from "./plan/command";
import type { Plan } from "./plan/types";

/**
 * Puts the units or the cron file in place, takes the other scheduler's away, and starts the timer.
 * An old time stamp of a timer would start a recreated job at once.
 */
export async function applySchedule(machine: Machine, plan: Plan, { isNew }: { isNew: boolean }): Promise<void> {
  const { names, schedule } = plan;
  const { servicePath, timerPath, cronPath, timer } = names;
  const wanted = new Set(schedule.files.map(({ path }) => path));
  const obsolete = [servicePath, timerPath, cronPath].filter((path) => !wanted.has(path));
  const isSystemd = schedule.scheduler === "systemd";
  const script = [
    's() { [ ! -d /run/systemd/system ] || systemctl "$@"; }',
    ...(schedule.timer === undefined || isNew ? [`s disable --quiet --now ${timer} 2>/dev/null || :`] : []),
    `rm -f ${obsolete.flatMap((path) => [path, stagedPath(path)]).join(" ")} || exit`,
    `${schedule.files.map(({ path }) => moveStaged(path)).join(" && ") || ":"} || exit`,
    ...(isNew ? [`rm -f ${names.timerStamp}`] : []),
    `rm -rf ${quote(names.serviceDropIns)} ${quote(names.timerDropIns)}`,
    "s daemon-reload || exit",
    ...(isSystemd && schedule.timer !== undefined
      ? [`systemctl unmask --quiet ${timer}`, `systemctl enable --quiet --now ${timer} || exit`]
      : []),
  ];
  await mustRun(machine, script.join("\n"), "set up the schedule");
}

/** Starts one backup as the schedule does, and does not wait for it. */
export async function startBackup(machine: Machine, { schedule, names }: Plan, user: string): Promise<void> {
  const { service, command } = schedule;
  const byHand = asUser(user, recordingStatus(command, names));
  const script =
    service === undefined
      ? `setsid ${user === "root" ? `sh -c ${quote(byHand)}` : byHand} > /dev/null 2>&1 &`
      : `systemctl start --no-block ${service}`;
  await mustRun(machine, script, "start a backup");
}

/** Fails unless the schedule is in force: a timer that is enabled and not active never fires. */
export async function assertScheduled(machine: Machine, plan: Plan, user: string): Promise<void> {
  const { schedule, names } = plan;
  if (schedule.timer === undefined) return;
  const { timer } = await observe(machine, names, user);
  const { LoadState, UnitFileState, ActiveState } = timer;
  if (UnitFileState === "enabled" && ActiveState === "active") return;
  throw new ProviderError(
    "host",
    `The timer ${schedule.timer} on ${machine.address} is ${LoadState}, ${UnitFileState} and ${ActiveState}, not enabled and active.`,
  );
}
