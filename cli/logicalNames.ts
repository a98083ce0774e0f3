/** An object of the account, or a resource of a stack. */
interface Named {
  /** The last part of the type. */
  type: string;
  name: string;
}

/** Names of modules in generated programs, which a variable of that name would hide. */
const MODULES = ["borgbase", "pulumi"];

/** Prefixes of names that would not begin with a letter, by type. */
const PREFIXES: Record<string, string> = { SshKey: "key", Repo: "repo" };

/**
 * Names for resources, from the names of their objects: a letter, then letters, digits, `-` and `_`. Every language takes
 * such a name, and references in the code of an import need one. An object without a name of its own gets its id behind
 * the name, so that the name depends on no order.
 * @param taken resources of the stack
 */
export function logicalNames(objects: readonly (Named & { id: string })[], taken: readonly Named[]): string[] {
  const wanted = objects.map((each) => ({ ...each, name: identifier(each) }));
  const users = new Map<string, Named[]>(MODULES.map((name) => [name, [{ type: "", name: "" }]]));
  for (const each of [...wanted, ...taken]) {
    const key = folded(each.name);
    const others = users.get(key);
    if (others) others.push(each);
    else users.set(key, [each]);
  }
  const used = new Set(taken.map(({ type, name }) => `${type} ${name}`));
  return wanted.map((each) => {
    const others = (users.get(folded(each.name)) ?? []).filter((other) => other !== each);
    // A key and a repository of one name are common, and no conflict.
    const isOwn = others.every(({ type, name }) => type !== each.type && name === each.name);
    const base = isOwn ? each.name : `${each.name}-${letters(each.id)}`;
    let name = base;
    for (let count = 2; used.has(`${each.type} ${name}`); count++) name = `${base}-${count}`;
    used.add(`${each.type} ${name}`);
    return name;
  });
}

function identifier({ type, name, id }: Named & { id: string }): string {
  const own = letters(name);
  return /^[a-z]/i.test(own) ? own : `${PREFIXES[type] ?? "object"}-${own || letters(id)}`;
}

/** Accents are dropped, all else that is no letter or digit becomes a hyphen. */
function letters(text: string): string {
  return text
    .normalize("NFKD")
    .replace(/\p{Mark}/gu, "")
    .replace(/[^a-z0-9_]+/gi, "-")
    .replace(/^[-_]+|[-_]+$/g, "");
}

/** Languages join the parts of a name in their own way: `web-1`, `web_1` and `Web1` may become one variable. */
function folded(name: string): string {
  return name.toLowerCase().replace(/[-_]/g, "");
}
