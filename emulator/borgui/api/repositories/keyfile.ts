import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { adminOnly } from "../../auth/signedIn";
import { badInputs, refusal } from "../../errors";
import { idParam } from "../../input";
import { router } from "../../router";
import { accessOf, repositoryOf } from "./access";

/** Key material of repositories of mode `keyfile`, as plain text. */
export const keyfile = router()
  .get("/api/repositories/:repo_id/keyfile", adminOnly("repo"), async (c) => {
    const { context } = c.var;
    const row = repositoryOf(context, idParam(c, "repo_id"));
    if (!row.has_keyfile) throw refusal(404, "repo.repoHasNoKeyfile");
    const folder = await mkdtemp(join(tmpdir(), "borg-ui-keyfile-"));
    try {
      const file = join(folder, "key");
      const { code } = await context.borg.run(["key", "export", row.path, file], accessOf(context, row));
      if (code !== 0) throw refusal(500, "repo.failedToExportKeyfile");
      return c.text(await readFile(file, "utf8"));
    } finally {
      await rm(folder, { recursive: true });
    }
  })
  .post("/api/repositories/:repo_id/keyfile", adminOnly("repo"), async (c) => {
    const { context } = c.var;
    const id = idParam(c, "repo_id");
    const { keyfile } = await c.req.parseBody();
    if (!(keyfile instanceof File)) {
      throw badInputs([{ type: "missing", loc: ["body", "keyfile"], msg: "Field required", input: null }]);
    }
    const row = repositoryOf(context, id);
    if (!row.encryption.startsWith("keyfile")) {
      throw refusal(400, "repo.encryptionKeyfileNotRequired", { mode: row.encryption });
    }
    const content = await keyfile.text();
    if (content === "") throw refusal(400, "repo.keyfileEmpty");
    const { name } = await context.borg.addKeyfile(row.path, content);
    row.has_keyfile = true;
    context.store.repositories.save(row);
    return c.json({ success: true, message: "backend.success.repo.keyfileUploaded", keyfile_name: name });
  });
