import { signedIn } from "../../auth/signedIn";
import { refusal } from "../../errors";
import { idParam } from "../../input";
import { router } from "../../router";
import { accessOf, readOptions, repositoryOf } from "./access";
import { detailed, listed } from "./shapes";
import { statsOf } from "./stats";

export const read = router()
  .get("/api/repositories/", signedIn, (c) => {
    const { store } = c.var.context;
    const maintained = new Set(
      store.runs
        .all()
        .flatMap(({ repositories }) =>
          repositories
            .filter(({ job }) => job?.maintenance_status?.startsWith("running_"))
            .map(({ repository_id }) => repository_id),
        ),
    );
    const repositories = store.repositories.all().map((row) => listed(row, maintained.has(row.id)));
    return c.json({ success: true, repositories });
  })
  /** Runs borg, and answers 200 where borg fails. */
  .get("/api/repositories/:repo_id", signedIn, async (c) => {
    const { context } = c.var;
    const row = repositoryOf(context, idParam(c, "repo_id"));
    return c.json({ success: true, repository: detailed(row, await statsOf(context, row)) });
  })
  .get("/api/repositories/:repo_id/stats", signedIn, async (c) => {
    const { context } = c.var;
    return c.json({ success: true, stats: await statsOf(context, repositoryOf(context, idParam(c, "repo_id"))) });
  })
  .get("/api/repositories/:repo_id/archives", signedIn, async (c) => {
    const { context } = c.var;
    const row = repositoryOf(context, idParam(c, "repo_id"));
    const args = ["list", row.path, "--json", ...readOptions(row)];
    const { code, stdout } = await context.borg.run(args, accessOf(context, row));
    if (code !== 0) throw refusal(500, "repo.failedToListArchives");
    const { archives = [] } = JSON.parse(stdout) as { archives?: unknown[] };
    return c.json({ success: true, archives, repository: { id: row.id, name: row.name, path: row.path } });
  })
  .get("/api/repositories/:repo_id/info", signedIn, async (c) => {
    const { context } = c.var;
    const row = repositoryOf(context, idParam(c, "repo_id"));
    const args = ["info", row.path, "--json", ...readOptions(row)];
    const { code, stdout } = await context.borg.run(args, accessOf(context, row));
    if (code !== 0) throw refusal(500, "repo.failedToGetRepositoryInfo");
    const { repository = {}, cache = {}, encryption = {}, ...rest } = JSON.parse(stdout);
    return c.json({
      success: true,
      info: { repository, cache, encryption },
      raw_output: { repository, cache, encryption, ...rest },
    });
  });
