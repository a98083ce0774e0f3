import type { Config } from "../config";
import type { PendingCreates } from "../pendingCreates";
import type { RequestOptions } from "../remote/requests";
import { Accounts } from "./account";
import { Client } from "./client";
import { Keys } from "./keys";
import { Repos } from "./repos";

export type { Account } from "./account";
export type { Key } from "./keys";
export type { ApiRepo, RepoMutationVars } from "./repos";

/** One account at BorgBase: a collection per type of object. */
export interface Api {
  keys: Keys;
  repos: Repos;
  account: Accounts;
}

export interface ApiOptions extends RequestOptions {
  /** Records creates until the state contains their objects. Absent: no interrupted run is recovered. */
  pendingCreates?: PendingCreates;
}

/** Creates a client. It connects with its first request. */
export function connect(config: Config, options: ApiOptions = {}): Api {
  const client = new Client(config, options);
  const keys = new Keys(client, options.pendingCreates);
  return { keys, repos: new Repos(client, keys, options.pendingCreates), account: new Accounts(client) };
}
