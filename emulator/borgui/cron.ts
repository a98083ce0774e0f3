import { Cron } from "croner";

/** The next time of a cron expression in a time zone. Throws for an expression that is none. */
export function nextTime(expression: string, timezone: string, after: Date): Date | null {
  return new Cron(expression, { timezone }).nextRun(after);
}

/** Whether a name is an IANA time zone. */
export function isTimezone(name: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch {
    return false;
  }
}
