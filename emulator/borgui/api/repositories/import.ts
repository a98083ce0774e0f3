import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { adminOnly } from "../../auth/signedIn";
import { refusal } from "../../errors";
import { readBody } from "../../input";
import { router } from "../../router";
import { privateKeyOf } from "./access";
import { checkFeatures, insert, refuseTaken } from "./create";
import { importInput } from "./input";
import { addressOf, placeOf } from "./path";
import { basics } from "./shapes";
import { refreshStats } from "./stats";

/** Adds a repository that exists. Borg has to open it first, and the encryption is read from it. */
export const importRepository = router().post("/api/repositories/import", adminOnly("repo"), async (c) => {
  const { context } = c.var;
  const input = await readBody(c, importInput);
  checkFeatures(context, input);
  const connection = input.connection_id ? placeOf(context, input.connection_id) : null;
  const path = addressOf(context, input.path, connection);
  if (!connection) checkFolder(path);
  refuseTaken(context, input.name, path);
  const keyfile = input.keyfile_content ? await context.borg.addKeyfile(path, input.keyfile_content) : null;
  const options = [
    ...(input.remote_path ? ["--remote-path", input.remote_path] : []),
    ...(input.bypass_lock ? ["--bypass-lock"] : []),
  ];
  const access = {
    passphrase: input.passphrase ?? null,
    privateKey: privateKeyOf(context, connection),
    pinned: connection?.known_host_key ?? null,
  };
  const { code, stdout, stderr } = await context.borg.run(["info", ...options, path, "--json"], access);
  if (code !== 0) {
    await keyfile?.remove();
    if (/passphrase|encrypted/i.test(stderr)) throw refusal(400, "repo.encryptedPassphraseIncorrect");
    if (/not a valid repository/i.test(stderr)) throw refusal(400, "repo.notValidBorgRepository", { path });
    throw refusal(500, "repo.failedToVerifyRepository");
  }
  const { encryption } = JSON.parse(stdout) as { encryption?: { mode?: string } };
  const row = insert(context, input, path, encryption?.mode ?? "unknown", keyfile !== null);
  await refreshStats(context, row);
  return c.json({
    success: true,
    message: "backend.success.repo.repositoryImported",
    repository: { ...basics(row), archive_count: row.archive_count, upload_ratelimit_kib: row.upload_ratelimit_kib },
  });
});

function checkFolder(path: string): void {
  if (!existsSync(path)) throw refusal(400, "repo.repositoryDirNotExist", { path });
  const config = join(path, "config");
  if (!existsSync(config) || !statSync(config).isFile()) throw refusal(400, "repo.notValidBorgRepository", { path });
}
