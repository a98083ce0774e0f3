import { strict as assert } from "node:assert";
import { existsSync, statSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { ROOT } from "../support/project";
import { markdownFiles, readMarkdown } from "./markdown";

interface Link {
  file: string;
  target: string;
}

function linksIn(file: string): Link[] {
  const prose = readMarkdown(file)
    .prose.join("\n")
    .replace(/`[^`\n]*`/g, "code");
  return [...prose.matchAll(/\]\(([^()\s]+)\)/g)]
    .map(([, target = ""]) => ({ file, target }))
    .filter(({ target }) => !/^[a-z]+:/i.test(target));
}

/** Anchors as GitHub derives them from headings: repeated ones get a number. */
function anchorsIn(file: string): Set<string> {
  const counts = new Map<string, number>();
  const anchors = readMarkdown(file).prose.flatMap((line) => {
    const [, heading] = /^#{1,6}\s+(.*?)\s*$/.exec(line) ?? [];
    if (heading === undefined) return [];
    const text = heading.replace(/\[([^\]]*)\]\([^)]*\)/g, "$1").toLowerCase();
    const slug = text.replace(/[^\p{L}\p{N}\s_-]/gu, "").replace(/\s/g, "-");
    const count = counts.get(slug) ?? 0;
    counts.set(slug, count + 1);
    return [count === 0 ? slug : `${slug}-${count}`];
  });
  return new Set(anchors);
}

/** Why a link leads nowhere, or undefined. */
function problemOf({ file, target }: Link): string | undefined {
  const [path = "", anchor] = target.split("#");
  const goal = path === "" ? file : normalize(join(dirname(file), decodeURIComponent(path)));
  if (!existsSync(join(ROOT, goal))) return `${file}: ${target} names no file`;
  if (anchor === undefined) return undefined;
  if (statSync(join(ROOT, goal)).isDirectory()) return `${file}: ${target} names a heading of a folder`;
  return anchorsIn(goal).has(anchor) ? undefined : `${file}: ${target} names no heading`;
}

describe("Links of the documentation", () => {
  const links = markdownFiles().flatMap(linksIn);

  it("Every relative link of a Markdown file leads to a file and a heading that exist", () => {
    assert.ok(links.length > 40, `only ${links.length} links were found`);
    const problems = links.map(problemOf).filter((problem) => problem !== undefined);
    assert.deepEqual(problems, []);
  });

  it("A link to a missing file, a missing heading or a heading of a folder is a problem", () => {
    const file = "README.md";
    for (const target of ["docs/none.md", "docs/guide.md#none", "examples#none"])
      assert.match(problemOf({ file, target }) ?? "", /README\.md: .* names (no|a heading of a)/, target);
    for (const target of ["docs/guide.md#tokens", "examples"]) assert.equal(problemOf({ file, target }), undefined);
  });

  it("Every path in a code span of a document for contributors exists", () => {
    const folders = /^(?:sdk|provider|emulator|cli|generate|examples|scripts|bench|tests|docs)\//;
    const paths = ["ARCHITECTURE.md", "CONTRIBUTING.md", "DECISIONS.md"].flatMap((file) => {
      const spans = [
        ...readMarkdown(file)
          .prose.join("\n")
          .matchAll(/`([\w./-]+)`/g),
      ].map(([, span = ""]) => span);
      // Capitals stand for a name to choose.
      return spans.filter((span) => folders.test(span) && !/[A-Z]{4}/.test(span)).map((path) => ({ file, path }));
    });
    assert.ok(paths.length > 30, `only ${paths.length} paths were found`);
    assert.deepEqual(
      paths.filter(({ path }) => !existsSync(join(ROOT, path))),
      [],
    );
  });

  it("Every page of docs/ is linked from the README or from the guide", () => {
    const linked = new Set(
      links
        .filter(({ file }) => file === "README.md" || file === "docs/guide.md")
        .map(({ file, target }) => normalize(join(dirname(file), target.split("#")[0] ?? ""))),
    );
    // Pulumi's registry shows two of them, and the site begins with one.
    const others = ["docs/_index.md", "docs/installation-configuration.md", "docs/index.md"];
    const pages = markdownFiles().filter((path) => dirname(path) === "docs" && !others.includes(path));
    assert.deepEqual(
      pages.filter((page) => !linked.has(page)),
      [],
    );
  });
});
