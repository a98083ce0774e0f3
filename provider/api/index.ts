import type { Config } from "../config";
import type { Journal } from "../journal";
import { Accounts } from "./account";
import { Client, type ClientOptions } from "./client";
import { Keys } from "./keys";
import { Repos } from "./repos";

export type { Account } from "./account";
export type { Key } from "./keys";
export type { RemoteRepo, RepoArguments } from "./repos";

/** One account at BorgBase, by the nouns of its API. */
export interface Api {
  keys: Keys;
  repos: Repos;
  account: Accounts;
}

export interface ApiOptions extends ClientOptions {
  /** Where additions are remembered until the engine's state knows them. */
  journal?: Journal;
}

/** Makes no connection yet: that happens with the first question. */
export function connect(config: Config, options: ApiOptions = {}): Api {
  const client = new Client(config, options);
  const keys = new Keys(client, options.journal);
  return { keys, repos: new Repos(client, keys, options.journal), account: new Accounts(client) };
}
