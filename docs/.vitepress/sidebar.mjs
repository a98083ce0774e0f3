// The navigation. The reference's pages come from its generated table of contents.
import { readFileSync } from "node:fs";

const GUIDES = [
  { text: "Guide", link: "/guide" },
  { text: "Backup jobs on machines", link: "/machines" },
  { text: "Borg UI", link: "/borg-ui" },
  { text: "The emulator", link: "/emulator" },
];

const MORE = [
  { text: "From Terraform", link: "/from-terraform" },
  { text: "Benchmark", link: "/benchmark" },
];

export function sidebar() {
  const contents = readFileSync(new URL("../reference/README.md", import.meta.url), "utf8");
  const pages = [...contents.matchAll(/^\| \[`([^`]+)`\]\(([^)]+)\.md\)/gm)].map(([, text, path]) => ({
    text,
    link: `/reference/${path}`,
  }));
  const isBorgUi = ({ text }) => text.startsWith("borgui.");
  const isFunction = ({ text }) => /^(?:get|test|render)/.test(text);
  const group = (text, items) => ({ text, items, collapsed: false });
  return [
    { text: "Start", items: [{ text: "Installation", link: "/installation-configuration" }] },
    { text: "Guides", items: [...GUIDES, ...MORE] },
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
