import * as pulumi from "@pulumi/pulumi";
import type { AccountInfo } from "../provider/functions/account";
import type { IdOrName } from "../provider/functions/choose";
import type { ConnectionInfo, StorageArgs, StorageInfo, Where } from "../provider/functions/host";
import type { RepoInfo } from "../provider/functions/repos";
import type { SshKeyInfo } from "../provider/functions/sshKeys";
import type { FunctionName, FunctionResult } from "../provider/registry";
import type { Args } from "./dynamicResource";
import { providerOf, settingsFor } from "./provider";
import { failQuietly, knownValue, mocksInUse, sourcesOf } from "./pulumiInternals";

export type { AccountInfo, ConnectionInfo, IdOrName, RepoInfo, SshKeyInfo, StorageArgs, StorageInfo, Where };

/** A registered SSH key by `{ id }` or exact `{ name }`; a name that several have is an error with their ids. */
export function getSshKey(wanted: IdOrName, opts?: pulumi.InvokeOptions): Promise<SshKeyInfo> {
  return promised("getSshKey", wanted, opts);
}

/** {@link getSshKey} for values that other resources give. */
export function getSshKeyOutput(wanted: Args<IdOrName>, opts?: pulumi.InvokeOutputOptions): pulumi.Output<SshKeyInfo> {
  return output("getSshKey", wanted, opts);
}

/** All SSH keys of the account. */
export function getSshKeys(opts?: pulumi.InvokeOptions): Promise<SshKeyInfo[]> {
  return promised("getSshKeys", {}, opts);
}

/** {@link getSshKeys} as an output. */
export function getSshKeysOutput(opts?: pulumi.InvokeOutputOptions): pulumi.Output<SshKeyInfo[]> {
  return output("getSshKeys", {}, opts);
}

/**
 * A repository by `{ id }` or exact `{ name }`, with its usage and last modification; a name that several have is an
 * error with their ids.
 */
export function getRepo(wanted: IdOrName, opts?: pulumi.InvokeOptions): Promise<RepoInfo> {
  return promised("getRepo", wanted, opts);
}

/** {@link getRepo} for values that other resources give. */
export function getRepoOutput(wanted: Args<IdOrName>, opts?: pulumi.InvokeOutputOptions): pulumi.Output<RepoInfo> {
  return output("getRepo", wanted, opts);
}

/** All repositories of the account, or those of exactly this name. */
export function getRepos(filter: { name?: string } = {}, opts?: pulumi.InvokeOptions): Promise<RepoInfo[]> {
  return promised("getRepos", filter, opts);
}

/** {@link getRepos} for values that other resources give. */
export function getReposOutput(
  filter: Args<{ name?: string }> = {},
  opts?: pulumi.InvokeOutputOptions,
): pulumi.Output<RepoInfo[]> {
  return output("getRepos", filter, opts);
}

/** The account that the token belongs to: its plan, usage and counts. */
export function getAccount(opts?: pulumi.InvokeOptions): Promise<AccountInfo> {
  return promised("getAccount", {}, opts);
}

/** {@link getAccount} as an output. */
export function getAccountOutput(opts?: pulumi.InvokeOutputOptions): pulumi.Output<AccountInfo> {
  return output("getAccount", {}, opts);
}

/** Free space of an account on a host, in bytes, also where there is no shell. Starts where a login starts unless `path` is given. */
export function getStorage(where: StorageArgs): Promise<StorageInfo> {
  return promised("getStorage", where);
}

/** {@link getStorage} for values that resources give. */
export function getStorageOutput(
  where: Args<StorageArgs>,
  opts?: pulumi.InvokeOutputOptions,
): pulumi.Output<StorageInfo> {
  return output("getStorage", where, opts);
}

/** Tries a login step by step and tells how far it came; a host that refuses is an answer, not an error. */
export function testConnection(where: Where): Promise<ConnectionInfo> {
  return promised("testConnection", where);
}

/** {@link testConnection} for values that resources give. */
export function testConnectionOutput(
  where: Args<Where>,
  opts?: pulumi.InvokeOutputOptions,
): pulumi.Output<ConnectionInfo> {
  return output("testConnection", where, opts);
}

/** Answers an output; unknown while an argument is, or while a resource that it depends on is yet to be made. */
function output<N extends FunctionName>(
  name: N,
  args: object,
  opts: pulumi.InvokeOutputOptions = {},
): pulumi.Output<FunctionResult<N>> {
  const given = pulumi.output(args) as pulumi.Output<object>;
  // As for Pulumi's own functions: also an argument that is known already may come from a resource that is yet to be made.
  const dependencies = pulumi
    .all([opts.dependsOn ?? [], sourcesOf(given)])
    .apply((resources) =>
      pulumi.all(resources.flat().map((each) => (each instanceof pulumi.CustomResource ? each.id : each.urn))),
    );
  const mocks = mocksInUse();
  const answer = mocks
    ? pulumi.all([given, dependencies]).apply(([known]) => askMocks(mocks, name, known, opts))
    : pulumi
        // The token in the settings is a secret, what the account says is none.
        .all([given, pulumi.unsecret(settingsFor(opts)), dependencies])
        .apply(([known, settings]) => ask(name, known, settings));
  if (mocks) failQuietly(answer);
  return answer as pulumi.Output<FunctionResult<N>>;
}

async function promised<N extends FunctionName>(
  name: N,
  args: object,
  opts?: pulumi.InvokeOptions,
): Promise<FunctionResult<N>> {
  const mocks = mocksInUse();
  if (mocks) return askMocks(mocks, name, args, opts);
  const settings = await knownValue(settingsFor(opts));
  if (!settings) {
    throw new pulumi.RunError(
      `${name}: the Provider's settings are not known before the deployment; use ${name}Output.`,
    );
  }
  return ask(name, args, settings);
}

async function ask<N extends FunctionName>(
  name: N,
  args: unknown,
  settings: { token?: string; endpoint?: string },
): Promise<FunctionResult<N>> {
  // Loaded on first use: most programs ask nothing.
  const { invoke } = await import("../provider/hosts/dynamic.js");
  try {
    return await invoke(name, args, settings);
  } catch (error) {
    // Pulumi shows a RunError without a stack.
    if (error instanceof Error && error.name === "ProviderError")
      throw new pulumi.RunError(`${name}: ${error.message}`);
    throw error;
  }
}

/** The functions that answer a list. */
const LISTS: FunctionName[] = ["getRepos", "getSshKeys"];

/** The answer of a unit test's mocks, asked as for the functions of any other package. */
async function askMocks<N extends FunctionName>(
  mocks: pulumi.runtime.Mocks,
  name: N,
  args: object,
  opts: pulumi.InvokeOptions = {},
): Promise<FunctionResult<N>> {
  const token = `borgbase:index:${name}`;
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

/** As the engine names a provider, and so Pulumi's own functions to mocks. */
async function referenceTo(provider: pulumi.ProviderResource | undefined): Promise<string | undefined> {
  if (!provider) return undefined;
  return knownValue(pulumi.interpolate`${provider.urn}::${provider.id}`);
}
