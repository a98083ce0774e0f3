import { z } from "zod";
import { isoTime } from "../../../clock";
import { adminOnly } from "../../auth/signedIn";
import { refusal } from "../../errors";
import { field, readBody } from "../../input";
import { router } from "../../router";
import { deployKey } from "../../ssh/deploy";
import { generateKey, KEY_TYPES } from "../../ssh/keys";
import { failureText } from "../../ssh/login";
import { hostInput } from "./host";

const setupInput = z.object({
  name: field.text(),
  key_type: field.text().default("rsa"),
  description: field.text().nullish(),
  host: hostInput.nullish(),
  username: field.text().nullish(),
  port: field.integer().default(22),
  password: field.text().nullish(),
  skip_deployment: field.boolean().default(false),
  use_sftp_mode: field.boolean().default(true),
});

/** A new key of its own, deployed to one host. The answer has no id of the connection. */
export const quickSetup = router().post("/api/ssh-keys/quick-setup", adminOnly("ssh"), async (c) => {
  const { context } = c.var;
  const { store, clock } = context;
  const { name, host, username, port, password, use_sftp_mode, ...input } = await readBody(c, setupInput);
  const type = KEY_TYPES.find((known) => known === input.key_type);
  if (!type) throw refusal(500, "ssh.failedGenerateKey", { error: `unknown key type ${input.key_type}` });
  const { publicKey, privateKey } = await generateKey(type);
  if (store.keys.find((key) => key.name === name)) {
    // The real error holds the statement with a part of the encrypted key.
    const error = `UNIQUE constraint failed: ssh_keys.name\n[SQL: INSERT INTO ssh_keys (name, private_key) VALUES (?, ?)]\n[parameters: ('${name}', 'gAAAAAB…')]`;
    throw refusal(500, "ssh.quickSshSetupFailed", { error });
  }
  const now = isoTime(clock.now());
  const key = store.keys.insert({
    name,
    description: input.description ?? null,
    key_type: type,
    public_key: publicKey,
    private_key: privateKey,
    fingerprint: null,
    is_system_key: false,
    is_active: true,
    created_at: now,
    updated_at: now,
  });
  const ssh_key = { id: key.id, name, key_type: type, public_key: publicKey };
  if (input.skip_deployment || !host || !username || !password) {
    return c.json({ success: true, message: "backend.success.ssh.sshKeyGeneratedDeploymentSkipped", ssh_key });
  }
  const target = { host, username, port };
  const failure = await deployKey(context, target, key, password, use_sftp_mode);
  const error_message = failure && failureText(target, failure);
  const tested = isoTime(clock.now());
  store.connections.insert({
    ssh_key_id: key.id,
    ...target,
    // The row of a failure forgets the mode.
    use_sftp_mode: failure ? true : use_sftp_mode,
    use_sudo: false,
    default_path: null,
    ssh_path_prefix: null,
    mount_point: null,
    status: failure ? "failed" : "connected",
    last_test: tested,
    last_success: failure ? null : tested,
    error_message,
    storage: null,
    known_host_key: null,
    shell_restricted: false,
    created_at: tested,
  });
  if (failure) throw refusal(500, "ssh.keyGeneratedButDeployFailed", { error: error_message });
  const message = "backend.success.ssh.sshKeyGeneratedAndDeployed";
  return c.json({ success: true, message, ssh_key, connection: { ...target, status: "connected" } });
});
