const zones = new Map<string, string | undefined>();

/** Canonical name of an IANA zone with several (`Etc/UTC`, `UTC`). Undefined for an unknown zone. */
export function canonicalZone(zone: string): string | undefined {
  // Cached: a look-up takes almost a millisecond, and most repositories name the same zone.
  if (!zones.has(zone)) zones.set(zone, lookUp(zone));
  return zones.get(zone);
}

function lookUp(zone: string): string | undefined {
  try {
    return new Intl.DateTimeFormat("en", { timeZone: zone }).resolvedOptions().timeZone;
  } catch {
    return undefined;
  }
}
