import { z } from "zod";
import { isoTime } from "../../../clock";
import { signedIn } from "../../auth/signedIn";
import type { Context } from "../../context";
import { HttpError, refusal } from "../../errors";
import { field, idParam, readBody } from "../../input";
import { router } from "../../router";
import type { Script } from "../../store/rows";

const parameters = z.array(field.object()).nullish();

const scriptInput = z.object({
  name: field.text(),
  description: field.text().nullish(),
  content: field.text(),
  timeout: field.integer().default(300),
  run_on: field.text().default("always"),
  category: field.text().default("custom"),
  parameters,
});

const scriptChange = z.object({
  name: field.text().nullish(),
  description: field.text().nullish(),
  content: field.text().nullish(),
  timeout: field.integer().nullish(),
  run_on: field.text().nullish(),
  parameters,
});

/** Scripts for the hooks of backup plans. Any user may write them. */
export const scripts = router()
  .get("/api/scripts", signedIn, (c) => c.json(c.var.context.store.scripts.all().map(shape)))
  .post("/api/scripts", signedIn, async (c) => {
    const { store, clock } = c.var.context;
    const input = await readBody(c, scriptInput);
    refuseTaken(c.var.context, input.name, null);
    const now = isoTime(clock.now());
    const script = store.scripts.insert({
      ...input,
      description: input.description ?? null,
      parameters: input.parameters ?? [],
      created_at: now,
      updated_at: now,
    });
    return c.json(shape(script), 201);
  })
  /** The only answer with the content. */
  .get("/api/scripts/:script_id", signedIn, (c) => {
    const script = scriptOf(c.var.context, idParam(c, "script_id"));
    return c.json({ ...shape(script), content: script.content, repositories: [], recent_executions: [] });
  })
  .put("/api/scripts/:script_id", signedIn, async (c) => {
    const { store, clock } = c.var.context;
    const id = idParam(c, "script_id");
    const changes = await readBody(c, scriptChange);
    const script = scriptOf(c.var.context, id);
    if (typeof changes.name === "string") refuseTaken(c.var.context, changes.name, id);
    const given = Object.entries(changes).filter(([, value]) => value !== null && value !== undefined);
    Object.assign(script, Object.fromEntries(given), { updated_at: isoTime(clock.now()) });
    store.scripts.save(script);
    return c.json(shape(script));
  })
  /** Backup plans lose the script without a word. */
  .delete("/api/scripts/:script_id", signedIn, (c) => {
    const { store } = c.var.context;
    const { id } = scriptOf(c.var.context, idParam(c, "script_id"));
    for (const plan of store.plans.all()) {
      if (!plan.script_hooks.some(({ script_id }) => script_id === id)) continue;
      plan.script_hooks = plan.script_hooks.filter(({ script_id }) => script_id !== id);
      store.plans.save(plan);
    }
    store.scripts.delete(id);
    return c.body(null, 204);
  });

/** @throws 404 */
function scriptOf({ store }: Context, id: number): Script {
  const script = store.scripts.get(id);
  if (!script) throw refusal(404, "scripts.scriptNotFound");
  return script;
}

function refuseTaken({ store }: Context, name: string, ownId: number | null): void {
  const taken = store.scripts.find((script) => script.name === name && script.id !== ownId);
  if (taken) throw new HttpError(400, `Script with name '${name}' already exists`);
}

function shape({ id, name, description, category, timeout, run_on, created_at, updated_at, parameters }: Script) {
  return {
    id,
    name,
    description,
    file_path: `library/${id}.sh`,
    category,
    timeout,
    run_on,
    usage_count: 0,
    is_template: false,
    created_at,
    updated_at,
    parameters,
  };
}
