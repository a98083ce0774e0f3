import { z } from "zod";
import type { PendingCreates } from "../pendingCreates";
import type { CreateOutcome } from "../remote/createRecovery";
import { flag, id, numberOr, optionalText } from "../remote/readers";
import type { Client } from "./client";
import { done } from "./readers";
import { Rows } from "./rows";

/** A key pair that the server holds. No call returns its private half. */
export type ServerKey = z.output<typeof key>;

const key = z.object({
  id,
  name: z.string(),
  description: optionalText,
  key_type: z.string(),
  public_key: z.string().transform((line) => line.trim()),
  /** Null unless the server has generated or imported the key. */
  fingerprint: optionalText,
  is_system_key: flag,
  connection_count: numberOr(0),
  active_connections: numberOr(0),
});

const list = z.object({ ssh_keys: z.array(key) }).transform(({ ssh_keys }) => ssh_keys);
const made = z.object({ ssh_key: z.object({ id }) }).transform(({ ssh_key }) => ssh_key.id);
const edited = z.object({ success: z.literal(true).nullish() });

/** Arguments of a create, by the names of the API. */
export type NewKey =
  | { how: "generate"; name: string; description?: string; key_type: string }
  | { how: "import"; name: string; description?: string; private_key_path: string; public_key_path?: string }
  | { how: "add"; name: string; description?: string; key_type: string; public_key: string; private_key: string };

export type KeyEdit = { name?: string; description?: string };

/** The keys of both kinds: the server's own one, and those that people have added. */
export class ServerKeys extends Rows<ServerKey> {
  constructor(
    type: string,
    private readonly client: Client,
    isOwn: (key: ServerKey) => boolean,
    pendingCreates?: PendingCreates,
  ) {
    super(
      type,
      async () => {
        const call = { purpose: "list the SSH keys", path: "/api/ssh-keys", answer: list };
        return (await client.read(call)).filter(isOwn);
      },
      pendingCreates,
    );
  }

  /** Read from the list, which alone tells the kind of a key. */
  getUncached(id: string): Promise<ServerKey | undefined> {
    return this.findListed(id);
  }

  /**
   * @param matches whether a key is what these arguments ask for
   * @param assertFree throws where a key that is there already is in the way
   * @param origin resource that the key is for
   */
  create(
    args: NewKey,
    matches: (item: ServerKey) => boolean,
    assertFree: (all: ServerKey[]) => void,
    origin?: string,
  ): Promise<CreateOutcome<ServerKey>> {
    const { name } = args;
    return this.createRow({
      origin,
      name,
      matches,
      assertFree,
      send: async (find) => {
        const { how, ...body } = args;
        const created = await this.client.create(
          {
            purpose: `${VERBS[how]} "${name}"`,
            method: "POST",
            path: how === "add" ? "/api/ssh-keys" : `/api/ssh-keys/${how}`,
            body,
            answer: made,
          },
          async () => (await find())?.id,
        );
        return this.readBack(created, `the SSH key "${name}"`);
      },
    });
  }

  async update(id: string, changes: KeyEdit): Promise<ServerKey> {
    await this.client.change({
      purpose: `change the SSH key ${id}`,
      method: "PUT",
      path: `/api/ssh-keys/${id}`,
      body: changes,
      answer: edited,
    });
    return this.readBack(id, `the SSH key "${changes.name ?? id}"`);
  }

  protected remove(id: string) {
    return this.client.change({
      purpose: `delete the SSH key ${id}`,
      method: "DELETE",
      path: `/api/ssh-keys/${id}`,
      answer: done,
    });
  }
}

const VERBS = {
  generate: "generate its system key",
  import: "import its system key",
  add: "add the SSH key",
} as const;
