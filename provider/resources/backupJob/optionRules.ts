import type { BackupJobInputs } from "../../schema/backupJob";
import type { Problem } from "../../ssh/connection/address";

/** Problems of schedules, hooks, and options that are passed on. */

export async function scheduleProblems({ schedule, scheduler }: Partial<BackupJobInputs>): Promise<Problem[]> {
  if (typeof schedule !== "object") return [];
  if ("onCalendar" in schedule && scheduler === "cron") {
    return [
      { property: "schedule", reason: "onCalendar is for systemd, and scheduler is cron: give { at } or { cron }" },
    ];
  }
  if (!("cron" in schedule)) return [];
  const { cronProblem } = await import("../../machine/plan/cronExpression.js");
  const reason = cronProblem(schedule.cron);
  return reason === undefined ? [] : [{ property: "schedule", reason }];
}

export async function optionProblems(inputs: Partial<BackupJobInputs>): Promise<Problem[]> {
  const { healthchecks, borgmatic = {}, serviceOptions = {}, hooks, scheduler } = inputs;
  const { optionProblem } = await import("../../machine/plan/options.js");
  const problems: Problem[] = [];
  const add = (property: string, reason: string | undefined) => reason && problems.push({ property, reason });
  if (healthchecks && !/^https?:\/\/\S+$/.test(healthchecks)) add("healthchecks", "must be an http(s) URL");
  for (const option of Object.keys(borgmatic)) add("borgmatic", optionProblem(option));
  const hasHooks = Object.values(hooks ?? {}).some((commands) => commands !== undefined);
  if (hasHooks && "commands" in borgmatic && !Array.isArray(borgmatic.commands)) {
    add("borgmatic", "commands must be a list");
  }
  for (const [name, value] of Object.entries(serviceOptions)) add("serviceOptions", serviceOptionProblem(name, value));
  if (scheduler === "cron" && Object.keys(serviceOptions).length > 0) {
    add("serviceOptions", "is for systemd, and scheduler is cron: leave it out");
  }
  return problems;
}

/** Options of the unit that the job itself relies on. */
const OWN = ["Type", "ExecStart", "User", "Group", "StateDirectory", "StateDirectoryMode"];

function serviceOptionProblem(name: string, value: string): string | undefined {
  if (!/^[A-Z][A-Za-z0-9]*$/.test(name)) return `"${name}" is no option of systemd's [Service] section`;
  if (OWN.includes(name)) return `${name} is set by the job itself`;
  return /[\r\n]/.test(value) ? `${name} must be one line` : undefined;
}
