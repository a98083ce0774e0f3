const zones = new Map<string, string | undefined>();

/** The one name of an IANA zone that has several (`Etc/UTC`, `UTC`); undefined where there is none such. */
export function canonicalZone(zone: string): string | undefined {
  // Asking takes a good part of a millisecond, and the repositories of a program all name the same few.
  if (!zones.has(zone)) zones.set(zone, ask(zone));
  return zones.get(zone);
}

function ask(zone: string): string | undefined {
  try {
    return new Intl.DateTimeFormat("en", { timeZone: zone }).resolvedOptions().timeZone;
  } catch {
    return undefined;
  }
}
