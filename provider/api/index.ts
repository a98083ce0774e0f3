import type { Config } from "../config";
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

/** Makes no connection yet: that happens with the first question. */
export function connect(config: Config, options?: ClientOptions): Api {
  const client = new Client(config, options);
  return { keys: new Keys(client), repos: new Repos(client), account: new Accounts(client) };
}
