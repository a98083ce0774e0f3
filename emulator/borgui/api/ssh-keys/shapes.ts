import type { Context } from "../../context";
import { refusal } from "../../errors";
import { inWords } from "../../ssh/storage";
import type { Connection, Key } from "../../store/rows";

/** Fields of a key that every answer with a key has. The private key is in none. */
export function basics({ id, name, description, key_type, public_key, is_active }: Key) {
  return { id, name, description, key_type, public_key, is_active };
}

export function times({ created_at, updated_at }: Key) {
  return { created_at, updated_at };
}

export function connectionsOf({ store }: Context, key: Key): Connection[] {
  return store.connections.all().filter(({ ssh_key_id }) => ssh_key_id === key.id);
}

export function counts(context: Context, key: Key) {
  const connections = connectionsOf(context, key);
  const active = connections.filter(({ status }) => status === "connected");
  return { connection_count: connections.length, active_connections: active.length };
}

/** Several are possible after parallel requests; the lowest id counts. */
export function systemKeyOf({ store }: Context): Key | undefined {
  return store.keys.find(({ is_system_key }) => is_system_key);
}

/** The fields of a connection in answers to changes; not those that were just set. */
export function brief({ id, host, username, port, status, error_message }: Connection) {
  return { id, host, username, port, status, error_message };
}

export function tested(connection: Connection) {
  const { error_message, ...fields } = brief(connection);
  return { ...fields, last_test: connection.last_test, last_success: connection.last_success, error_message };
}

export function storageShape(storage: NonNullable<Connection["storage"]>) {
  const { total, used, available, percent_used, last_check } = storage;
  return {
    total,
    total_formatted: inWords(total),
    used,
    used_formatted: inWords(used),
    available,
    available_formatted: inWords(available),
    percent_used,
    last_check,
  };
}

/** @throws 404 */
export function connectionOf({ store }: Context, id: number): Connection {
  const connection = store.connections.get(id);
  if (!connection) throw refusal(404, "ssh.sshConnectionNotFound");
  return connection;
}

/** @throws 404 */
export function keyOf({ store }: Context, id: number): Key {
  const key = store.keys.get(id);
  if (!key) throw refusal(404, "ssh.sshKeyNotFound");
  return key;
}

/** The key of a connection. A connection without a key gets the present system key, deployed or not. @throws 404 */
export function linkedKey(context: Context, connection: Connection): Key {
  const own = context.store.keys.get(connection.ssh_key_id);
  if (own) return own;
  const systemKey = systemKeyOf(context);
  if (!systemKey) throw refusal(404, "ssh.noSystemKeyFound");
  connection.ssh_key_id = systemKey.id;
  context.store.connections.save(connection);
  return systemKey;
}
