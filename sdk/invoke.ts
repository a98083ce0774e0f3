import * as pulumi from "@pulumi/pulumi";
import type { GivenConfig } from "../provider/config";
import type { FunctionName, FunctionResult } from "../provider/registry";
import { settingsFor } from "./provider";

/** Answers an output; unknown while an argument is, or while a resource that it depends on is yet to be made. */
export function askOutput<N extends FunctionName>(
  name: N,
  args: object,
  opts: pulumi.InvokeOutputOptions = {},
): pulumi.Output<FunctionResult<N>> {
  const given = pulumi.output(args) as pulumi.Output<object> & { allResources(): Promise<Set<pulumi.Resource>> };
  // As for Pulumi's own functions: also an argument that is known already may tell of a resource that is yet to be made.
  const sources = given.allResources().then((resources) => [...resources]);
  const dependencies = pulumi
    .all([opts.dependsOn ?? [], sources])
    .apply((resources) =>
      pulumi.all(resources.flat().map((each) => (each instanceof pulumi.CustomResource ? each.id : each.urn))),
    );
  const answer = pulumi
    // The token in the settings is a secret, what the account tells is none.
    .all([given, pulumi.unsecret(settingsFor(opts)), dependencies])
    .apply(([known, settings]) => invoke(name, known, settings));
  return answer as pulumi.Output<FunctionResult<N>>;
}

export async function ask<N extends FunctionName>(
  name: N,
  args: object,
  opts?: pulumi.InvokeOptions,
): Promise<FunctionResult<N>> {
  const settings = settingsFor(opts) as pulumi.Output<GivenConfig> & {
    isKnown: Promise<boolean>;
    promise(): Promise<GivenConfig>;
  };
  if (!(await settings.isKnown)) {
    throw new pulumi.RunError(
      `${name}: the Provider's settings are not known before the deployment; use ${name}Output.`,
    );
  }
  return invoke(name, args, await settings.promise());
}

async function invoke<N extends FunctionName>(
  name: N,
  args: unknown,
  settings: GivenConfig,
): Promise<FunctionResult<N>> {
  // Loaded on first use: most programs ask nothing.
  const provider = await import("../provider/hosts/dynamic.js");
  try {
    return await provider.invoke(name, args, settings);
  } catch (error) {
    // Pulumi shows a RunError without a stack.
    if (error instanceof Error && error.name === "ProviderError")
      throw new pulumi.RunError(`${name}: ${error.message}`);
    throw error;
  }
}
