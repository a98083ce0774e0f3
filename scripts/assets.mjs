// The last step of `npm run build`: the files of dist/ that `tsc` does not write.
import { chmodSync, cpSync, existsSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { bundleDynamicHost, bundlePlugin } from "./bundle.mjs";
import { packEmulatorPage } from "./emulatorPage.mjs";

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));

const DIST = join(ROOT, "dist");

/** Folders with assets that the compiled code reads at run time, beside itself. */
const FOLDERS = ["emulator"];
const KINDS = /\.(graphql|html)$/;

for (const folder of FOLDERS) {
  if (!existsSync(join(ROOT, folder))) continue;
  cpSync(join(ROOT, folder), join(DIST, folder), {
    recursive: true,
    filter: (source) => !/\.[^/\\]+$/.test(source) || KINDS.test(source),
  });
}

await Promise.all([
  bundlePlugin(ROOT),
  bundleDynamicHost(ROOT),
  packEmulatorPage(ROOT, join(DIST, "emulator", "page.html.br")),
]);
// Of an earlier version, whose page was not compressed.
rmSync(join(DIST, "emulator", "graphiql.html"), { force: true });

const cli = join(DIST, "cli", "main.js");
if (existsSync(cli)) chmodSync(cli, 0o755);

// tsc keeps the output of a deleted source: a deleted test would still run.
for (const path of readdirSync(DIST, { recursive: true, encoding: "utf8" })) {
  if (/^(plugin|dynamic|archives)\b/.test(path)) continue;
  const source = path.replace(/\.(d\.ts|js\.map|js)$/, ".ts");
  if (source !== path && !existsSync(join(ROOT, source))) rmSync(join(DIST, path));
}

// The time of the last complete build; scripts/setup/packages.mjs compares it with the times of the sources.
writeFileSync(join(DIST, ".built"), "");
