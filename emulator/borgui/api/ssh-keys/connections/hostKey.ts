import { z } from "zod";
import { signedIn } from "../../../auth/signedIn";
import { HttpError, refusal } from "../../../errors";
import { idParam, readBody } from "../../../input";
import { type Call, factory, router } from "../../../router";
import { areSameKeys, compareHostKeys, firstFingerprint, scanHostKeys } from "../../../ssh/hostKeys";
import type { Connection } from "../../../store/rows";
import { connectionOf } from "../shapes";

const trustInput = z.object({ key: z.string().min(1) });

/** These routes exist in newer versions alone. */
const newer = factory.createMiddleware(async (c, next) => {
  if (c.var.context.variants.version === "newer") return next();
  if (c.req.method === "GET") throw new HttpError(404, "Not Found");
  throw new HttpError(405, "Method Not Allowed");
});

const connectionIn = (c: Call) => connectionOf(c.var.context, idParam(c, "connection_id"));

/** The pinned host key of a connection. A pinned key is enforced; without one any key is accepted. */
export const hostKey = router()
  .get("/api/ssh-keys/connections/:connection_id/host-key", newer, signedIn, async (c) => {
    const connection = connectionIn(c);
    return c.json(shape(connection, await scanHostKeys(connection)));
  })
  /** Pins the keys that the caller has confirmed, if the host still shows the same. */
  .post("/api/ssh-keys/connections/:connection_id/host-key/trust", newer, signedIn, async (c) => {
    const { key } = await readBody(c, trustInput);
    const connection = connectionIn(c);
    const observed = await scanHostKeys(connection);
    if (observed === null) throw refusal(502, "ssh.failedReadHostKey", { error: "the host shows no key" });
    if (!areSameKeys(key, observed)) throw refusal(409, "ssh.hostKeyChangedWhileConfirming");
    connection.known_host_key = observed;
    c.var.context.store.connections.save(connection);
    return c.json({ success: true, message: "backend.success.ssh.hostKeyTrusted", ...shape(connection, observed) });
  })
  .delete("/api/ssh-keys/connections/:connection_id/host-key", newer, signedIn, (c) => {
    const connection = connectionIn(c);
    connection.known_host_key = null;
    c.var.context.store.connections.save(connection);
    const message = "backend.success.ssh.hostKeyForgotten";
    return c.json({ success: true, message, connection_id: connection.id, status: "unknown" });
  });

function shape({ id, host, port, known_host_key }: Connection, observed: string | null) {
  return {
    connection_id: id,
    host,
    port,
    status: compareHostKeys(known_host_key, observed),
    trusted_fingerprint: firstFingerprint(known_host_key),
    observed_fingerprint: firstFingerprint(observed),
    observed_key: observed,
  };
}
