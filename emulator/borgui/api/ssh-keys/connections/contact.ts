import { z } from "zod";
import { isoTime } from "../../../../clock";
import { signedIn } from "../../../auth/signedIn";
import { refusal } from "../../../errors";
import { field, idParam, readBody } from "../../../input";
import { router } from "../../../router";
import { deployKey } from "../../../ssh/deploy";
import { diagnose } from "../../../ssh/diagnose";
import { failureText, testLogin } from "../../../ssh/login";
import { readSpace } from "../../../ssh/storage";
import { contact } from "../deploy";
import { hostInput } from "../host";
import { connectionOf, linkedKey, storageShape, systemKeyOf, tested } from "../shapes";

const redeployInput = z.object({ password: field.text() });

const diagnosticsInput = z.object({
  timeout_seconds: field.number().min(1).max(30).default(5),
  speed_probe_bytes: field
    .number()
    .int()
    .min(65_536)
    .max(5 * 1024 * 1024)
    .default(262_144),
  target: z
    .object({
      host: hostInput,
      port: field.number().int().min(1).max(65_535),
      timeout_seconds: field.number().min(0.5).max(15).default(3),
    })
    .nullish(),
});

/** Contacts with the host of a present connection. */
export const contacts = router()
  .post("/api/ssh-keys/connections/:connection_id/test", signedIn, async (c) => {
    const { context } = c.var;
    const connection = connectionOf(context, idParam(c, "connection_id"));
    const key = linkedKey(context, connection);
    const failure = await contact(c, connection, () => testLogin(context, connection, key.private_key));
    return c.json({
      success: failure === null,
      message: `backend.success.ssh.${failure ? "connectionTestFailed" : "connectionTestSuccess"}`,
      status: connection.status,
      error: connection.error_message,
    });
  })
  /** The stored space survives a failure, and the status never changes. */
  .post("/api/ssh-keys/connections/:connection_id/refresh-storage", signedIn, async (c) => {
    const { context } = c.var;
    const connection = connectionOf(context, idParam(c, "connection_id"));
    const key = linkedKey(context, connection);
    const space = await readSpace(context, connection, key.private_key, connection.default_path || "/");
    if (!space) return c.json({ success: false, message: "backend.errors.ssh.failedCollectStorage", storage: null });
    connection.storage = { ...space, last_check: isoTime(context.clock.now()) };
    context.store.connections.save(connection);
    const storage = storageShape(connection.storage);
    return c.json({ success: true, message: "backend.success.ssh.storageRefreshed", storage });
  })
  /** Installs the system key, whatever key the connection had, and links it. */
  .post("/api/ssh-keys/connections/:connection_id/redeploy", signedIn, async (c) => {
    const { context } = c.var;
    const id = idParam(c, "connection_id");
    const { password } = await readBody(c, redeployInput);
    const connection = connectionOf(context, id);
    const key = systemKeyOf(context);
    if (!key) throw refusal(404, "ssh.noSystemKeyFound");
    const failure = await deployKey(context, connection, key, password, connection.use_sftp_mode);
    connection.status = failure ? "failed" : "connected";
    connection.error_message = failure && failureText(connection, failure);
    if (!failure) {
      connection.ssh_key_id = key.id;
      connection.last_success = isoTime(context.clock.now());
    }
    if (context.store.connections.get(id)) context.store.connections.save(connection);
    if (!failure) return c.json({ success: true, message: "backend.success.ssh.sshKeyDeployed" });
    const error = connection.error_message;
    return c.json({ success: false, message: "backend.success.ssh.sshKeyDeployFailed", error });
  })
  .post("/api/ssh-keys/connections/:connection_id/diagnostics", signedIn, async (c) => {
    const { context } = c.var;
    const id = idParam(c, "connection_id");
    const { timeout_seconds, speed_probe_bytes, target } = await readBody(c, diagnosticsInput);
    const connection = connectionOf(context, id);
    const key = linkedKey(context, connection);
    const outcome = await diagnose(context, connection, key.private_key, {
      timeoutMs: timeout_seconds * 1000,
      speedBytes: speed_probe_bytes,
      reach: target ?? null,
    });
    return c.json({ connection: tested(connection), ...outcome });
  });
