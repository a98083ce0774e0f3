// `npm run pack:plugin`: archives of the plugin for `pulumi plugin install resource borgbase VERSION --server URL`.
// One per platform, with equal contents: the plugin needs Node, and no native code.
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const PLATFORMS = ["linux", "darwin", "windows"].flatMap((system) => [`${system}-amd64`, `${system}-arm64`]);

const { copyPlugin, packageVersion } = createRequire(import.meta.url)("../dist/cli/plugin.js");

const target = process.argv[2] ?? join(ROOT, "dist", "archives");
const draft = mkdtempSync(join(tmpdir(), "borgbase-plugin-"));
try {
  const content = join(draft, "content");
  mkdirSync(content);
  copyPlugin(content);
  const archive = join(draft, "plugin.tar.gz");
  const { status, stderr } = spawnSync("tar", ["-czf", archive, "-C", content, "."], { encoding: "utf8" });
  if (status !== 0) throw new Error(`tar failed: ${stderr}`);
  mkdirSync(target, { recursive: true });
  for (const platform of PLATFORMS) {
    const file = join(target, `pulumi-resource-borgbase-v${packageVersion()}-${platform}.tar.gz`);
    copyFileSync(archive, file);
    console.log(relative(process.cwd(), file));
  }
} finally {
  rmSync(draft, { recursive: true, force: true });
}
