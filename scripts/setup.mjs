// Installs and builds the missing requirements of `npm start` and `npm test`; takes half a second if none is missing.
import { build, installPackages } from "./setup/packages.mjs";
import { environmentWith } from "./setup/paths.mjs";
import { Problem } from "./setup/progress.mjs";
import { installPulumi, pulumiFolder } from "./setup/pulumi.mjs";
import { installTools } from "./setup/tools.mjs";

const OLDEST_NODE = 20;

/**
 * @param {import("./setup/tools.mjs").Tool[]} tools the system programs that the caller runs
 * @throws {Problem} when a person has to install or repair something
 */
export async function setUp(tools) {
  if (Number.parseInt(process.versions.node, 10) < OLDEST_NODE) {
    throw new Problem(`Node ${OLDEST_NODE} or newer is needed; this is ${process.version}`);
  }
  await installTools(tools);
  await installPackages();
  await installPulumi();
  await build();
}

/**
 * The environment of child processes after `setUp`: the project's own Node and a Pulumi CLI on PATH.
 * @returns {NodeJS.ProcessEnv}
 */
export function environment() {
  return environmentWith(pulumiFolder());
}
