import type { Context } from "./context";
import type { Account } from "./store";

/** The account's objects of one kind, filtered by name and ordered by the variants. */
export function listOwned<T extends { account: string; name: string }>(
  context: Context,
  all: Iterable<T>,
  account: Account,
  name: string | null | undefined,
): T[] {
  const found: T[] = [];
  for (const item of all) {
    if (item.account === account.email && (!name || matches(context, item.name, name))) found.push(item);
  }
  return inOrder(found, context.variants.listOrder);
}

function matches(context: Context, name: string, wanted: string): boolean {
  switch (context.variants.nameMatch) {
    case "exact":
      return name === wanted;
    case "prefix":
      return name.toLowerCase().startsWith(wanted.toLowerCase());
    case "contains":
      return name.toLowerCase().includes(wanted.toLowerCase());
  }
}

/** A copy of the items in the given order; "asis" keeps their order. */
export function inOrder<T>(items: readonly T[], order: "asis" | "reversed" | "shuffled"): T[] {
  const result = [...items];
  if (order === "reversed") result.reverse();
  if (order === "shuffled") {
    for (let last = result.length - 1; last > 0; last--) {
      const other = Math.floor(Math.random() * (last + 1));
      const moved = result[last] as T;
      result[last] = result[other] as T;
      result[other] = moved;
    }
  }
  return result;
}
