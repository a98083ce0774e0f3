// The plugin's code and all its dependencies in one file: an installed plugin has no node_modules.
import { join } from "node:path";
import { build } from "esbuild";

/** @param {string} root of the checkout, with the compiled code in dist/ */
export async function bundlePlugin(root) {
  await build({
    entryPoints: [join(root, "dist", "provider", "hosts", "pluginMain.js")],
    outfile: join(root, "dist", "plugin", "pulumi-resource-borgbase.js"),
    bundle: true,
    platform: "node",
    target: "node22",
    // Short names would save 5 % of the archive, and cost 35 ms of CPU time and 12 MB at each start.
    minifyWhitespace: true,
    minifySyntax: true,
    // Native parts of ssh2, which it does without.
    external: ["*.node", "cpu-features"],
    // Paths of the machine that builds do not belong into the package.
    absWorkingDir: root,
    legalComments: "none",
    logLevel: "error",
  });
}
