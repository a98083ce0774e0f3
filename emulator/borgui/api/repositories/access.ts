import type { BorgAccess } from "../../borg";
import type { Context } from "../../context";
import { refusal } from "../../errors";
import type { Connection, Repository } from "../../store/rows";

/** @throws 404 */
export function repositoryOf({ store }: Context, id: number): Repository {
  const repository = store.repositories.get(id);
  if (!repository) throw refusal(404, "repo.repositoryNotFound");
  return repository;
}

/** Credentials for borg: the stored passphrase, and the key of the connection. */
export function accessOf(context: Context, { passphrase, path, connection_id }: Repository): BorgAccess {
  if (!path.startsWith("ssh://")) return { passphrase, privateKey: null, pinned: null };
  const { store } = context;
  const connection =
    connection_id === null
      ? store.connections.find((row) => path.startsWith(`ssh://${row.username}@${row.host}:${row.port}/`))
      : store.connections.get(connection_id);
  return {
    passphrase,
    privateKey: privateKeyOf(context, connection ?? null),
    pinned: connection?.known_host_key ?? null,
  };
}

export function privateKeyOf({ store }: Context, connection: Connection | null): string | null {
  return store.keys.get(connection?.ssh_key_id ?? null)?.private_key ?? null;
}

/** The option for a borg of another name on the host, and the one to read past a lock. */
export function readOptions({ remote_path, bypass_lock }: Pick<Repository, "remote_path" | "bypass_lock">): string[] {
  return [...(remote_path ? ["--remote-path", remote_path] : []), ...(bypass_lock ? ["--bypass-lock"] : [])];
}
