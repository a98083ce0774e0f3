/** The emulator's time: the machine's, or one that was set and runs on from there. */
export class Clock {
  private offset = 0;

  now(): Date {
    return new Date(Date.now() + this.offset);
  }

  /** Null goes back to the machine's time. */
  set(time: Date | null): void {
    this.offset = time === null ? 0 : time.getTime() - Date.now();
  }
}

/** Microseconds and a numeric zone, as Django writes a time: `2026-11-21T08:00:00.123000+00:00`. */
export function isoTime(date: Date): string {
  return date.toISOString().replace("Z", "000+00:00");
}
