import { getAccount } from "./functions/account";
import type { DataFunction } from "./functions/dataFunction";
import { getRepo, getRepos } from "./functions/repos";
import { getStorage, testConnection } from "./functions/sshHost";
import { getSshKey, getSshKeys } from "./functions/sshKeys";
import type { Resource } from "./lifecycle/resource";
import { keyPair } from "./resources/keyPair";
import { repo } from "./resources/repo";
import { sshConnection } from "./resources/sshConnection";
import { sshKey } from "./resources/sshKey";

/** Everything that the provider knows, by the last part of its token `borgbase:index:…`. */
export const resources = { KeyPair: keyPair, SshKey: sshKey, Repo: repo, SshConnection: sshConnection };

export const functions = { getAccount, getRepo, getRepos, getSshKey, getSshKeys, getStorage, testConnection };

export type ResourceType = keyof typeof resources;
export type FunctionName = keyof typeof functions;
export type FunctionResult<N extends FunctionName> = Awaited<ReturnType<(typeof functions)[N]["run"]>>;

/** The inputs of a resource by its type, for hosts that know it by name alone. */
export function resourceOf(type: string): Resource<Record<string, unknown>, Record<string, unknown>> {
  if (!Object.hasOwn(resources, type)) throw new Error(`pulumi-borgbase knows no resource ${type}`);
  // The engine's values are untyped; `check` holds them against the resource's schema.
  return resources[type as ResourceType] as unknown as Resource<Record<string, unknown>, Record<string, unknown>>;
}

export function functionOf(name: FunctionName): DataFunction<unknown, unknown> {
  return functions[name] as DataFunction<unknown, unknown>;
}
