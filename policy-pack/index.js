// The ready pack: pulumi preview --policy-pack node_modules/pulumi-borgbase/policy-pack
const { RunError } = require("@pulumi/pulumi");
const { borgbasePolicies } = require("../dist/sdk/policies/index.js");

new (load().PolicyPack)("borgbase", { policies: borgbasePolicies });

/** @pulumi/policy is an optional peer: programs need it for policies alone. */
function load() {
  try {
    return require("@pulumi/policy");
  } catch (error) {
    if (error.code !== "MODULE_NOT_FOUND") throw error;
    throw new RunError(
      "The policy pack of pulumi-borgbase needs @pulumi/policy: run npm install --save-dev @pulumi/policy",
    );
  }
}
