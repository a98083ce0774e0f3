// VitePress checks that linked pages exist; this checks that linked headings do.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/**
 * @param {string} folder of the built site
 * @param {string} base of its addresses
 * @throws when a link names a heading that its page does not have
 */
export function assertAnchors(folder, base) {
  const names = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".html"));
  const pages = new Map(names.map((name) => [base + name, readFileSync(join(folder, name), "utf8")]));
  const ids = new Map(
    [...pages].map(([page, html]) => [page, new Set([...html.matchAll(/ id="([^"]*)"/g)].map(([, id]) => id))]),
  );
  const dead = [...pages].flatMap(([page, html]) =>
    [...html.matchAll(/<a[^>]* href="([^"]*#[^"]*)"/g)].flatMap(([, href]) => {
      const { origin, pathname, hash } = new URL(href, `http://site${page}`);
      if (origin !== "http://site" || hash === "") return [];
      const goal = pathname.endsWith("/") ? `${pathname}index.html` : pathname;
      return ids.get(goal)?.has(decodeURIComponent(hash.slice(1))) ? [] : [`${page}: ${href} names no heading`];
    }),
  );
  if (dead.length > 0) throw new Error(dead.join("\n"));
}
