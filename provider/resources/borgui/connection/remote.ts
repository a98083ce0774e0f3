import type { ConnectionEdit, ServerConnection } from "../../../borgui";
import type { ConnectionInputs, ConnectionState } from "../../../schema/borgui/connection";
import type { OfServer } from "../sameServer";

/** Settings that the server does not store. */
type Local = Pick<ConnectionInputs, "hostKey" | "trustAnyHostKey" | "onFailed"> & OfServer;

export function toState(
  row: ServerConnection,
  { hostKey, trustAnyHostKey, onFailed, __server }: Partial<Local>,
): ConnectionState {
  return {
    host: row.host,
    port: row.port,
    username: row.username,
    ...(row.ssh_key_id !== undefined && { keyId: row.ssh_key_id }),
    ...(row.default_path !== undefined && { defaultPath: row.default_path }),
    ...(row.ssh_path_prefix !== undefined && { sshPathPrefix: row.ssh_path_prefix }),
    ...(row.mount_point !== undefined && { mountPoint: row.mount_point }),
    useSftpMode: row.use_sftp_mode,
    useSudo: row.use_sudo,
    ...(hostKey !== undefined && { hostKey }),
    ...(trustAnyHostKey !== undefined && { trustAnyHostKey }),
    ...(onFailed !== undefined && { onFailed }),
    ...(__server !== undefined && { __server }),
  };
}

const EDITABLE = {
  defaultPath: "default_path",
  sshPathPrefix: "ssh_path_prefix",
  mountPoint: "mount_point",
  useSftpMode: "use_sftp_mode",
  useSudo: "use_sudo",
} as const;

/** The edit of the named arguments; undefined where none of them can be edited. */
export function toEdit(inputs: ConnectionInputs, names: readonly string[]): ConnectionEdit | undefined {
  const changed = Object.entries(EDITABLE).filter(([name]) => names.includes(name));
  if (changed.length === 0) return undefined;
  return Object.fromEntries(changed.map(([name, field]) => [field, inputs[name as keyof typeof EDITABLE]]));
}
