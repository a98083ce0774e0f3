// The page that the emulator serves to a browser at /graphql: GraphiQL with all assets inline, so that it works offline.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

const { resolve } = createRequire(import.meta.url);

const SCRIPTS = [
  "react/umd/react.production.min.js",
  "react-dom/umd/react-dom.production.min.js",
  "graphiql/graphiql.min.js",
];
const STYLES = ["graphiql/graphiql.min.css"];

const START = `
const fetcher = GraphiQL.createFetcher({ url: location.pathname });
const props = { fetcher, defaultEditorToolsVisibility: "headers", defaultHeaders: '{\\n  "Authorization": "Bearer "\\n}' };
ReactDOM.createRoot(document.getElementById("graphiql")).render(React.createElement(GraphiQL, props));
`;

/** Resolved through package.json, which every package exports. */
function read(path) {
  const [name, ...rest] = path.split("/");
  return readFileSync(join(dirname(resolve(`${name}/package.json`)), ...rest), "utf8");
}

/** An inline script ends at its first `</script`, even inside a string; there, the backslash has no effect. */
const inlineScript = (code) => `<script>${code.replaceAll("</script", "<\\/script")}</script>`;

export function graphiqlPage() {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>GraphiQL · BorgBase emulator</title>
<style>html, body, #graphiql { height: 100%; margin: 0; }</style>
${STYLES.map((name) => `<style>${read(name)}</style>`).join("\n")}
</head>
<body>
<div id="graphiql"></div>
${[...SCRIPTS.map(read), START].map(inlineScript).join("\n")}
</body>
</html>
`;
}
