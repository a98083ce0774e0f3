/** The emulator's time: the machine's, or a set time that runs on. */
export class Clock {
  private offset = 0;

  now(): Date {
    return new Date(Date.now() + this.offset);
  }

  /** Null restores the machine's time. */
  set(time: Date | null): void {
    this.offset = time === null ? 0 : time.getTime() - Date.now();
  }
}

/** A time in Django's format, with microseconds and a numeric zone: `2026-11-21T08:00:00.123000+00:00`. */
export function isoTime(date: Date): string {
  return date.toISOString().replace("Z", "000+00:00");
}
