import { recordingStatus, runCommand } from "./command";
import { HEAD_LINE } from "./names";
import { cronFieldsOf } from "./schedule";
import type { HostFacts, Job, JobNames } from "./types";

/**
 * The file in `/etc/cron.d`; undefined without a schedule.
 */
export function renderCronFile(job: Job, names: JobNames, facts: HostFacts): string | undefined {
  const fields = cronFieldsOf(job.schedule, job.name, facts.machineId);
  if (fields === undefined) return undefined;
  const command = runCommand(job, names, facts, "cron");
  return [
    `# ${HEAD_LINE}`,
    `SHELL=${facts.commands.sh}`,
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    // An unescaped % ends the command.
    `${fields} ${facts.account.name} ${recordingStatus(command, names).replaceAll("%", "\\%")}`,
    "",
  ].join("\n");
}
