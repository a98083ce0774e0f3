import { getAccount } from "./functions/account";
import { getBackupStatus } from "./functions/backupStatus";
import { getConnections, getServer, getSystemKey } from "./functions/borgui";
import type { DataFunction } from "./functions/dataFunction";
import { renderBackupJob } from "./functions/renderBackupJob";
import { getRepo, getRepos } from "./functions/repos";
import { getStorage, testConnection } from "./functions/sshHost";
import { getSshKey, getSshKeys } from "./functions/sshKeys";
import type { Resource } from "./lifecycle/resource";
import { backupJob } from "./resources/backupJob";
import { backupPlan } from "./resources/borgui/backupPlan";
import { connection } from "./resources/borgui/connection";
import { key } from "./resources/borgui/key";
import { repository } from "./resources/borgui/repository";
import { systemKey } from "./resources/borgui/systemKey";
import { keyPair } from "./resources/keyPair";
import { repo } from "./resources/repo";
import { sshConnection } from "./resources/sshConnection";
import { sshKey } from "./resources/sshKey";

/** All resources, by their names as programs write them: see token.ts. */
export const resources = {
  KeyPair: keyPair,
  SshKey: sshKey,
  Repo: repo,
  SshConnection: sshConnection,
  BackupJob: backupJob,
  "borgui.SystemKey": systemKey,
  "borgui.Key": key,
  "borgui.Connection": connection,
  "borgui.Repository": repository,
  "borgui.BackupPlan": backupPlan,
};

/** All data functions, by their names as programs write them. */
export const functions = {
  getAccount,
  getRepo,
  getRepos,
  getSshKey,
  getSshKeys,
  getStorage,
  testConnection,
  renderBackupJob,
  getBackupStatus,
  "borgui.getServer": getServer,
  "borgui.getConnections": getConnections,
  "borgui.getSystemKey": getSystemKey,
};

export type ResourceType = keyof typeof resources;
export type FunctionName = keyof typeof functions;
export type FunctionResult<N extends FunctionName> = Awaited<ReturnType<(typeof functions)[N]["run"]>>;

/** The resource of a type, for hosts that get the type as text. */
export function resourceOf(type: string): Resource<Record<string, unknown>, Record<string, unknown>> {
  if (!Object.hasOwn(resources, type)) throw new Error(`pulumi-borgbase knows no resource ${type}`);
  // Engines pass untyped values; `check` validates them against the resource's schema.
  return resources[type as ResourceType] as unknown as Resource<Record<string, unknown>, Record<string, unknown>>;
}

export function functionOf(name: FunctionName): DataFunction<unknown, unknown> {
  return functions[name] as DataFunction<unknown, unknown>;
}
