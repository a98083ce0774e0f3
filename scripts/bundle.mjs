// Code that a host loads in one file.
import { join } from "node:path";
import { build } from "esbuild";

/**
 * The plugin with all its dependencies: an installed plugin has no node_modules.
 * @param {string} root of the checkout, with the compiled code in dist/
 */
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

/**
 * The entry of the dynamic host. One file instead of 180 saves 50 ms of CPU time in every command.
 * @param {string} root of the checkout
 */
export async function bundleDynamicHost(root) {
  await build({
    // From the sources: esbuild omits unused parts of ES modules only.
    entryPoints: [join(root, "provider", "hosts", "dynamic.ts")],
    outfile: join(root, "dist", "dynamic", "index.js"),
    bundle: true,
    platform: "node",
    target: "node22",
    // They load native parts beside themselves.
    external: ["node-ssh", "ssh2"],
    absWorkingDir: root,
    legalComments: "none",
    logLevel: "error",
  });
}
