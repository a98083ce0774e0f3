import type { z } from "zod";
import { isoTime } from "../../../clock";
import { adminOnly } from "../../auth/signedIn";
import type { Context } from "../../context";
import { refusal } from "../../errors";
import { idParam, readBody } from "../../input";
import { router } from "../../router";
import type { Repository } from "../../store/rows";
import { accessOf, readOptions, repositoryOf } from "./access";
import { changeInput } from "./input";
import { addressOf, placeOf } from "./path";
import { olderFields, toLocations } from "./sources";

type Changes = z.infer<typeof changeInput>;

/** Fields that keep their value for null. */
const PLAIN = [
  "compression",
  "remote_path",
  "pre_backup_script",
  "post_backup_script",
  "hook_timeout",
  "pre_hook_timeout",
  "post_hook_timeout",
  "continue_on_hook_failure",
  "skip_on_hook_failure",
  "mode",
  "bypass_lock",
  "custom_flags",
] as const;

/** Changes a repository. `passphrase` and `encryption` are ignored without a word, and `mode` is not checked. */
export const change = router().put("/api/repositories/:repo_id", adminOnly("repo"), async (c) => {
  const { context } = c.var;
  const id = idParam(c, "repo_id");
  const changes = await readBody(c, changeInput);
  const row = { ...repositoryOf(context, id) };
  if (changes.upload_ratelimit_kib != null && changes.upload_ratelimit_kib <= 0)
    throw refusal(422, "repo.invalidUploadLimit");
  if (typeof changes.name === "string") {
    const { name } = changes;
    const taken = context.store.repositories.find((other) => other.name === name && other.id !== id);
    if (taken) throw refusal(400, "repo.repositoryNameExists");
    row.name = name;
  }
  await changePlace(context, row, changes);
  const given = PLAIN.filter((name) => changes[name] !== null && changes[name] !== undefined);
  Object.assign(row, Object.fromEntries(given.map((name) => [name, changes[name]])));
  changeSources(row, changes);
  if (changes.exclude_patterns != null) row.exclude_patterns = changes.exclude_patterns;
  // The only field that null clears.
  if (changes.upload_ratelimit_kib !== undefined) row.upload_ratelimit_kib = changes.upload_ratelimit_kib;
  row.updated_at = isoTime(context.clock.now());
  context.store.repositories.save(row);
  return c.json({ success: true, message: "backend.success.repo.repositoryUpdated" });
});

/** A new address starts a new repository there, unless one exists. The old one stays on its disk. */
async function changePlace(context: Context, row: Repository, changes: Changes): Promise<void> {
  const { path, connection_id } = changes;
  if (connection_id !== undefined) {
    row.connection_id = connection_id || null;
    row.repository_type = connection_id ? "ssh" : "local";
    row.execution_target = connection_id ? "ssh" : "local";
  }
  if (path == null && connection_id === undefined) return;
  const given = path?.trim() ?? row.path;
  const address = row.connection_id === null ? given : addressOf(context, given, placeOf(context, row.connection_id));
  const taken = context.store.repositories.find((other) => other.path === address && other.id !== row.id);
  if (taken) throw refusal(400, "repo.repositoryPathExists");
  if (address === row.path) return;
  row.path = address;
  const access = accessOf(context, row);
  const known = await context.borg.run(["info", ...readOptions(row), address, "--json"], access);
  if (known.code === 0) return;
  const result = await context.borg.run(["init", "--encryption", row.encryption, address], access);
  if (result.code === 0) return;
  throw refusal(500, "repo.failedToInitializeRepository", { error: result.stderr.trim() });
}

function changeSources(row: Repository, changes: Changes): void {
  const { source_locations, source_directories, source_connection_id } = changes;
  if ([source_locations, source_directories, source_connection_id].every((value) => value === undefined)) return;
  const present = olderFields(row.source_locations);
  row.source_locations = toLocations(
    {
      source_locations,
      source_directories:
        source_directories === undefined && !source_locations ? present.source_directories : source_directories,
      connectionId: source_connection_id === undefined ? present.source_ssh_connection_id : source_connection_id,
    },
    "repo.sourceConnectionRequired",
  );
}
