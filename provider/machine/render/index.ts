import type { BackupJobInputs } from "../../schema/backupJob";
import type { RenderedBackupJob } from "../../schema/renderBackupJob";
import { type HostFacts, jobOf, type Plan, renderPlan, type Schedule } from "../plan";
import { renderScript } from "./script";

interface Declared {
  borgmaticVersion: string;
  borgPath?: string | undefined;
  borgmaticPath?: string | undefined;
}

/** A job for a machine that nobody has seen: its facts are declared, or those of a usual Linux. */
export function renderJob(inputs: BackupJobInputs & { name: string }, declared: Declared): RenderedBackupJob {
  const { user = "root", scheduler = "auto", repositoryHostKeys = [] } = inputs;
  const job = jobOf(inputs);
  const facts = assumedFacts(user, declared);
  const plans: { systemd?: Plan; cron?: Plan } = {
    ...(scheduler !== "cron" && { systemd: renderPlan({ ...job, scheduler: "systemd" }, facts) }),
    ...(scheduler !== "systemd" &&
      !isCalendar(job.schedule) && { cron: renderPlan({ ...job, scheduler: "cron" }, facts) }),
  };
  const plan = (plans.systemd ?? plans.cron) as Plan;
  const script = renderScript({
    name: job.name,
    user,
    repository: job.repository,
    repositoryHostKeys,
    encryption: inputs.encryption ?? "repokey-blake2",
    initialize: inputs.initialize ?? true,
    install: inputs.install !== "none",
    startsNow: inputs.firstBackup === "start",
    plans,
  });
  return {
    script,
    files: [...plan.files, ...plan.schedule.files].map(({ path, content, mode, owner, group, secret }) => ({
      path,
      content,
      mode: `0${mode.toString(8)}`,
      owner,
      group,
      secret,
    })),
    borgmaticConfig: plan.files.find(({ path }) => path === plan.names.config)?.content ?? "",
  };
}

function assumedFacts(user: string, { borgmaticVersion, borgPath, borgmaticPath }: Declared): HostFacts {
  return {
    hostname: "",
    machineId: undefined,
    hasSystemd: true,
    versions: { borg: "1.2.0", borgmatic: borgmaticVersion },
    commands: {
      sh: "/bin/sh",
      cat: "/bin/cat",
      ssh: "/usr/bin/ssh",
      flock: "/usr/bin/flock",
      borg: borgPath ?? "/usr/bin/borg",
      borgmatic: borgmaticPath ?? "/usr/bin/borgmatic",
    },
    flockHasLimit: true,
    account: { name: user, group: user, home: user === "root" ? "/root" : `/home/${user}` },
  };
}

/** Cron has no calendar expressions, so a script for such a job needs systemd. */
function isCalendar(schedule: Schedule): boolean {
  return typeof schedule === "object" && "onCalendar" in schedule;
}
