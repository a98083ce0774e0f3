import { signedIn } from "../../../auth/signedIn";
import { router } from "../../../router";
import { firstFingerprint } from "../../../ssh/hostKeys";
import { storageShape } from "../shapes";

/** The only read of connections: there is no route for one of them. */
export const list = router().get("/api/ssh-keys/connections", signedIn, (c) => {
  const { store, variants } = c.var.context;
  const connections = store.connections.all().map((row) => ({
    id: row.id,
    ssh_key_id: row.ssh_key_id,
    ssh_key_name: store.keys.get(row.ssh_key_id)?.name ?? null,
    host: row.host,
    username: row.username,
    port: row.port,
    use_sftp_mode: row.use_sftp_mode,
    use_sudo: row.use_sudo,
    default_path: row.default_path,
    ssh_path_prefix: row.ssh_path_prefix,
    mount_point: row.mount_point,
    status: row.status,
    last_test: row.last_test,
    last_success: row.last_success,
    error_message: row.error_message,
    storage: row.storage && storageShape(row.storage),
    created_at: row.created_at,
    ...(variants.version === "newer" && {
      shell_restricted: row.shell_restricted,
      host_key_verified: row.known_host_key !== null,
      host_key_fingerprint: firstFingerprint(row.known_host_key),
    }),
  }));
  return c.json({ success: true, connections });
});
