import { ProviderError } from "../errors";
import type { IdOrName } from "../schema/functions";

/**
 * Returns the single match by id or name.
 * @throws `notFound`; `refused` with all ids where a name is ambiguous, as a guess could hit the wrong backup
 */
export function chooseOne<T extends { id: string; name: string }>(kind: string, items: T[], query: IdOrName): T {
  const found = items.filter((item) => (query.id === undefined ? item.name === query.name : item.id === query.id));
  const [first, ...others] = found;
  const described = query.id === undefined ? `named "${query.name}"` : `with the id ${query.id}`;
  if (first === undefined) throw new ProviderError("notFound", `The account has no ${kind} ${described}.`);
  if (others.length === 0) return first;
  const ids = found.map((item) => item.id).join(", ");
  throw new ProviderError(
    "refused",
    `The account has ${found.length} of the kind ${kind} ${described}: ask by id, one of ${ids}.`,
  );
}
