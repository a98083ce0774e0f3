import { z } from "zod";
import { field } from "../../input";
import { locationsInput } from "./sources";

/** Settings of a repository that creation, import and change share. */
const settings = {
  source_directories: field.texts().nullish(),
  source_locations: locationsInput.nullish(),
  source_connection_id: field.integer().nullish(),
  exclude_patterns: field.texts().nullish(),
  connection_id: field.integer().nullish(),
  remote_path: field.text().nullish(),
  pre_backup_script: field.text().nullish(),
  post_backup_script: field.text().nullish(),
  custom_flags: field.text().nullish(),
  upload_ratelimit_kib: field.integer().nullish(),
};

const created = {
  ...settings,
  name: field.text(),
  path: field.text(),
  passphrase: field.text().nullish(),
  compression: field.text().default("lz4"),
  hook_timeout: field.integer().nullable().default(300),
  pre_hook_timeout: field.integer().nullable().default(300),
  post_hook_timeout: field.integer().nullable().default(300),
  continue_on_hook_failure: field.boolean().nullable().default(false),
  skip_on_hook_failure: field.boolean().nullable().default(false),
  mode: field.text().default("full"),
  bypass_lock: field.boolean().default(false),
  borg_version: field.integer().nullable().default(1),
  execution_target: field.text().default("local"),
  storage_backend: field.text().default("local"),
};

export const createInput = z.object({ ...created, encryption: field.text().default("repokey") });

export const importInput = z.object({
  ...created,
  encryption: field.text().default("none"),
  keyfile_content: field.text().nullish(),
});

export const changeInput = z.object({
  ...settings,
  name: field.text().nullish(),
  path: field.text().nullish(),
  compression: field.text().nullish(),
  hook_timeout: field.integer().nullish(),
  pre_hook_timeout: field.integer().nullish(),
  post_hook_timeout: field.integer().nullish(),
  continue_on_hook_failure: field.boolean().nullish(),
  skip_on_hook_failure: field.boolean().nullish(),
  mode: field.text().nullish(),
  bypass_lock: field.boolean().nullish(),
});

export type CreateInput = z.infer<typeof createInput>;
export type ImportInput = z.infer<typeof importInput>;
