/*
 * Names of resources and functions as programs write them behind `borgbase.`: `Repo`, `borgui.Connection`. They are the
 * keys of the registry and of pending creates. The engine knows their tokens.
 */

/** `borgbase:index:Repo` for `Repo`, `borgbase:borgui:Connection` for `borgui.Connection`. */
export function tokenOf(name: string): string {
  const { module, local } = partsOf(name);
  return `borgbase:${module ?? "index"}:${local}`;
}

/** The inverse of {@link tokenOf}. */
export function nameOf(token: string): string {
  const [, module = "index", local = ""] = token.split(":");
  return module === "index" ? local : `${module}.${local}`;
}

/** `borgui.Connection`: the module `borgui`, and the name in it. Without a module: the root. */
export function partsOf(name: string): { module?: string; local: string } {
  const [module, local] = name.split(".");
  return local === undefined ? { local: name } : { module: module as string, local };
}
