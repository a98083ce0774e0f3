import { z } from "zod";
import { isoTime } from "../../../clock";
import { adminOnly, signedIn } from "../../auth/signedIn";
import { refusal } from "../../errors";
import { field, idParam, readBody } from "../../input";
import { type Call, router } from "../../router";
import { typeOfPublicKey } from "../../ssh/keys";
import { basics, connectionsOf, counts, keyOf, tested, times } from "./shapes";

const keyInput = z.object({
  name: field.text(),
  description: field.text().nullish(),
  key_type: field.text().default("rsa"),
  public_key: field.text(),
  private_key: field.text(),
});

const keyChange = z.object({
  name: field.text().nullish(),
  description: field.text().nullish(),
  is_active: field.boolean().nullish(),
});

const list = (c: Call) => {
  const { context } = c.var;
  const ssh_keys = context.store.keys.all().map((key) => ({
    ...basics(key),
    fingerprint: key.fingerprint,
    is_system_key: key.is_system_key,
    ...times(key),
    ...counts(context, key),
  }));
  return c.json({ success: true, ssh_keys });
};

/** Stores given key material. `key_type` and the private key are not compared with the public key. */
const create = async (c: Call) => {
  const { store, clock } = c.var.context;
  const input = await readBody(c, keyInput);
  if (store.keys.find(({ name }) => name === input.name)) throw refusal(400, "ssh.keyNameAlreadyExists");
  if (!typeOfPublicKey(input.public_key)) throw refusal(400, "ssh.invalidPublicKeyFormat");
  if (input.private_key === "") throw refusal(500, "ssh.failedCreateSshKey", { error: "the private key is empty" });
  const now = isoTime(clock.now());
  const key = store.keys.insert({
    ...input,
    description: input.description ?? null,
    fingerprint: null,
    is_system_key: false,
    is_active: true,
    created_at: now,
    updated_at: now,
  });
  return c.json({ success: true, message: "backend.success.ssh.sshKeyCreated", ssh_key: basics(key) });
};

/** Keys that the server holds. This list is the only one with both forms of its path. */
export const keys = router()
  .get("/api/ssh-keys", signedIn, list)
  .get("/api/ssh-keys/", signedIn, list)
  .post("/api/ssh-keys", adminOnly("ssh"), create)
  .post("/api/ssh-keys/", adminOnly("ssh"), create)
  .get("/api/ssh-keys/:key_id", signedIn, (c) => {
    const { context } = c.var;
    const key = keyOf(context, idParam(c, "key_id"));
    const connections = connectionsOf(context, key).map(tested);
    return c.json({ success: true, ssh_key: { ...basics(key), ...times(key), connections } });
  })
  .put("/api/ssh-keys/:key_id", adminOnly("ssh"), async (c) => {
    const { context } = c.var;
    const id = idParam(c, "key_id");
    const { name, description, is_active } = await readBody(c, keyChange);
    const key = keyOf(context, id);
    if (typeof name === "string") {
      const taken = context.store.keys.find((other) => other.name === name && other.id !== key.id);
      if (taken) throw refusal(400, "ssh.keyNameAlreadyExists");
      key.name = name;
    }
    key.description = description ?? key.description;
    key.is_active = is_active ?? key.is_active;
    key.updated_at = isoTime(context.clock.now());
    context.store.keys.save(key);
    const ssh_key = { ...basics(key), ...times(key) };
    return c.json({ success: true, message: "backend.success.ssh.sshKeyUpdated", ssh_key });
  })
  /** No guard: connections stay without a key, as failed. The key stays on the hosts. */
  .delete("/api/ssh-keys/:key_id", adminOnly("ssh"), (c) => {
    const { context } = c.var;
    const key = keyOf(context, idParam(c, "key_id"));
    for (const connection of connectionsOf(context, key)) {
      connection.ssh_key_id = null;
      connection.status = "failed";
      connection.error_message = `The key '${key.name}' of this connection was deleted.`;
      context.store.connections.save(connection);
    }
    context.store.keys.delete(key.id);
    return c.json({ success: true, message: "backend.success.ssh.sshKeyDeleted" });
  });
