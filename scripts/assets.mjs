// The last step of `npm run build`: what `tsc` leaves out of dist/.
import { chmodSync, cpSync, existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));

/** Folders whose files of other kinds the compiled code reads at run time, from beside itself. */
const FOLDERS = ["emulator"];
const KINDS = /\.(graphql|html)$/;

for (const folder of FOLDERS) {
  if (!existsSync(join(ROOT, folder))) continue;
  cpSync(join(ROOT, folder), join(ROOT, "dist", folder), {
    recursive: true,
    filter: (source) => !/\.[^/\\]+$/.test(source) || KINDS.test(source),
  });
}

const cli = join(ROOT, "dist", "cli", "main.js");
if (existsSync(cli)) chmodSync(cli, 0o755);
