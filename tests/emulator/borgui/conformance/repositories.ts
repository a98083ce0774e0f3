import { strict as assert } from "node:assert";
import { existsSync } from "node:fs";
import type { Server } from "../support";
import { fresh, PASSPHRASE, Repositories } from "./repository";

/** Creation and import of repositories, with real borg. */
export function repositoryTests(given: () => Server): void {
  describe("repositories", () => {
    const repositories = new Repositories(given);

    describe("creation", () => {
      it("A creation runs borg init, and shows neither passphrase nor connection", async () => {
        const { status, body } = await repositories.create({ name: "backups" });
        assert.equal(status, 200);
        assert.deepEqual(
          [body.success, body.message, body.already_existed],
          [true, "backend.success.repo.repositoryCreated", false],
        );
        const { id, path, ...rest } = body.repository;
        assert.match(path, /^\/.*\/conformance\/r-\w+$/);
        assert.ok(existsSync(`${path}/config`));
        assert.deepEqual(rest, {
          name: "backups",
          encryption: "repokey",
          compression: "lz4",
          execution_target: "local",
          executor_type: "server",
          agent_machine_id: null,
          agent_machine_name: null,
          agent_machine_status: null,
          upload_ratelimit_kib: null,
        });
        assert.equal((await given().get(`/api/repositories/${id}/archives`)).status, 200);
      });

      it("The list shows every field but passphrase and connection", async () => {
        const { id, path } = await repositories.created({
          name: "listed",
          source_directories: ["/srv", " ", "/home "],
          exclude_patterns: ["*.b", "*.a"],
          custom_flags: "--stats",
          upload_ratelimit_kib: 100,
          compression: "zstd,3",
        });
        const { created_at, updated_at, ...row } = await repositories.listed(id);
        assert.ok(Date.parse(created_at) > 0 && Date.parse(updated_at) > 0);
        assert.deepEqual(row, {
          id,
          name: "listed",
          path,
          encryption: "repokey",
          compression: "zstd,3",
          source_directories: ["/srv", "/home"],
          source_locations: [
            { source_type: "local", source_ssh_connection_id: null, agent_machine_id: null, paths: ["/srv", "/home"] },
          ],
          source_ssh_connection_id: null,
          exclude_patterns: ["*.b", "*.a"],
          repository_type: "local",
          execution_target: "local",
          executor_type: "server",
          agent_machine_id: null,
          agent_machine_name: null,
          agent_machine_status: null,
          host: null,
          port: 22,
          username: null,
          ssh_key_id: null,
          remote_path: null,
          last_backup: null,
          last_check: null,
          last_compact: null,
          total_size: null,
          archive_count: 0,
          pre_backup_script: null,
          post_backup_script: null,
          pre_backup_script_parameters: null,
          post_backup_script_parameters: null,
          hook_timeout: 300,
          pre_hook_timeout: 300,
          post_hook_timeout: 300,
          continue_on_hook_failure: false,
          skip_on_hook_failure: false,
          mode: "full",
          bypass_lock: false,
          custom_flags: "--stats",
          upload_ratelimit_kib: 100,
          has_running_maintenance: false,
          has_schedule: false,
          schedule_enabled: false,
          schedule_name: null,
          schedule_timezone: null,
          next_run: null,
          has_keyfile: false,
          borg_version: 1,
        });
      });

      it("One repository lacks fields of the list, and has statistics", async () => {
        const { id } = await repositories.created();
        const { status, body } = await given().get(`/api/repositories/${id}`);
        assert.equal(status, 200);
        for (const name of ["exclude_patterns", "mode", "custom_flags", "remote_path", "connection_id", "passphrase"]) {
          assert.equal(name in body.repository, false, name);
        }
        assert.deepEqual([body.repository.stats.archive_count, body.repository.stats.total_size], [0, "Unknown"]);
      });

      it("An existing repository is taken with any passphrase, and borg fails later", async () => {
        const first = await repositories.created();
        await given().delete(`/api/repositories/${first.id}`);
        const { status, body } = await repositories.create({
          path: first.path,
          passphrase: "wrong",
          encryption: "repokey-blake2",
        });
        assert.deepEqual(
          [status, body.already_existed, body.message],
          [200, true, "backend.success.repo.repositoryAlreadyExists"],
        );
        assert.equal(body.repository.encryption, "repokey-blake2", "stored unchecked");
        const archives = await given().get(`/api/repositories/${body.repository.id}/archives`);
        assert.deepEqual([archives.status, archives.error], [500, "repo.failedToListArchives"]);
        const info = await given().get(`/api/repositories/${body.repository.id}/info`);
        assert.deepEqual([info.status, info.error], [500, "repo.failedToGetRepositoryInfo"]);
        const one = await given().get(`/api/repositories/${body.repository.id}`);
        assert.equal(one.status, 200, "the read of one repository succeeds where borg fails");
      });

      it("Names and paths are unique", async () => {
        const { name, path } = await repositories.created();
        const byName = await repositories.create({ name });
        assert.deepEqual([byName.status, byName.error], [400, "repo.repositoryNameExists"]);
        const byPath = await repositories.create({ path });
        assert.deepEqual([byPath.status, byPath.error], [400, "repo.repositoryPathExists"]);
      });

      for (const [name, input, status, error] of [
        ["no passphrase", { passphrase: " " }, 400, "repo.encryptedPassphraseRequired"],
        ["an unknown encryption", { encryption: "aes" }, 400, "repo.invalidEncryptionMode"],
        ["an SSH address without a connection", { path: "ssh://u@h/x" }, 400, "repo.sshUrlWithoutConnectionId"],
        ["an unknown connection", { connection_id: 999_999 }, 404, "repo.sshConnectionNotFound"],
        ["a limit of zero", { upload_ratelimit_kib: 0 }, 422, "repo.invalidUploadLimit"],
        ["borg 2 on a community plan", { borg_version: 2 }, 403, "plan.featureNotAvailable"],
      ] as const) {
        it(`A creation with ${name} is refused`, async () => {
          const answer = await repositories.create(input);
          assert.deepEqual([answer.status, answer.error], [status, error]);
          assert.deepEqual(await given().repositories(), []);
        });
      }

      it("The licence names the feature and both plans", async () => {
        const { body } = await repositories.create({ borg_version: 2 });
        assert.deepEqual(body.detail, {
          key: "backend.errors.plan.featureNotAvailable",
          feature: "borg_v2",
          required: "pro",
          current: "community",
        });
      });

      it("A repository that borg cannot create leaves no row", async () => {
        const { status, error, body } = await repositories.create({ path: "/dev/null/no" });
        assert.equal(Math.floor(status / 100), status === 400 ? 4 : 5);
        assert.ok(error?.startsWith("repo."), JSON.stringify(body));
        assert.deepEqual(await given().repositories(), []);
      });

      it("Two parallel creations of one repository make one row", async () => {
        const input = { name: fresh("twin"), path: `conformance/${fresh("twin")}` };
        const answers = await Promise.all([repositories.create(input), repositories.create(input)]);
        const statuses = answers.map(({ status }) => status).sort();
        assert.deepEqual(statuses, [200, 500]);
        assert.equal(answers.find(({ status }) => status === 500)?.error, "repo.failedToCreateRepository");
        assert.equal((await given().repositories()).length, 1);
      });

      it("Unknown compression and mode are stored", async () => {
        const { id } = await repositories.created({ compression: "best", mode: "odd" });
        const row = await repositories.listed(id);
        assert.deepEqual([row.compression, row.mode], ["best", "odd"]);
      });
    });

    describe("import", () => {
      it("An import takes the encryption from the repository, and needs its passphrase", async () => {
        const { id, path } = await repositories.created({ encryption: "repokey-blake2" });
        await given().delete(`/api/repositories/${id}`);
        const input = { name: fresh("imported"), path };
        const wrong = await given().post("/api/repositories/import", { ...input, passphrase: "wrong" });
        assert.deepEqual([wrong.status, wrong.error], [400, "repo.encryptedPassphraseIncorrect"]);
        assert.deepEqual(await given().repositories(), []);
        const { status, body } = await given().post("/api/repositories/import", { ...input, passphrase: PASSPHRASE });
        assert.equal(status, 200);
        assert.equal(body.message, "backend.success.repo.repositoryImported");
        assert.deepEqual([body.repository.encryption, body.repository.archive_count], ["repokey-blake2", 0]);
      });

      it("An import of a missing folder names it", async () => {
        const { status, error, body } = await given().post("/api/repositories/import", {
          name: fresh("x"),
          path: "/nowhere/at/all",
        });
        assert.deepEqual([status, error], [400, "repo.repositoryDirNotExist"]);
        assert.deepEqual(body.detail.params, { path: "/nowhere/at/all" });
        const folder = await given().post("/api/repositories/import", { name: fresh("x"), path: "/etc" });
        assert.deepEqual([folder.status, folder.error], [400, "repo.notValidBorgRepository"]);
      });
    });
  });
}
