// Code that a host loads in one file.
import { dirname, join } from "node:path";
import { build } from "esbuild";

/**
 * What both bundles share. They start from the sources and prefer ES modules, as esbuild omits unused parts of these only.
 * @param {string} root of the checkout
 * @param {import("esbuild").BuildOptions} options
 */
function bundle(root, options) {
  return build({
    ...options,
    bundle: true,
    platform: "node",
    target: "node22",
    mainFields: ["module", "main"],
    // Short names would save 5 % of the plugin's archive, and cost 35 ms of CPU time and 12 MB at each of its starts.
    minifyWhitespace: true,
    minifySyntax: true,
    inject: [join(root, "provider", "remote", "headers.ts")],
    plugins: [zodInEnglish],
    // Paths of the machine that builds do not belong into the package.
    absWorkingDir: root,
    legalComments: "none",
    logLevel: "error",
  });
}

/**
 * zod's own messages in English alone. All its languages are a quarter of a host's file, and cost time in every command.
 * @type {import("esbuild").Plugin}
 */
const zodInEnglish = {
  name: "zod in English",
  setup({ onLoad }) {
    onLoad({ filter: /[\\/]zod[\\/]v4[\\/]locales[\\/]index\.js$/ }, ({ path }) => ({
      contents: 'export { default as en } from "./en.js";',
      resolveDir: dirname(path),
    }));
  },
};

/**
 * The plugin with all its dependencies: an installed plugin has no node_modules.
 * @param {string} root of the checkout
 */
export async function bundlePlugin(root) {
  await bundle(root, {
    entryPoints: [join(root, "provider", "hosts", "pluginMain.ts")],
    outfile: join(root, "dist", "plugin", "pulumi-resource-borgbase.js"),
    // Native parts of ssh2, which it does without.
    external: ["*.node", "cpu-features"],
  });
}

/**
 * The dynamic host and its entry. One file instead of 180 saves 50 ms of CPU time in every command, compiled code 60 more.
 * @param {string} root of the checkout
 */
export async function bundleDynamicHost(root) {
  const hosts = join(root, "provider", "hosts");
  await bundle(root, {
    entryPoints: { host: join(hosts, "dynamic.ts"), index: join(hosts, "dynamicEntry.ts") },
    outdir: join(root, "dist", "dynamic"),
    // A script with compiled code has no loader of ES modules.
    supported: { "dynamic-import": false },
    // They load native parts beside themselves.
    external: ["node-ssh", "ssh2"],
  });
}
