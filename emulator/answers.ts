import { GraphQLError } from "graphql";
import type { Account } from "./store";
import type { World } from "./world";

/** A date or secret that is not set. */
export function unset(world: World): "" | null {
  return world.variants.unset === "null" ? null : "";
}

/** Characters of a name. No source says how many the real API takes; 255 is what most databases of its kind have. */
const LONGEST_NAME = 255;

/** The name of a key or repository, if it is one: text on one line, of a length that a list can show. */
export function checkName(name: string): string {
  if (!name.trim()) throw new GraphQLError("Name is required.");
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  if (/[\0-\x1f\x7f]/.test(name)) throw new GraphQLError("Invalid name: control characters are not allowed.");
  if ([...name].length > LONGEST_NAME) throw new GraphQLError(`Invalid name: more than ${LONGEST_NAME} characters.`);
  return name;
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
