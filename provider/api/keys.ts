import { z } from "zod";
import { isKind, messageOf, ProviderError } from "../errors";
import type { PendingCreates } from "../pendingCreates";
import { Collection } from "../remote/collection";
import type { CreateOutcome, ReasonToKeep } from "../remote/createRecovery";
import { id, numberOr, optionalText } from "../remote/readers";
import type { Client } from "./client";
import { deleted } from "./responseTypes";

/** A registered SSH key in the form of the API. `keyData` is algorithm and base64 body, without a comment. */
export type Key = z.output<typeof key>;

const key = z.object({
  id,
  name: z.string(),
  keyData: z.string().min(1),
  keyType: z.string(),
  bits: numberOr(0),
  comment: z
    .string()
    .nullish()
    .transform((text) => text ?? ""),
  hashMd5: z.string(),
  hashSha256: z.string(),
  addedAt: optionalText,
  lastUsedAt: optionalText,
});

const FIELDS = "id name keyData keyType bits comment hashMd5 hashSha256 addedAt lastUsedAt";
const LIST = `query { sshList { ${FIELDS} } }`;
// `String!`, as older servers declare the arguments as required.
const ADD = `mutation ($name: String!, $keyData: String!) { sshAdd(name: $name, keyData: $keyData) { keyAdded { ${FIELDS} } } }`;
const removal = (type: string) => `mutation ($id: ${type}!) { sshDelete(id: $id) { ok } }`;

const created = z.object({ keyAdded: key });
const asAnswer = (found: Key | undefined) => found && { keyAdded: found };

export class Keys extends Collection<Key> {
  /** GraphQL type of an id: String since 2023, Int before. The first deletion shows which one the server declares. */
  #idType: "String" | "Int" = "String";

  constructor(
    private readonly client: Client,
    pendingCreates?: PendingCreates,
  ) {
    const list = { purpose: "list the SSH keys", field: "sshList", document: LIST, answer: z.array(key) };
    super("SshKey", () => client.query(list), pendingCreates);
  }

  /** Read from the list, as the API has no query for a single key. */
  async getUncached(id: string): Promise<Key | undefined> {
    return (await this.refetchCoalesced()).find((item) => item.id === id);
  }

  /**
   * @param origin resource that the key is for
   * @param reasonToKeep consulted before an orphan of an interrupted run is deleted
   */
  create(name: string, keyData: string, origin?: string, reasonToKeep?: ReasonToKeep): Promise<CreateOutcome<Key>> {
    return this.recovery.run({
      origin,
      name,
      args: { name, keyData },
      matches: (item, args) => item.name === args.name && sameBody(item.keyData, args.keyData),
      isUnused: () => true,
      isAdoptable: (item) => item.name === name && sameBody(item.keyData, keyData),
      reasonToKeep,
      discard: (item) => this.delete(item.id),
      send: async (find) => {
        const answer = await this.client.create(
          {
            purpose: `add the SSH key "${name}"`,
            field: "sshAdd",
            document: ADD,
            variables: { name, keyData },
            answer: created,
          },
          async () => asAnswer(await find()),
        );
        return answer.keyAdded;
      },
    });
  }

  protected async remove(id: string): Promise<void> {
    const declared = this.#idType;
    try {
      await this.#removeAs(declared, id);
    } catch (error) {
      const other = declared === "String" ? "Int" : "String";
      // A server with the other type refuses the document before execution.
      if (!isKind(error, "remote") || !new RegExp(`\\b${other}\\b`).test(messageOf(error))) throw error;
      await this.#removeAs(other, id);
      this.#idType = other;
    }
  }

  async #removeAs(type: "String" | "Int", id: string): Promise<void> {
    if (type === "Int" && !/^\d+$/.test(id)) {
      throw new ProviderError("notFound", `BorgBase has no SSH key ${id}: its key ids are numbers.`);
    }
    await this.client.mutate({
      purpose: `delete the SSH key ${id}`,
      field: "sshDelete",
      document: removal(type),
      variables: { id: type === "Int" ? Number(id) : id },
      answer: deleted,
    });
  }
}

/** Compares algorithm and body; comment and blanks mean nothing. */
function sameBody(a: string, b: string): boolean {
  const body = (line: string) => line.trim().split(/\s+/).slice(0, 2).join(" ");
  return body(a) === body(b);
}
