import * as pulumi from "@pulumi/pulumi";
import type { FunctionName, FunctionResult } from "../provider/registry";
import type { ProviderSettings } from "../provider/settings";
import { tokenOf } from "../provider/token";
import { providerOf, settingsFor } from "./provider";
import { knownValue, mocksInUse, sourcesOf, suppressUnhandledRejections } from "./pulumiInternals";

/** Calls a function with outputs. The result is unknown while an argument is, or a resource that it depends on. */
export function invokeOutput<N extends FunctionName>(
  name: N,
  args: object,
  opts: pulumi.InvokeOutputOptions = {},
): pulumi.Output<FunctionResult<N>> {
  const argsOutput = pulumi.output(args) as pulumi.Output<object>;
  // As Pulumi's own functions do: a known argument too may come from a resource that does not exist yet.
  const dependencies = pulumi
    .all([opts.dependsOn ?? [], sourcesOf(argsOutput)])
    .apply((resources) =>
      pulumi.all(resources.flat().map((each) => (each instanceof pulumi.CustomResource ? each.id : each.urn))),
    );
  const mocks = mocksInUse();
  const answer = mocks
    ? pulumi.all([argsOutput, dependencies]).apply(([known]) => invokeMocks(mocks, name, known, opts))
    : pulumi
        // The token in the settings is secret, the result is not.
        .all([argsOutput, pulumi.unsecret(settingsFor(opts)), dependencies])
        .apply(([known, settings]) => invokeProvider(name, known, settings));
  if (mocks) suppressUnhandledRejections(answer);
  return answer as pulumi.Output<FunctionResult<N>>;
}

/** Calls a function with plain values. */
export async function invoke<N extends FunctionName>(
  name: N,
  args: object,
  opts?: pulumi.InvokeOptions,
): Promise<FunctionResult<N>> {
  const mocks = mocksInUse();
  if (mocks) return invokeMocks(mocks, name, args, opts);
  const settings = await knownValue(settingsFor(opts));
  if (!settings) {
    throw new pulumi.RunError(
      `${name}: the Provider's settings are not known before the deployment; use ${name}Output.`,
    );
  }
  return invokeProvider(name, args, settings);
}

/** @throws RunError for an expected error: Pulumi shows it without a stack */
async function invokeProvider<N extends FunctionName>(
  name: N,
  args: unknown,
  settings: ProviderSettings,
): Promise<FunctionResult<N>> {
  // Loaded on first use: most programs call no function.
  const provider = await import("../provider/hosts/invoke.js");
  try {
    return await provider.invokeFunction(name, args, settings);
  } catch (error) {
    if (error instanceof Error && error.name === "ProviderError")
      throw new pulumi.RunError(`${name}: ${error.message}`);
    throw error;
  }
}

/** Functions with a list as their result. */
const LISTS: FunctionName[] = ["getRepos", "getSshKeys", "borgui.getConnections"];

/** Calls a unit test's mocks as functions of other packages do. */
async function invokeMocks<N extends FunctionName>(
  mocks: pulumi.runtime.Mocks,
  name: N,
  args: object,
  opts: pulumi.InvokeOptions = {},
): Promise<FunctionResult<N>> {
  const token = tokenOf(name);
  const inputs = Object.fromEntries(Object.entries(args).filter(([, value]) => value !== undefined));
  const provider = await referenceTo(providerOf(opts));
  const answer = await knownValue(pulumi.output(mocks.call({ token, inputs, ...(provider && { provider }) })));
  const isList = LISTS.includes(name);
  if (typeof answer === "object" && answer !== null && Array.isArray(answer) === isList) {
    return answer as FunctionResult<N>;
  }
  throw new pulumi.RunError(
    `${name}: mocks.call must return ${isList ? "a list" : "an object"} for the token "${token}".`,
  );
}

/** The engine's reference to a provider, `URN::ID`, as mocks get it for other packages. */
async function referenceTo(provider: pulumi.ProviderResource | undefined): Promise<string | undefined> {
  if (!provider) return undefined;
  return knownValue(pulumi.interpolate`${provider.urn}::${provider.id}`);
}
