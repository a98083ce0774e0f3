import { ProviderError } from "../errors";
import type { IdOrName } from "../schema/functions";

/**
 * Returns the single match by id or name.
 * @throws `notFound`; `refused` with all ids where a name is ambiguous, as a guess could hit the wrong backup
 */
export function chooseOne<T extends { id: string; name: string }>(kind: string, items: T[], wanted: IdOrName): T {
  const found = items.filter((item) => (wanted.id === undefined ? item.name === wanted.name : item.id === wanted.id));
  const [first, ...others] = found;
  const query = wanted.id === undefined ? `named "${wanted.name}"` : `with the id ${wanted.id}`;
  if (first === undefined) throw new ProviderError("notFound", `The account has no ${kind} ${query}.`);
  if (others.length === 0) return first;
  const ids = found.map((item) => item.id).join(", ");
  throw new ProviderError(
    "refused",
    `The account has ${found.length} of the kind ${kind} ${query}: ask by id, one of ${ids}.`,
  );
}
