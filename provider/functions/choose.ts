import { ProviderError } from "../errors";

/** What to look for: exactly one of the two. */
export type IdOrName = { id: string; name?: undefined } | { name: string; id?: undefined };

export async function idOrName() {
  const { z } = await import("../zod.js");
  const error = "give { id } or { name }, one of the two";
  const text = z.string({ error }).min(1, { error });
  return z.union([z.strictObject({ id: text }), z.strictObject({ name: text })], { error });
}

/** The one that is meant. A name that several have is an error with their ids: guessing could hit the wrong backup. */
export function chooseOne<T extends { id: string; name: string }>(kind: string, items: T[], wanted: IdOrName): T {
  const found = items.filter((item) => (wanted.id === undefined ? item.name === wanted.name : item.id === wanted.id));
  const [first, ...others] = found;
  const what = wanted.id === undefined ? `named "${wanted.name}"` : `with the id ${wanted.id}`;
  if (first === undefined) throw new ProviderError("notFound", `The account has no ${kind} ${what}.`);
  if (others.length === 0) return first;
  const ids = found.map((item) => item.id).join(", ");
  throw new ProviderError(
    "refused",
    `The account has ${found.length} of the kind ${kind} ${what}: ask by id, one of ${ids}.`,
  );
}
