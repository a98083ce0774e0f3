import { z } from "zod";
import { isKind } from "../errors";
import type { Client } from "./client";
import { numberOr, optionalText } from "./responseTypes";

/** The account that the token belongs to. Sizes in MB (unit: a public ops script; the API documents none). */
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
  #me: Promise<Account> | undefined;

  constructor(private readonly client: Client) {}

  /** Needs Read Only or Full Access: a Create Only token is refused. */
  me(): Promise<Account> {
    return this.client.query({ purpose: "tell the account", field: "me", document: ME, answer: account });
  }

  /** Whose account it is, asked once per process; undefined where the token may not ask. */
  async owner(): Promise<string | undefined> {
    this.#me ??= this.me();
    try {
      return (await this.#me).username;
    } catch (error) {
      if (isKind(error, "permission")) return undefined;
      this.#me = undefined;
      throw error;
    }
  }
}
