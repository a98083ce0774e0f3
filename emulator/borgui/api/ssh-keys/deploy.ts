import { z } from "zod";
import { isoTime } from "../../../clock";
import { adminOnly, signedIn } from "../../auth/signedIn";
import type { Context } from "../../context";
import { field, idParam, readBody } from "../../input";
import { type Call, router } from "../../router";
import { deployKey } from "../../ssh/deploy";
import type { SshFailure } from "../../ssh/failure";
import { failureText, testLogin } from "../../ssh/login";
import type { Connection } from "../../store/rows";
import { hostInput } from "./host";
import { brief, keyOf } from "./shapes";

/** Any integer is a port, and any text a user name: the login fails later. */
const targetInput = z.object({
  host: hostInput,
  username: field.text(),
  port: field.integer().default(22),
});

const deployInput = targetInput.extend({
  password: field.text(),
  default_path: field.text().nullish(),
  ssh_path_prefix: field.text().nullish(),
  mount_point: field.text().nullish(),
  use_sftp_mode: field.boolean().default(true),
});

/** Contacts with a host. A row is written before the contact, and stays after a failure. */
export const deploy = router()
  .post("/api/ssh-keys/:key_id/deploy", adminOnly("ssh"), async (c) => {
    const { context } = c.var;
    const id = idParam(c, "key_id");
    const { password, ...input } = await readBody(c, deployInput);
    const key = keyOf(context, id);
    const connection = rowFor(context, key.id, input);
    connection.use_sftp_mode = input.use_sftp_mode;
    connection.default_path = input.default_path ?? connection.default_path;
    connection.ssh_path_prefix = input.ssh_path_prefix ?? connection.ssh_path_prefix;
    connection.mount_point = input.mount_point ?? connection.mount_point;
    const failure = await contact(c, connection, () => deployKey(context, input, key, password, input.use_sftp_mode));
    const message = `backend.success.ssh.${failure ? "sshKeyDeployFailed" : "sshKeyDeployed"}`;
    return c.json({ success: failure === null, message, connection: brief(connection) });
  })
  .post("/api/ssh-keys/:key_id/test-connection", signedIn, async (c) => {
    const { context } = c.var;
    const id = idParam(c, "key_id");
    const target = await readBody(c, targetInput);
    const key = keyOf(context, id);
    const connection = rowFor(context, key.id, target);
    const failure = await contact(c, connection, () => testLogin(context, connection, key.private_key));
    const message = `backend.success.ssh.${failure ? "connectionTestFailed" : "connectionTestSuccess"}`;
    return c.json({ success: failure === null, message, connection: brief(connection) });
  });

/** Contacts the host of a connection between the status `testing` and the outcome. A killed server leaves `testing`. */
export async function contact(
  c: Call,
  connection: Connection,
  work: () => Promise<SshFailure | null>,
): Promise<SshFailure | null> {
  const { store, clock } = c.var.context;
  connection.status = "testing";
  connection.last_test = isoTime(clock.now());
  store.connections.save(connection);
  await store.commit();
  await c.var.crashPoint();
  const failure = await work();
  const now = isoTime(clock.now());
  connection.status = failure ? "failed" : "connected";
  connection.error_message = failure && failureText(connection, failure);
  if (!failure) connection.last_success = now;
  connection.last_test = now;
  // Another request may have deleted the row meanwhile.
  if (store.connections.get(connection.id)) store.connections.save(connection);
  return failure;
}

interface Target {
  host: string;
  username: string;
  port: number;
}

/** The row of a key and target: the present one, or a new one. */
function rowFor({ store, clock }: Context, keyId: number, { host, username, port }: Target): Connection {
  const present = store.connections.find(
    (row) => row.ssh_key_id === keyId && row.host === host && row.username === username && row.port === port,
  );
  return (
    present ??
    store.connections.insert({
      ssh_key_id: keyId,
      host,
      username,
      port,
      use_sftp_mode: true,
      use_sudo: false,
      default_path: null,
      ssh_path_prefix: null,
      mount_point: null,
      status: "unknown",
      last_test: null,
      last_success: null,
      error_message: null,
      storage: null,
      known_host_key: null,
      shell_restricted: false,
      created_at: isoTime(clock.now()),
    })
  );
}
