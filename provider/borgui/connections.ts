import { z } from "zod";
import { isKind } from "../errors";
import { lazy } from "../lazy";
import type { PendingCreates } from "../pendingCreates";
import type { CreateOutcome } from "../remote/createRecovery";
import { flag, id, optionalText } from "../remote/readers";
import { type Client, SSH_TIMEOUT } from "./client";
import { done } from "./readers";
import { Rows } from "./rows";

/** A host that the server logs in to. Two rows may have one target. */
export type ServerConnection = z.output<typeof connection>;

const storage = z.object({
  total: z.number(),
  used: z.number(),
  available: z.number(),
  percent_used: z.number(),
  total_formatted: optionalText,
  used_formatted: optionalText,
  available_formatted: optionalText,
  last_check: optionalText,
});

const connection = z
  .object({
    id,
    /** Null where the key was deleted. */
    ssh_key_id: id.nullish().transform((key) => key ?? undefined),
    ssh_key_name: optionalText,
    host: z.string(),
    username: z.string(),
    port: z.number(),
    use_sftp_mode: flag,
    use_sudo: flag,
    default_path: optionalText,
    ssh_path_prefix: optionalText,
    mount_point: optionalText,
    /** `testing` for ever, where the server died during a test. */
    status: z.string(),
    last_test: optionalText,
    last_success: optionalText,
    error_message: optionalText,
    storage: storage.nullish().transform((found) => found ?? undefined),
  })
  .transform((row) => ({ ...row, name: targetOf(row) }));

const list = z.object({ connections: z.array(connection) }).transform(({ connections }) => connections);
const made = z.object({ connection: z.object({ id }) }).transform((answer) => answer.connection.id);
const edited = z.object({ success: z.literal(true) });

/** What a login with the row's key has shown. */
export type Access = "shell" | "restricted" | { failed: string };

const diagnosis = z.object({
  session: z.object({ status: z.string(), error: optionalText, message: optionalText }),
});

const hostKeys = z
  .object({ trusted_fingerprint: optionalText, observed_fingerprint: optionalText, observed_key: optionalText })
  .transform(({ trusted_fingerprint: trusted, observed_fingerprint: observed, observed_key: seen }) => ({
    seen,
    isPinned: trusted !== undefined && trusted === observed,
  }));

export interface Target {
  host: string;
  port: number;
  username: string;
}

export interface NewConnection extends Target {
  keyId: string;
  /** Deploys the key with it. Absent: the key is on the host already. */
  password?: string;
  useSftpMode: boolean;
}

/** By the names of the API. An empty text clears; an absent one keeps. */
export interface ConnectionEdit {
  default_path?: string;
  ssh_path_prefix?: string;
  mount_point?: string;
  use_sftp_mode?: boolean;
  use_sudo?: boolean;
}

export class ServerConnections extends Rows<ServerConnection> {
  constructor(
    private readonly client: Client,
    pendingCreates?: PendingCreates,
  ) {
    const call = { purpose: "list the connections", path: "/api/ssh-keys/connections", answer: list };
    super("borgui.Connection", () => client.read(call), pendingCreates);
  }

  /** Read from the list, as the API has no call for one. */
  getUncached(id: string): Promise<ServerConnection | undefined> {
    return this.findListed(id);
  }

  /**
   * Makes the row, whether the host lets the server in or not: {@link access} tells. Creates of one account run one after
   * the other, as parallel deployments lose lines of its `authorized_keys`.
   * @param assertFree throws where a row that is there already is in the way: the server would adopt it in silence
   */
  create(
    args: NewConnection,
    assertFree: (all: ServerConnection[]) => void,
    origin?: string,
  ): Promise<CreateOutcome<ServerConnection>> {
    const name = targetOf(args);
    const matches = (item: ServerConnection) => item.name === name && item.ssh_key_id === args.keyId;
    return this.createRow({
      origin,
      name,
      matches,
      assertFree,
      send: async (find) => {
        const { host, port, username, password, useSftpMode } = args;
        const target = { host, port, username };
        const id = await this.client.create(
          {
            purpose: `make the connection ${name}`,
            method: "POST",
            timeout: SSH_TIMEOUT,
            answer: made,
            ...(password === undefined
              ? { path: `/api/ssh-keys/${args.keyId}/test-connection`, body: target }
              : {
                  path: `/api/ssh-keys/${args.keyId}/deploy`,
                  body: { ...target, password, use_sftp_mode: useSftpMode },
                }),
          },
          async () => (await find())?.id,
        );
        return this.readBack(id, `the connection ${name}`);
      },
    });
  }

  /** Puts the row's key on the host. The row tells whether it worked, and {@link access} whether the key logs in. */
  async deploy(row: ServerConnection, password: string): Promise<ServerConnection> {
    const { host, port, username, use_sftp_mode, ssh_key_id } = row;
    await this.client.change({
      purpose: `deploy the key of the connection ${row.name}`,
      method: "POST",
      path: `/api/ssh-keys/${ssh_key_id}/deploy`,
      body: { host, port, username, use_sftp_mode, password },
      timeout: SSH_TIMEOUT,
      answer: made,
    });
    return this.readBack(row.id, `the connection ${row.name}`);
  }

  /** Whether this version of the server pins host keys. Asked for a row that no server has. */
  readonly pinsHostKeys = lazy(async () => {
    try {
      await this.hostKeys("0");
      return true;
    } catch (error) {
      // A server that knows the call says what is missing; another one knows no such address.
      if (isKind(error, "notFound")) return true;
      if (isKind(error, "answer")) return false;
      throw error;
    }
  });

  /** The keys that the host offers the server now, as lines of `known_hosts`. */
  hostKeys(id: string) {
    return this.client.read({
      purpose: `read the host key of the connection ${id}`,
      path: `/api/ssh-keys/connections/${id}/host-key`,
      timeout: SSH_TIMEOUT,
      answer: hostKeys,
    });
  }

  /** @param key all keys that the host offers: the server compares them with what it reads once more */
  pin(id: string, key: string) {
    return this.client.change({
      purpose: `pin the host key of the connection ${id}`,
      method: "POST",
      path: `/api/ssh-keys/connections/${id}/host-key/trust`,
      body: { key },
      timeout: SSH_TIMEOUT,
      answer: edited,
    });
  }

  async update(id: string, changes: ConnectionEdit): Promise<ServerConnection> {
    await this.client.change({
      purpose: `change the connection ${id}`,
      method: "PUT",
      path: `/api/ssh-keys/connections/${id}`,
      body: changes,
      answer: edited,
    });
    return this.readBack(id, `the connection ${id}`);
  }

  /**
   * What a login at the host shows. Unlike a test, it changes no row, and tells a host that runs no commands from one that
   * refuses the key.
   */
  async access(id: string): Promise<Access> {
    const { session } = await this.client.change({
      purpose: `try the connection ${id}`,
      method: "POST",
      path: `/api/ssh-keys/connections/${id}/diagnostics`,
      body: { timeout_seconds: 30 },
      timeout: SSH_TIMEOUT,
      answer: diagnosis,
    });
    if (session.status === "success") return "shell";
    if (session.error === "ssh_command_failed") return "restricted";
    return { failed: [session.error?.replaceAll("_", " "), session.message].filter(Boolean).join(": ") };
  }

  protected remove(id: string) {
    return this.client.change({
      purpose: `delete the connection ${id}`,
      method: "DELETE",
      path: `/api/ssh-keys/connections/${id}`,
      answer: done,
    });
  }
}

/** `root@nas:22` */
export function targetOf({ username, host, port }: Target): string {
  return `${username}@${host}:${port}`;
}
