// Links of the Markdown, which GitHub shows as well.
import { existsSync, readFileSync, statSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const DOCS = join(ROOT, "docs");

/** The repository's address: of the workflow, or of package.json, which lacks it before the first release. */
const REPOSITORY = `https://github.com/${process.env.GITHUB_REPOSITORY ?? repositoryOfPackage() ?? "OWNER/REPO"}`;

function repositoryOfPackage() {
  const { repository } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
  return /github\.com[/:](.+?)(\.git)?$/.exec(repository?.url ?? repository ?? "")?.[1];
}

/** @param {string} heading @returns {string} the anchor that GitHub derives from it */
export function slug(heading) {
  return heading
    .trim()
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, "")
    .replace(/\s/g, "-");
}

/** A plugin of markdown-it: links to files that are no pages of the site lead to the repository. */
export function repositoryLinks(md) {
  md.core.ruler.push("repository-links", ({ tokens, env }) => {
    for (const token of tokens.flatMap(({ children }) => children ?? [])) {
      const target = token.type === "link_open" && token.attrGet("href");
      if (target && !/^([a-z]+:|#|\/)/i.test(target)) token.attrSet("href", onSite(target, env.realPath ?? env.path));
    }
  });
}

/**
 * @param {string} target
 * @param {string} page that links to it
 */
function onSite(target, page) {
  const [path, anchor = ""] = target.split(/(?=#)/);
  const file = resolve(dirname(page), decodeURIComponent(path));
  if (file.startsWith(`${DOCS}/`) && file.endsWith(".md") && existsSync(file))
    return target.replace(/(^|\/)README\.md/, "$1index.md");
  if (!existsSync(file)) throw new Error(`${relative(ROOT, page)}: ${target} names no file`);
  const kind = statSync(file).isDirectory() ? "tree" : "blob";
  return `${REPOSITORY}/${kind}/main/${relative(ROOT, file)}${anchor}`;
}
