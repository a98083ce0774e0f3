import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { z } from "zod";
import { isoTime } from "../../../clock";
import { adminOnly, signedIn } from "../../auth/signedIn";
import type { Context } from "../../context";
import { refusal } from "../../errors";
import { field, readBody } from "../../input";
import { router } from "../../router";
import { fingerprint, generateKey, KEY_TYPES, typeOfPublicKey } from "../../ssh/keys";
import type { Key } from "../../store/rows";
import { basics, counts, systemKeyOf, times } from "./shapes";

const generateInput = z.object({
  name: field.text(),
  key_type: field.text().default("rsa"),
  description: field.text().nullish(),
});

const importInput = z.object({
  name: field.text(),
  private_key_path: field.text(),
  public_key_path: field.text().nullish(),
  description: field.text().nullish(),
});

/** The key that the server logs in with. "Only one" is a check, so parallel requests create several. */
export const systemKey = router()
  .get("/api/ssh-keys/system-key", signedIn, (c) => {
    const { context } = c.var;
    const key = systemKeyOf(context);
    if (!key) return c.json({ success: true, exists: false, ssh_key: null });
    const ssh_key = { ...basics(key), fingerprint: key.fingerprint, ...times(key), ...counts(context, key) };
    return c.json({ success: true, exists: true, ssh_key });
  })
  .post("/api/ssh-keys/generate", adminOnly("ssh"), async (c) => {
    const { context } = c.var;
    const { name, key_type, description } = await readBody(c, generateInput);
    refuseSecond(context);
    const type = KEY_TYPES.find((known) => known === key_type);
    if (!type) throw refusal(400, "ssh.invalidKeyType", { types: "rsa, ed25519, ecdsa" });
    const { publicKey, privateKey } = await generateKey(type);
    const key = insert(context, {
      name: name || "System SSH Key",
      description: description || "System key of this server",
      key_type: type,
      public_key: publicKey,
      private_key: privateKey,
    });
    return c.json({ success: true, message: "backend.success.ssh.systemKeyGenerated", ssh_key: created(key) });
  })
  .post("/api/ssh-keys/import", adminOnly("ssh"), async (c) => {
    const { context } = c.var;
    const { name, private_key_path, public_key_path, description } = await readBody(c, importInput);
    refuseSecond(context);
    if (context.store.keys.find((key) => key.name === name)) throw refusal(400, "ssh.keyNameAlreadyExists");
    const privateKey = await readServerFile(private_key_path, "privateKey");
    // The first line is all that is checked: an encrypted or truncated key passes.
    if (!privateKey.trim().startsWith("-----BEGIN")) throw refusal(400, "ssh.invalidPrivateKeyFormat");
    const publicKey = (await readServerFile(public_key_path || `${private_key_path}.pub`, "publicKey")).trim();
    const key_type = typeOfPublicKey(publicKey);
    if (!key_type) throw refusal(400, "ssh.invalidPublicKeyFormat");
    const key = insert(context, {
      name,
      description: description || `Key from ${private_key_path}`,
      key_type,
      public_key: publicKey,
      private_key: privateKey,
    });
    return c.json({ success: true, message: "backend.success.ssh.systemKeyImported", ssh_key: created(key) });
  });

function refuseSecond(context: Context): void {
  if (systemKeyOf(context)) throw refusal(400, "ssh.systemKeyAlreadyExists");
}

type NewKey = Pick<Key, "name" | "description" | "key_type" | "public_key" | "private_key">;

function insert({ store, clock }: Context, key: NewKey): Key {
  const now = isoTime(clock.now());
  return store.keys.insert({
    ...key,
    fingerprint: fingerprint(key.public_key),
    is_system_key: true,
    is_active: true,
    created_at: now,
    updated_at: now,
  });
}

function created(key: Key) {
  return { ...basics(key), fingerprint: key.fingerprint, is_system_key: key.is_system_key };
}

/** Reads a path of the server's own disk. */
async function readServerFile(path: string, name: "privateKey" | "publicKey"): Promise<string> {
  if (!existsSync(path)) throw refusal(404, `ssh.${name}FileNotFound`, { path });
  return readFile(path, "utf8").catch((error: Error) => {
    throw refusal(500, name === "privateKey" ? "ssh.failedReadPrivateKey" : "ssh.failedReadPublicKey", {
      error: error.message,
    });
  });
}
