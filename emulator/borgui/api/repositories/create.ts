import { mkdir } from "node:fs/promises";
import { isoTime } from "../../../clock";
import { adminOnly } from "../../auth/signedIn";
import type { Context } from "../../context";
import { refusal } from "../../errors";
import { readBody } from "../../input";
import { requireFeature } from "../../licence";
import { router } from "../../router";
import type { Repository } from "../../store/rows";
import { privateKeyOf } from "./access";
import { type CreateInput, createInput, type ImportInput } from "./input";
import { addressOf, placeOf } from "./path";
import { basics } from "./shapes";
import { toLocations } from "./sources";

const MODES = new Set(["repokey", "keyfile", "repokey-blake2", "keyfile-blake2", "none"]);

export const create = router().post("/api/repositories/", adminOnly("repo"), async (c) => {
  const { context } = c.var;
  const input = await readBody(c, createInput);
  const { encryption, passphrase } = input;
  checkFeatures(context, input);
  if (!MODES.has(encryption)) throw refusal(400, "repo.invalidEncryptionMode");
  if (encryption !== "none" && !passphrase?.trim()) {
    throw refusal(400, "repo.encryptedPassphraseRequired", { mode: encryption });
  }
  const connection = input.connection_id ? placeOf(context, input.connection_id) : null;
  const path = addressOf(context, input.path, connection);
  refuseTaken(context, input.name, path);
  if (!connection) await makeFolder(path);
  const remotePath = input.remote_path ? ["--remote-path", input.remote_path] : [];
  const result = await context.borg.run(["init", "--encryption", encryption, ...remotePath, path], {
    passphrase: passphrase ?? null,
    privateKey: privateKeyOf(context, connection),
    pinned: connection?.known_host_key ?? null,
  });
  // A repository that lies there already is taken as it is: neither passphrase nor encryption is compared.
  const alreadyExisted = result.code !== 0 && /repository already exists/i.test(result.stderr);
  if (result.code !== 0 && !alreadyExisted) {
    const error = result.stderr.trim() || result.stdout.trim() || `borg ended with ${result.code}`;
    throw refusal(500, "repo.failedToInitializeRepository", { error });
  }
  await c.var.crashPoint();
  const row = insert(context, input, path, encryption, encryption.startsWith("keyfile"));
  return c.json({
    success: true,
    message: `backend.success.repo.${alreadyExisted ? "repositoryAlreadyExists" : "repositoryCreated"}`,
    already_existed: alreadyExisted,
    repository: { ...basics(row), upload_ratelimit_kib: row.upload_ratelimit_kib },
  });
});

/** @throws 403 or 422 for what the emulator's borg 1 on the server's own disk or over SSH does not cover. */
export function checkFeatures(context: Context, input: CreateInput | ImportInput): void {
  if (input.upload_ratelimit_kib != null && input.upload_ratelimit_kib <= 0)
    throw refusal(422, "repo.invalidUploadLimit");
  if (input.storage_backend === "rclone") requireFeature(context, "rclone");
  if (input.execution_target === "agent") requireFeature(context, "managed_agents");
  if (input.borg_version === 2) requireFeature(context, "borg_v2");
}

/** @throws 400 */
export function refuseTaken({ store }: Context, name: string, path: string): void {
  if (store.repositories.find((row) => row.name === name)) throw refusal(400, "repo.repositoryNameExists");
  if (store.repositories.find((row) => row.path === path)) throw refusal(400, "repo.repositoryPathExists");
}

async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EACCES" || code === "EPERM") throw refusal(400, "repo.permissionDeniedCreateDirectory", { path });
    throw refusal(500, "repo.failedToCreateRepository");
  }
}

/** Adds the row. @throws 500 when a parallel request was faster. */
export function insert(
  { store, clock }: Context,
  input: CreateInput | ImportInput,
  path: string,
  encryption: string,
  hasKeyfile: boolean,
): Repository {
  const taken = store.repositories.find((row) => row.name === input.name || row.path === path);
  if (taken) throw refusal(500, "repo.failedToCreateRepository");
  const now = isoTime(clock.now());
  return store.repositories.insert({
    name: input.name,
    path,
    encryption,
    compression: input.compression,
    passphrase: input.passphrase ?? null,
    has_keyfile: hasKeyfile,
    connection_id: input.connection_id || null,
    repository_type: "local",
    execution_target: input.connection_id ? "ssh" : "local",
    source_locations: toLocations(
      { ...input, connectionId: input.source_connection_id },
      "repo.sourceConnectionRequired",
    ),
    exclude_patterns: input.exclude_patterns ?? [],
    remote_path: input.remote_path ?? null,
    pre_backup_script: input.pre_backup_script ?? null,
    post_backup_script: input.post_backup_script ?? null,
    hook_timeout: input.hook_timeout,
    pre_hook_timeout: input.pre_hook_timeout,
    post_hook_timeout: input.post_hook_timeout,
    continue_on_hook_failure: input.continue_on_hook_failure,
    skip_on_hook_failure: input.skip_on_hook_failure,
    mode: input.mode,
    bypass_lock: input.bypass_lock,
    custom_flags: input.custom_flags ?? null,
    upload_ratelimit_kib: input.upload_ratelimit_kib ?? null,
    archive_count: 0,
    total_size: null,
    last_backup: null,
    last_check: null,
    last_compact: null,
    check: {
      cron_expression: null,
      enabled: false,
      timezone: null,
      max_duration: 3600,
      extra_flags: null,
      next: null,
      notify_on_success: false,
      notify_on_failure: true,
    },
    created_at: now,
    updated_at: now,
  });
}
