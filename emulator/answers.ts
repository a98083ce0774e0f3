import type { Account } from "./store";
import type { World } from "./world";

/** A date or secret that is not set. */
export function unset(world: World): "" | null {
  return world.variants.unset === "null" ? null : "";
}

/** What the account owns of a kind, filtered by name and ordered as the variants say. */
export function listed<T extends { account: string; name: string }>(
  world: World,
  all: Iterable<T>,
  account: Account,
  name: string | null | undefined,
): T[] {
  const found: T[] = [];
  for (const item of all) {
    if (item.account === account.email && (!name || matches(world, item.name, name))) found.push(item);
  }
  return ordered(found, world.variants.listOrder);
}

function matches(world: World, name: string, wanted: string): boolean {
  switch (world.variants.nameMatch) {
    case "exact":
      return name === wanted;
    case "prefix":
      return name.toLowerCase().startsWith(wanted.toLowerCase());
    case "contains":
      return name.toLowerCase().includes(wanted.toLowerCase());
  }
}

export function ordered<T>(items: readonly T[], order: "asis" | "reversed" | "shuffled"): T[] {
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
