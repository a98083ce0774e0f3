import { strict as assert } from "node:assert";
import { Subject } from "../../support";
import type { Server } from "../support";
import { Plans } from "./plan";
import { fresh } from "./repository";

/** Runs of backup plans. */
export function runTests(given: () => Server): void {
  describe("runs of backup plans", () => {
    const plans = new Plans(given);

    it("A run makes an archive, and the repository counts it", async () => {
      const { body } = await plans.create({ name: "my plan", run_prune_after: true, run_compact_after: true });
      const [{ repository_id }] = body.repositories;
      const started = await given().post(`/api/backup-plans/${body.id}/run`);
      assert.equal(started.status, 202);
      assert.deepEqual(
        [started.body.backup_plan_id, started.body.trigger, started.body.status],
        [body.id, "manual", "pending"],
      );
      const run = await plans.finished(started.body.id);
      assert.equal(run.status, "completed", JSON.stringify(run));
      const [child] = run.repositories;
      assert.deepEqual([child.status, child.error_message], ["completed", null]);
      assert.match(child.backup_job.archive_name, /^my-plan-\d{4}-/);
      const { archives } = (await given().get(`/api/repositories/${repository_id}/archives`)).body;
      assert.deepEqual(
        archives.map(({ name }: { name: string }) => name),
        [child.backup_job.archive_name],
      );
      const [row] = await given().repositories();
      assert.equal(row.archive_count, 1);
      assert.ok(Date.parse(row.last_backup) > 0);
      const plan = (await given().get(`/api/backup-plans/${body.id}`)).body;
      assert.ok(Date.parse(plan.last_run) > 0);
      const { runs } = (await given().get(`/api/backup-plans/${body.id}/runs`)).body;
      assert.deepEqual(
        runs.map(({ id, status }: { id: number; status: string }) => [id, status]),
        [[run.id, "completed"]],
      );
    });

    it("A second run waits for nothing: it is refused while the first is active", async () => {
      const { body } = await plans.create();
      const [first, second] = [
        await given().post(`/api/backup-plans/${body.id}/run`),
        await given().post(`/api/backup-plans/${body.id}/run`),
      ];
      assert.deepEqual([second.status, second.error], [409, "backupPlans.runAlreadyActive"]);
      await plans.finished(first.body.id);
    });

    it("A cancelled run stays cancelled, and so do its repositories", async () => {
      const { body } = await plans.create();
      const started = (await given().post(`/api/backup-plans/${body.id}/run`)).body;
      const { status, body: answer } = await given().post(`/api/backup-plans/runs/${started.id}/cancel`);
      assert.deepEqual([status, answer.run.status, answer.already_terminal], [200, "cancelled", false]);
      const again = await given().post(`/api/backup-plans/runs/${started.id}/cancel`);
      assert.equal(again.body.already_terminal, true);
      const run = (await given().get(`/api/backup-plans/runs/${started.id}`)).body;
      assert.deepEqual([run.status, run.repositories[0].status], ["cancelled", "cancelled"]);
    });

    it("A plan that is switched off does not run", async () => {
      const { body } = await plans.create({ enabled: false });
      const run = await given().post(`/api/backup-plans/${body.id}/run`);
      assert.deepEqual([run.status, run.error], [422, "backupPlans.disabled"]);
    });

    it("A run with a wrong passphrase fails with borg's words", async () => {
      const id = await plans.repository({ encryption: "repokey", passphrase: "right" });
      const { path } = (await given().repositories())[0];
      await given().delete(`/api/repositories/${id}`);
      const wrong = await plans.repository({ path, encryption: "repokey", passphrase: "wrong" });
      const { body } = await plans.create({ repositories: [{ repository_id: wrong, execution_order: 1 }] });
      const run = await plans.run(body.id);
      assert.equal(run.status, "failed");
      assert.equal(run.repositories[0].status, "failed");
      assert.equal(typeof run.repositories[0].error_message, "string");
    });

    it("An unknown run is not found", async () => {
      const { status, error } = await given().get("/api/backup-plans/runs/999999");
      assert.deepEqual([status, error], [404, "backupPlans.runNotFound"]);
    });

    it("The chain ends in an archive at BorgBase, and the plan shows the repository's connection", async () => {
      const borgBase = await Subject.start({ storage: true });
      try {
        const { id: key, public_key } = await given().systemKey();
        const keyId = await borgBase.addKey(fresh("ui"), public_key);
        const repo = await borgBase.addRepo({ fullAccessKeys: [keyId] });
        const place = { host: "127.0.0.1", port: borgBase.emulator.ssh?.port, username: repo };
        const { connection } = (await given().post(`/api/ssh-keys/${key}/test-connection`, place)).body;
        const id = await plans.repository({
          connection_id: connection.id,
          path: "/./repo",
          encryption: "repokey",
          passphrase: "secret",
        });
        const { body } = await plans.create({ repositories: [{ repository_id: id, execution_order: 1 }] });
        assert.equal(body.repositories[0].repository.connection_id, connection.id);
        const run = await plans.run(body.id);
        assert.equal(run.status, "completed", JSON.stringify(run));
        const usage = await borgBase.ask(`{ repoList { id lastModified currentUsage } }`);
        assert.notEqual(usage.data.repoList[0].lastModified, null);
        assert.ok(usage.data.repoList[0].currentUsage > 0);
      } finally {
        await borgBase.close();
      }
    });
  });
}
