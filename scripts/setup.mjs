// What `npm start` and `npm test` need, made where it is missing; half a second where nothing is.
import { build, installPackages } from "./setup/packages.mjs";
import { environmentWith } from "./setup/paths.mjs";
import { Problem } from "./setup/progress.mjs";
import { installPulumi, pulumiFolder } from "./setup/pulumi.mjs";
import { installTools } from "./setup/tools.mjs";

const OLDEST_NODE = 20;

/**
 * @param {import("./setup/tools.mjs").Tool[]} tools the system's programs that the caller runs
 * @throws {Problem} what a person has to install or put right
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
 * The environment of every child, once `setUp` is through: the project's own Node and a Pulumi CLI on PATH.
 * @returns {NodeJS.ProcessEnv}
 */
export function environment() {
  return environmentWith(pulumiFolder());
}
