import { strict as assert } from "node:assert";
import type { Server } from "../support";
import { Plans } from "./plan";
import { fresh } from "./repository";

/** Scripts, and their use as hooks of backup plans. */
export function hookTests(given: () => Server): void {
  describe("scripts and hooks", () => {
    const plans = new Plans(given);
    const made: number[] = [];
    afterEach(async () => {
      for (const id of made.splice(0)) await given().delete(`/api/scripts/${id}`);
    });

    async function script(content: string, parameters: object[] = []): Promise<number> {
      const { body } = await given().post("/api/scripts", { name: fresh("script"), content, parameters });
      made.push(body.id);
      return body.id;
    }
    const PASSWORD = { name: "DB_PASSWORD", type: "password", required: true };

    it("A script is made with 201, its content is in one answer alone, and its name is unique", async () => {
      const name = fresh("script");
      const { status, body } = await given().post("/api/scripts", { name, content: "true" });
      made.push(body.id);
      assert.deepEqual([status, body.name, body.timeout, body.run_on], [201, name, 300, "always"]);
      assert.equal("content" in body, false);
      assert.equal((await given().get(`/api/scripts/${body.id}`)).body.content, "true");
      const second = await given().post("/api/scripts", { name, content: "true" });
      assert.equal(second.status, 400);
      assert.equal(typeof second.body.detail, "string", "this error has no key");
      assert.equal((await given().delete(`/api/scripts/${body.id}`)).status, 204);
      const again = await given().delete(`/api/scripts/${body.id}`);
      assert.deepEqual([again.status, again.error], [404, "scripts.scriptNotFound"]);
    });

    it("A hook shows its script, masks passwords, and drops parameters that are not declared", async () => {
      const script_id = await script("true", [PASSWORD]);
      const parameter_values = { DB_PASSWORD: "secret", OTHER: "x" };
      const { status, body, text } = await plans.create({
        script_hooks: [{ script_id, hook_type: "pre-backup", parameter_values }],
      });
      assert.equal(status, 201, text);
      const [{ id, script_name, ...hook }] = body.script_hooks;
      assert.equal(typeof id, "number");
      assert.match(script_name, /^script-/);
      assert.deepEqual(hook, {
        script_id,
        agent_script_name: null,
        is_agent_script: false,
        script_description: null,
        hook_type: "pre-backup",
        execution_order: 1,
        enabled: true,
        custom_timeout: null,
        custom_run_on: null,
        continue_on_error: false,
        skip_on_failure: false,
        default_timeout: 300,
        default_run_on: "always",
        parameters: [PASSWORD],
        parameter_values: { DB_PASSWORD: "***" },
      });
      assert.equal(body.pre_backup_script_id, script_id);
    });

    it("A hook without a required parameter is refused, and leaves no plan", async () => {
      const script_id = await script("true", [PASSWORD]);
      const answer = await plans.create({ script_hooks: [{ script_id, hook_type: "pre-backup" }] });
      assert.equal(answer.status, 400);
      assert.match(answer.body.detail, /DB_PASSWORD/);
      assert.deepEqual((await given().get("/api/backup-plans/")).body.backup_plans, []);
    });

    it("A change keeps the hooks for null, and clears them for []", async () => {
      const script_id = await script("true");
      const { body } = await plans.create({ script_hooks: [{ script_id, hook_type: "post-backup" }] });
      const kept = await given().put(`/api/backup-plans/${body.id}`, { ...body, script_hooks: null });
      assert.equal(kept.body.script_hooks.length, 1);
      const cleared = await given().put(`/api/backup-plans/${body.id}`, { ...body, script_hooks: [] });
      assert.deepEqual(cleared.body.script_hooks, []);
    });

    it("A deleted script leaves its plans without a word", async () => {
      const script_id = await script("true");
      const { body } = await plans.create({ script_hooks: [{ script_id, hook_type: "pre-backup" }] });
      assert.equal((await given().delete(`/api/scripts/${script_id}`)).status, 204);
      assert.deepEqual((await given().get(`/api/backup-plans/${body.id}`)).body.script_hooks, []);
    });

    it("A script before the backups that fails stops the run", async () => {
      const script_id = await script("#!/bin/sh\nexit 3\n");
      const { body } = await plans.create({ script_hooks: [{ script_id, hook_type: "pre-backup" }] });
      const run = await plans.run(body.id);
      assert.equal(run.status, "failed", JSON.stringify(run));
      assert.equal(run.repositories[0].status, "failed");
      const [execution] = run.script_executions;
      assert.deepEqual([execution.hook_type, execution.status, execution.exit_code], ["pre-backup", "failed", 3]);
    });

    it("A script after the backups that fails is a warning", async () => {
      const script_id = await script("#!/bin/sh\nexit 3\n");
      const { body } = await plans.create({ script_hooks: [{ script_id, hook_type: "post-backup" }] });
      const run = await plans.run(body.id);
      assert.equal(run.status, "completed_with_warnings", JSON.stringify(run));
      assert.equal(run.repositories[0].status, "completed");
    });
  });
}
