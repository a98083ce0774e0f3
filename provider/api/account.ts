import { z } from "zod";
import { isKind } from "../errors";
import { numberOr, optionalText } from "../remote/readers";
import type { Client } from "./client";

/** Account of the token. Sizes in MB; the API documents no unit, a public operations script names it. */
export type Account = z.output<typeof account>;

const account = z.object({
  username: z.string().min(1),
  diskUsage: numberOr(0),
  repoCount: numberOr(0),
  sshKeyCount: numberOr(0),
  activePlan: z
    .object({ name: optionalText, includedGb: numberOr(0) })
    .nullish()
    .transform((plan) => plan ?? undefined),
});

const ME = "query { me { username diskUsage repoCount sshKeyCount activePlan { name includedGb } } }";

export class Accounts {
  #owner: Promise<Account> | undefined;

  constructor(private readonly client: Client) {}

  /** Needs a token of the level Read Only or Full Access. */
  me(): Promise<Account> {
    return this.client.query({ purpose: "tell the account", field: "me", document: ME, answer: account });
  }

  /** User name of the account, queried once per process. Undefined where the token lacks permission. */
  async owner(): Promise<string | undefined> {
    this.#owner ??= this.me();
    try {
      return (await this.#owner).username;
    } catch (error) {
      if (isKind(error, "permission")) return undefined;
      this.#owner = undefined;
      throw error;
    }
  }
}
