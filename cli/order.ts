/** `web-2` before `web-10`, the same on every machine. */
export const compareNames = new Intl.Collator("en", { numeric: true }).compare;

/** By name; equal names by id. */
export function byNameAndId(a: { name: string; id: string }, b: { name: string; id: string }): number {
  return compareNames(a.name, b.name) || compareNames(a.id, b.id);
}
