import { strict as assert } from "node:assert";
import type { Server } from "../support";
import { Plans } from "./plan";

/** Backup plans: creation, change, deletion. */
export function planTests(given: () => Server): void {
  describe("backup plans", () => {
    const plans = new Plans(given);

    it("A creation answers 201 with the whole plan, and a read answers the same", async () => {
      const id = await plans.repository({ name: "target" });
      const { status, body } = await plans.create({
        name: " nightly ",
        description: " text ",
        repositories: [{ repository_id: id, execution_order: 1 }],
      });
      assert.equal(status, 201);
      assert.deepEqual((await given().get(`/api/backup-plans/${body.id}`)).body, body);
      const { created_at, updated_at, repositories, id: _, ...plan } = body;
      assert.ok(Date.parse(created_at) > 0 && Date.parse(updated_at) > 0);
      assert.deepEqual(plan, {
        name: "nightly",
        description: "text",
        enabled: true,
        source_type: "local",
        source_ssh_connection_id: null,
        source_directories: ["/usr/share/zoneinfo/Arctic"],
        source_locations: [
          {
            source_type: "local",
            source_ssh_connection_id: null,
            agent_machine_id: null,
            paths: ["/usr/share/zoneinfo/Arctic"],
          },
        ],
        exclude_patterns: [],
        database_template_id: null,
        archive_name_template: "{plan_name}-{now}",
        compression: "lz4",
        custom_flags: null,
        check_extra_flags: null,
        upload_ratelimit_kib: null,
        upload_ratelimit_schedule_policies: [],
        repository_run_mode: "series",
        max_parallel_repositories: 1,
        failure_behavior: "continue",
        schedule_enabled: false,
        schedule_mode: "cron",
        availability_check_interval_minutes: 30,
        min_success_interval_minutes: 0,
        cron_expression: null,
        timezone: "UTC",
        last_run: null,
        next_run: null,
        repository_count: 1,
        pre_backup_script_id: null,
        post_backup_script_id: null,
        pre_backup_script_parameters: null,
        post_backup_script_parameters: null,
        script_hooks: [],
        run_repository_scripts: true,
        run_prune_after: false,
        run_compact_after: false,
        run_check_after: false,
        check_max_duration: 3600,
        prune_keep_hourly: 0,
        prune_keep_daily: 7,
        prune_keep_weekly: 4,
        prune_keep_monthly: 6,
        prune_keep_quarterly: 0,
        prune_keep_yearly: 1,
        prune_keep_within: null,
      });
      const [{ id: link, repository: nested, ...rest }] = repositories;
      assert.equal(typeof link, "number");
      assert.deepEqual(rest, {
        repository_id: id,
        enabled: true,
        execution_order: 1,
        compression_source: "plan",
        compression_override: null,
        custom_flags_override: null,
        upload_ratelimit_kib_override: null,
        failure_behavior_override: null,
      });
      const { path, ...shown } = nested;
      assert.match(path, /conformance/);
      assert.deepEqual(shown, {
        id,
        name: "target",
        borg_version: 1,
        mode: "full",
        repository_type: "local",
        connection_id: null,
        execution_target: "local",
        executor_type: "server",
        agent_machine_id: null,
      });
    });

    it("The list lacks the repositories, and is sorted by name", async () => {
      for (const name of ["b", "a"]) await plans.create({ name });
      const { backup_plans } = (await given().get("/api/backup-plans/")).body;
      assert.deepEqual(
        backup_plans.map(({ name }: { name: string }) => name),
        ["a", "b"],
      );
      assert.equal("repositories" in backup_plans[0], false);
      assert.equal(backup_plans[0].repository_count, 1);
      assert.equal("source_ssh_connection_id" in backup_plans[0], true);
    });

    it("The list of a repository's plans is whole", async () => {
      const { body } = await plans.create();
      await plans.create();
      const [{ repository_id }] = body.repositories;
      const list = (await given().get(`/api/backup-plans/?repository_id=${repository_id}`)).body.backup_plans;
      assert.deepEqual(list, [body]);
    });

    it("A change resets what is left out, and keeps the id", async () => {
      const id = await plans.repository();
      const link = { repository_id: id, execution_order: 1 };
      const made = (
        await plans.create({ repositories: [link], description: "d", run_prune_after: true, prune_keep_daily: 9 })
      ).body;
      const input = { name: made.name, source_directories: ["/etc"], repositories: [link] };
      const { status, body } = await given().put(`/api/backup-plans/${made.id}`, input);
      assert.equal(status, 200);
      assert.deepEqual(
        [body.id, body.description, body.run_prune_after, body.prune_keep_daily, body.source_directories],
        [made.id, null, false, 7, ["/etc"]],
      );
    });

    it("A change with the whole plan of a read changes nothing but times", async () => {
      const made = (await plans.create({ schedule_enabled: true, cron_expression: "0 1 * * *" })).body;
      const { body } = await given().put(`/api/backup-plans/${made.id}`, made);
      // biome-ignore lint/suspicious/noExplicitAny: tests read answers of every shape
      const stable = ({ updated_at, next_run, repositories, ...plan }: any) => ({
        ...plan,
        repositories: repositories.map(({ id, ...link }: { id: number }) => link),
      });
      assert.deepEqual(stable(body), stable(made));
    });

    for (const [name, input, status, error] of [
      ["no repository", { repositories: [] }, 422, "backupPlans.repositoriesRequired"],
      [
        "an unknown repository",
        { repositories: [{ repository_id: 999_999, execution_order: 1 }] },
        404,
        "backupPlans.repositoryNotFound",
      ],
      ["no folder", { source_directories: [] }, 422, "backupPlans.sourceRequired"],
      ["a blank name", { name: " " }, 422, "backupPlans.nameRequired"],
      ["a schedule without an expression", { schedule_enabled: true }, 422, "backupPlans.cronRequired"],
      ["a bad expression", { schedule_enabled: true, cron_expression: "often" }, 422, "schedule.invalidCronExpression"],
      ["a bad time zone", { timezone: "Mars/Olympus" }, 422, "schedule.invalidTimezone"],
      ["a remote source without a connection", { source_type: "remote" }, 422, "backupPlans.sourceConnectionRequired"],
      [
        "an unknown script",
        { script_hooks: [{ script_id: 999_999, hook_type: "pre-backup" }] },
        404,
        "scripts.scriptNotFound",
      ],
    ] as const) {
      it(`A creation with ${name} is refused`, async () => {
        const answer = await plans.create(input);
        assert.deepEqual([answer.status, answer.error], [status, error]);
      });
    }

    it("An unknown connection as the source is a failure of the server, without JSON", async () => {
      const { status, text, headers } = await plans.create({
        source_type: "remote",
        source_ssh_connection_id: 999_999,
      });
      assert.deepEqual([status, text], [500, "Internal Server Error"]);
      assert.match(headers.get("content-type") ?? "", /text\/plain/);
    });

    it("Names are unique, with status 409", async () => {
      const { body } = await plans.create({ name: "one" });
      const second = await plans.create({ name: " one " });
      assert.deepEqual([second.status, second.error], [409, "backupPlans.nameExists"]);
      const other = (await plans.create()).body;
      const renamed = await given().put(`/api/backup-plans/${other.id}`, { ...other, name: "one" });
      assert.deepEqual([renamed.status, renamed.error], [409, "backupPlans.nameExists"]);
      assert.equal((await given().put(`/api/backup-plans/${body.id}`, body)).status, 200);
    });

    it("A second enabled repository is a limit of the licence", async () => {
      const links = [];
      for (const order of [1, 2]) links.push({ repository_id: await plans.repository(), execution_order: order });
      const { status, body } = await plans.create({ repositories: links });
      assert.equal(status, 403);
      assert.deepEqual(body.detail, {
        key: "backend.errors.plan.featureNotAvailable",
        feature: "backup_plan_multi_repository",
        required: "pro",
        current: "community",
      });
      const allowed = await plans.create({
        repositories: links.map((link, index) => ({ ...link, enabled: index === 0 })),
      });
      assert.deepEqual([allowed.status, allowed.body.repository_count], [201, 1]);
    });

    it("A schedule has a next time in its zone, and the switch turns it off", async () => {
      const zone = { schedule_enabled: true, cron_expression: "30 4 * * *", timezone: "Asia/Tokyo" };
      const { body } = await plans.create(zone);
      assert.match(body.next_run, /T19:30:00(\.0+)?\+00:00$/);
      const off = await given().post(`/api/backup-plans/${body.id}/toggle`);
      assert.deepEqual([off.status, off.body.enabled, off.body.next_run], [200, false, null]);
    });

    it("A plan without a schedule stores no expression", async () => {
      const { body } = await plans.create({ cron_expression: "0 1 * * *" });
      assert.equal(body.cron_expression, null);
    });

    it("A connection that a plan reads from cannot be deleted, and the error is a statement", async () => {
      const { id: key } = await given().systemKey();
      const input = { host: "127.0.0.1", port: 1, username: "u" };
      const { connection } = (await given().post(`/api/ssh-keys/${key}/test-connection`, input)).body;
      const { body } = await plans.create({ source_type: "remote", source_ssh_connection_id: connection.id });
      assert.deepEqual([body.source_type, body.source_ssh_connection_id], ["remote", connection.id]);
      assert.deepEqual(body.source_locations[0].source_ssh_connection_id, connection.id);
      const kept = await given().delete(`/api/ssh-keys/connections/${connection.id}`);
      assert.deepEqual([kept.status, kept.error], [500, "ssh.failedDeleteSshConnection"]);
      assert.match(kept.body.detail.params.error, /FOREIGN KEY constraint failed/);
      assert.equal((await given().connections()).length, 1);
      await given().delete(`/api/backup-plans/${body.id}`);
      assert.equal((await given().delete(`/api/ssh-keys/connections/${connection.id}`)).status, 200);
    });

    it("A plan survives the deletion of its repository, without one", async () => {
      const { body } = await plans.create();
      await given().delete(`/api/repositories/${body.repositories[0].repository_id}`);
      const plan = (await given().get(`/api/backup-plans/${body.id}`)).body;
      assert.deepEqual([plan.repositories, plan.enabled, plan.repository_count], [[], true, 0]);
      const run = await given().post(`/api/backup-plans/${body.id}/run`);
      assert.deepEqual([run.status, run.error], [422, "backupPlans.repositoriesRequired"]);
    });

    it("A deleted plan is not found", async () => {
      const { body } = await plans.create();
      const gone = await given().delete(`/api/backup-plans/${body.id}`);
      assert.deepEqual([gone.status, gone.body], [200, { message: "backend.success.backupPlans.deleted" }]);
      for (const answer of [
        await given().get(`/api/backup-plans/${body.id}`),
        await given().put(`/api/backup-plans/${body.id}`, body),
        await given().delete(`/api/backup-plans/${body.id}`),
        await given().post(`/api/backup-plans/${body.id}/run`),
      ]) {
        assert.deepEqual([answer.status, answer.error], [404, "backupPlans.notFound"]);
      }
    });
  });
}
