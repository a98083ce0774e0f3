import { z } from "zod";
import { isoTime } from "../../../clock";
import { signedIn } from "../../auth/signedIn";
import { isTimezone, nextTime } from "../../cron";
import { refusal } from "../../errors";
import { field, idParam, readBody } from "../../input";
import { router } from "../../router";
import type { Repository } from "../../store/rows";
import { repositoryOf } from "./access";

const scheduleInput = z.object({
  cron_expression: field.text().nullish(),
  timezone: field.text().nullish(),
  check_timezone: field.text().nullish(),
  schedule_enabled: field.boolean().nullish(),
  max_duration: field.integer().nullish(),
  check_extra_flags: field.text().nullish(),
  notify_on_success: field.boolean().nullish(),
  notify_on_failure: field.boolean().nullish(),
});

/** The schedule of `borg check`. It exists with its repository, so it has neither creation nor deletion. */
export const checkSchedule = router()
  .get("/api/repositories/:repo_id/check-schedule", signedIn, (c) => {
    const row = repositoryOf(c.var.context, idParam(c, "repo_id"));
    return c.json({
      repository_id: row.id,
      repository_name: row.name,
      repository_path: row.path,
      ...shape(row),
      enabled: row.check.cron_expression !== null && row.check.enabled,
    });
  })
  .put("/api/repositories/:repo_id/check-schedule", signedIn, async (c) => {
    const { context } = c.var;
    const id = idParam(c, "repo_id");
    const input = await readBody(c, scheduleInput);
    const row = repositoryOf(context, id);
    const check = { ...row.check };
    if (input.timezone !== undefined || input.check_timezone !== undefined) {
      check.timezone = (input.timezone ?? input.check_timezone)?.trim() || "UTC";
      if (!isTimezone(check.timezone)) throw refusal(400, "schedule.invalidTimezone", { error: check.timezone });
    }
    if (input.cron_expression != null) {
      const cron = input.cron_expression.trim() === "" ? null : input.cron_expression;
      if (cron !== null && !isCron(cron)) throw refusal(400, "repo.invalidCronExpression");
      check.cron_expression = cron;
      // A new expression switches the schedule on, and "" switches it off.
      check.enabled = cron !== null;
    }
    check.enabled = input.schedule_enabled ?? check.enabled;
    check.max_duration = input.max_duration ?? check.max_duration;
    if (input.check_extra_flags !== undefined) check.extra_flags = input.check_extra_flags?.trim() || null;
    check.notify_on_success = input.notify_on_success ?? check.notify_on_success;
    check.notify_on_failure = input.notify_on_failure ?? check.notify_on_failure;
    const next =
      check.cron_expression !== null && check.enabled
        ? nextTime(check.cron_expression, check.timezone ?? "UTC", context.clock.now())
        : null;
    check.next = next && isoTime(next);
    row.check = check;
    row.updated_at = isoTime(context.clock.now());
    context.store.repositories.save(row);
    return c.json({ success: true, repository: { id: row.id, name: row.name, ...shape(row) } });
  });

function isCron(expression: string): boolean {
  try {
    nextTime(expression, "UTC", new Date());
    return true;
  } catch {
    return false;
  }
}

function shape({ check }: Repository) {
  const timezone = check.timezone ?? "UTC";
  return {
    check_cron_expression: check.cron_expression,
    check_schedule_enabled: check.enabled,
    check_timezone: timezone,
    timezone,
    last_scheduled_check: null,
    next_scheduled_check: check.next,
    check_max_duration: check.max_duration,
    check_extra_flags: check.extra_flags,
    notify_on_check_success: check.notify_on_success,
    notify_on_check_failure: check.notify_on_failure,
  };
}
