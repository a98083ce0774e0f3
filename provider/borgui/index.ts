import type { PendingCreates } from "../pendingCreates";
import type { RequestOptions } from "../remote/requests";
import { Client } from "./client";
import type { BorgUiConfig } from "./config";
import { ServerConnections } from "./connections";
import { ServerKeys } from "./keys";
import { BackupPlans } from "./plans";
import { Repositories } from "./repositories";
import { Server } from "./server";

export type { Access, ConnectionEdit, ServerConnection } from "./connections";
export type { KeyEdit, NewKey, ServerKey } from "./keys";
export type { PlanEdit, PlanSummary, ServerHook, ServerPlan } from "./plans";
export type { CheckSchedule, NewRepository, RepositoryEdit, ServerRepository } from "./repositories";

/** One Borg UI server: a collection per type of object. */
export interface BorgUi {
  server: Server;
  /** The server's own key, of which there is one. */
  systemKeys: ServerKeys;
  /** The keys that people have added. */
  keys: ServerKeys;
  connections: ServerConnections;
  repositories: Repositories;
  plans: BackupPlans;
}

export interface BorgUiOptions extends RequestOptions {
  /** Records creates until the state contains their objects. Absent: no interrupted run is recovered. */
  pendingCreates?: PendingCreates;
}

/** Creates a client. It logs in with its first request. */
export function connectBorgUi(config: BorgUiConfig, options: BorgUiOptions = {}): BorgUi {
  const client = new Client(config, options);
  const { pendingCreates } = options;
  return {
    server: new Server(client),
    systemKeys: new ServerKeys("borgui.SystemKey", client, ({ is_system_key }) => is_system_key, pendingCreates),
    keys: new ServerKeys("borgui.Key", client, ({ is_system_key }) => !is_system_key, pendingCreates),
    connections: new ServerConnections(client, pendingCreates),
    repositories: new Repositories(client, pendingCreates),
    plans: new BackupPlans(client, pendingCreates),
  };
}
