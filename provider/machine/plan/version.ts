import type { Dialect } from "./types";

/** Negative, zero or positive, as the first version is older than, equal to or newer than the second. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [a, b].map((version) => version.split(/[^0-9]+/, 3).map(Number)) as [number[], number[]];
  for (let i = 0; i < 3; i++) {
    const difference = (left[i] || 0) - (right[i] || 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

export function isAtLeast(version: string, minimum: string): boolean {
  return compareVersions(version, minimum) >= 0;
}

/** The form of configuration that a version of borgmatic reads. Versions from 1.8 on warn about sections. */
export function dialectOf(borgmatic: string): Dialect {
  return isAtLeast(borgmatic, "1.8.0") ? "flat" : "sections";
}
