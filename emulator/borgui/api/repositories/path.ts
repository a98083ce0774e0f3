import { posix, resolve } from "node:path";
import type { Context } from "../../context";
import { refusal } from "../../errors";
import type { Connection } from "../../store/rows";

/** The connection of a repository. @throws 404 */
export function placeOf({ store }: Context, connectionId: number): Connection {
  const connection = store.connections.get(connectionId);
  if (!connection) throw refusal(404, "repo.sshConnectionNotFound", { id: connectionId });
  return connection;
}

/**
 * The stored address of a repository: an absolute path, or `ssh://USER@HOST:PORT/PATH`. A relative remote path becomes
 * absolute; `/./x` stays relative to the home folder. Later changes of the connection do not reach it.
 */
export function addressOf(context: Context, path: string, connection: Connection | null): string {
  const given = path.trim();
  if (connection === null) {
    if (given.startsWith("ssh://")) throw refusal(400, "repo.sshUrlWithoutConnectionId");
    return resolve(context.folder, given);
  }
  const { username, host, port, ssh_path_prefix } = connection;
  const remote = withPrefix(pathOfUrl(given), ssh_path_prefix);
  return `ssh://${username}@${host}:${port}/${remote.replace(/^\/+/, "")}`;
}

function pathOfUrl(address: string): string {
  return /^ssh:\/\/[^/]+(\/.*)$/.exec(address)?.[1] ?? address;
}

/** Some servers need another path in a shell than over SFTP. */
function withPrefix(path: string, prefix: string | null): string {
  if (!prefix?.trim()) return path;
  const absolute = path.startsWith("/") ? path : `/${path}`;
  if (absolute.startsWith("/./")) return absolute;
  const [wanted, base] = [posix.normalize(absolute), posix.normalize(`/${prefix.trim()}`)];
  return wanted === base || wanted.startsWith(`${base}/`) ? wanted : posix.join(base, wanted);
}
