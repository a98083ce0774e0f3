import type { Config } from "../config";
import type { PendingCreates } from "../pendingCreates";
import { Accounts } from "./account";
import { Client, type ClientOptions } from "./client";
import { Keys } from "./keys";
import { Repos } from "./repos";

export type { Account } from "./account";
export type { Key } from "./keys";
export type { ApiRepo, RepoMutationVars } from "./repos";

/** One account at BorgBase, by the nouns of its API. */
export interface Api {
  keys: Keys;
  repos: Repos;
  account: Accounts;
}

export interface ApiOptions extends ClientOptions {
  /** Where additions are remembered until the engine's state knows them. */
  pendingCreates?: PendingCreates;
}

/** Makes no connection yet: that happens with the first question. */
export function connect(config: Config, options: ApiOptions = {}): Api {
  const client = new Client(config, options);
  const keys = new Keys(client, options.pendingCreates);
  return { keys, repos: new Repos(client, keys, options.pendingCreates), account: new Accounts(client) };
}
