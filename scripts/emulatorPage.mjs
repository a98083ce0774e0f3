// The page that the emulator serves to a browser at /graphql: one compressed file with all assets inline, so that it works offline.
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { brotliCompressSync, constants } from "node:zlib";
import { build } from "esbuild";

const { resolve } = createRequire(import.meta.url);

/** An inline script ends at its first `</script`, even inside a string; there, the backslash has no effect. */
const inlineScript = (code) => `<script type="module">${code.replaceAll("</script", "<\\/script")}</script>`;

/**
 * @param {string} root of the checkout
 * @param {string} file for the result
 */
export async function packEmulatorPage(root, file) {
  const source = join(root, "emulator", "page");
  const { outputFiles } = await build({
    entryPoints: [join(source, "page.mjs")],
    outdir: root,
    absWorkingDir: root,
    bundle: true,
    minify: true,
    write: false,
    format: "esm",
    target: "es2022",
    define: { "process.env.NODE_ENV": '"production"', "process.env": "{}" },
    // Optional parts of the fetcher, which only subscriptions use.
    external: ["graphql-ws"],
    legalComments: "none",
    logLevel: "error",
  });
  const styles = readFileSync(resolve("graphiql/graphiql.css"), "utf8").replace(/@font-face\s*{[^}]*}/g, "");
  const page = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>BorgBase emulator</title>
<style>${styles}</style>
<style>${readFileSync(join(source, "page.css"), "utf8")}</style>
</head>
<body>
<div id="page"></div>
${outputFiles.map(({ text }) => inlineScript(text)).join("\n")}
</body>
</html>
`;
  const params = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: page.length };
  writeFileSync(file, brotliCompressSync(page, { params }));
}
