// The documentation site: the Markdown of docs/ as it stands, with navigation and search.
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitepress";
import { assertAnchors } from "./anchors.mjs";
import { repositoryLinks, slug } from "./links.mjs";
import { sidebar } from "./sidebar.mjs";

const DESCRIPTION = "BorgBase backup repositories, SSH keys and backup jobs as Pulumi resources";

export default defineConfig({
  title: "pulumi-borgbase",
  description: DESCRIPTION,
  lang: "en",
  // GitHub Pages serves a project below its name.
  base: process.env.DOCS_BASE || "/",
  // Pulumi's registry shows _index.md, in a dialect of its own.
  srcExclude: ["_index.md"],
  rewrites: { "reference/README.md": "reference/index.md" },
  head: [["link", { rel: "icon", href: `${process.env.DOCS_BASE || "/"}logo.svg`, type: "image/svg+xml" }]],
  vite: { publicDir: fileURLToPath(new URL("./public", import.meta.url)) },
  markdown: {
    anchor: { slugify: slug },
    config: (md) => md.use(repositoryLinks),
  },
  // Layouts of Pulumi's registry.
  transformPageData(page) {
    if (page.frontmatter.layout === "package") page.frontmatter.layout = "doc";
  },
  buildEnd: ({ outDir }) => assertAnchors(outDir, process.env.DOCS_BASE || "/"),
  themeConfig: {
    logo: "/logo.svg",
    search: { provider: "local" },
    outline: [2, 3],
    nav: [
      { text: "Guide", link: "/guide" },
      { text: "Reference", link: "/reference/" },
    ],
    sidebar: sidebar(),
    footer: { message: "MIT licence. Not affiliated with BorgBase or Pulumi." },
  },
});
