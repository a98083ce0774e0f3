import { existsSync, lstatSync } from "node:fs";
import { rm } from "node:fs/promises";
import { isAbsolute, join } from "node:path";
import { z } from "zod";
import { adminOnly, signedIn } from "../../auth/signedIn";
import type { Context } from "../../context";
import { refusal } from "../../errors";
import { field, idParam, readBody } from "../../input";
import { router } from "../../router";
import type { Repository } from "../../store/rows";
import { repositoryOf } from "./access";

const confirmation = z.object({ confirmation_phrase: field.text(), understood: field.boolean() });

export const remove = router()
  /** Deletes the row; the data stays. A running backup goes on, and plans stay without the repository. */
  .delete("/api/repositories/:repo_id", adminOnly("repo"), (c) => {
    const { context } = c.var;
    deleteRow(context, repositoryOf(context, idParam(c, "repo_id")));
    return c.json({ success: true, message: "backend.success.repo.repositoryDeleted" });
  })
  /** Deletes the data as well, of a repository on the server's own disk. */
  .post("/api/repositories/:repo_id/permanent-delete", signedIn, async (c) => {
    const { context } = c.var;
    const id = idParam(c, "repo_id");
    const { confirmation_phrase, understood } = await readBody(c, confirmation);
    const row = repositoryOf(context, id);
    if (!understood || confirmation_phrase !== row.name) throw refusal(400, "repo.permanentDeleteConfirmationMismatch");
    checkFolder(row);
    await rm(row.path, { recursive: true, force: true });
    deleteRow(context, row);
    return c.json({ success: true, message: "backend.success.repo.repositoryPermanentlyDeleted" });
  });

function checkFolder({ path, connection_id }: Repository): void {
  if (connection_id !== null || path.includes("://")) throw refusal(400, "repo.permanentDeleteLocalOnly");
  if (!isAbsolute(path)) throw refusal(400, "repo.permanentDeleteUnsafePath");
  if (!existsSync(path)) throw refusal(404, "repo.permanentDeletePathMissing", { path });
  if (!lstatSync(path).isDirectory()) throw refusal(400, "repo.permanentDeleteUnsafePath");
  const isRepository = existsSync(join(path, "config")) && existsSync(join(path, "data"));
  if (!isRepository) throw refusal(400, "repo.permanentDeleteNotBorgRepository");
}

function deleteRow({ store }: Context, { id }: Repository): void {
  for (const plan of store.plans.all()) {
    if (!plan.repositories.some(({ repository_id }) => repository_id === id)) continue;
    plan.repositories = plan.repositories.filter(({ repository_id }) => repository_id !== id);
    store.plans.save(plan);
  }
  store.repositories.delete(id);
}
