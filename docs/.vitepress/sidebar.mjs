// The navigation. The reference's pages come from its generated table of contents.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const DOCS = fileURLToPath(new URL("..", import.meta.url));

/** The guides in their order. Any other page of docs/ follows them. */
const GUIDES = ["guide", "machines", "borg-ui", "emulator", "policies", "from-terraform"];
const ELSEWHERE = ["_index", "index", "installation-configuration"];

function guides() {
  const pages = readdirSync(DOCS).flatMap((file) => (file.endsWith(".md") ? [file.slice(0, -".md".length)] : []));
  const others = pages.filter((page) => !GUIDES.includes(page) && !ELSEWHERE.includes(page));
  return [...GUIDES, ...others].map((page) => {
    const [, text = page] = /^# (.*)$/m.exec(readFileSync(join(DOCS, `${page}.md`), "utf8")) ?? [];
    return { text, link: `/${page}` };
  });
}

export function sidebar() {
  const contents = readFileSync(join(DOCS, "reference", "README.md"), "utf8");
  const pages = [...contents.matchAll(/^\| \[`([^`]+)`\]\(([^)]+)\.md\)/gm)].map(([, text, path]) => ({
    text,
    link: `/reference/${path}`,
  }));
  const isBorgUi = ({ text }) => text.startsWith("borgui.");
  const isFunction = ({ text }) => /^(?:get|test|render)/.test(text);
  const group = (text, items) => ({ text, items, collapsed: false });
  return [
    { text: "Start", items: [{ text: "Installation", link: "/installation-configuration" }] },
    { text: "Guides", items: guides() },
    group("Resources", [
      { text: "Overview", link: "/reference/" },
      ...pages.filter((page) => !isBorgUi(page) && !isFunction(page)),
    ]),
    group(
      "Functions",
      pages.filter((page) => !isBorgUi(page) && isFunction(page)),
    ),
    group("Borg UI", pages.filter(isBorgUi)),
  ];
}
