import { strict as assert } from "node:assert";
import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { Subject } from "../../support";
import type { Server } from "../support";

const PASSPHRASE = "correct horse";

/** A name that no other test has, as data of earlier tests stays. */
export function fresh(name: string): string {
  return `${name}-${randomBytes(5).toString("hex")}`;
}

/** Repositories on the server's disk and at BorgBase, with real borg. */
export function repositoryTests(given: () => Server): void {
  describe("repositories", () => {
    /** Creates a repository on the server's disk. */
    async function create(more: Record<string, unknown> = {}) {
      const input = { name: fresh("repo"), path: `conformance/${fresh("r")}`, passphrase: PASSPHRASE, ...more };
      return given().post("/api/repositories/", input);
    }
    // biome-ignore lint/suspicious/noExplicitAny: tests read answers of every shape
    async function created(more: Record<string, unknown> = {}): Promise<any> {
      const { body, text } = await create(more);
      assert.ok(body?.repository, text);
      return body.repository;
    }
    // biome-ignore lint/suspicious/noExplicitAny: tests read answers of every shape
    const listed = async (id: number): Promise<any> => (await given().repositories()).find((row) => row.id === id);

    describe("creation", () => {
      it("A creation runs borg init, and shows neither passphrase nor connection", async () => {
        const { status, body } = await create({ name: "backups" });
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
        const { id, path } = await created({
          name: "listed",
          source_directories: ["/srv", " ", "/home "],
          exclude_patterns: ["*.b", "*.a"],
          custom_flags: "--stats",
          upload_ratelimit_kib: 100,
          compression: "zstd,3",
        });
        const { created_at, updated_at, ...row } = await listed(id);
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
        const { id } = await created();
        const { status, body } = await given().get(`/api/repositories/${id}`);
        assert.equal(status, 200);
        for (const name of ["exclude_patterns", "mode", "custom_flags", "remote_path", "connection_id", "passphrase"]) {
          assert.equal(name in body.repository, false, name);
        }
        assert.deepEqual([body.repository.stats.archive_count, body.repository.stats.total_size], [0, "Unknown"]);
      });

      it("An existing repository is taken with any passphrase, and borg fails later", async () => {
        const first = await created();
        await given().delete(`/api/repositories/${first.id}`);
        const { status, body } = await create({ path: first.path, passphrase: "wrong", encryption: "repokey-blake2" });
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
        const { name, path } = await created();
        const byName = await create({ name });
        assert.deepEqual([byName.status, byName.error], [400, "repo.repositoryNameExists"]);
        const byPath = await create({ path });
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
          const answer = await create(input);
          assert.deepEqual([answer.status, answer.error], [status, error]);
          assert.deepEqual(await given().repositories(), []);
        });
      }

      it("The licence names the feature and both plans", async () => {
        const { body } = await create({ borg_version: 2 });
        assert.deepEqual(body.detail, {
          key: "backend.errors.plan.featureNotAvailable",
          feature: "borg_v2",
          required: "pro",
          current: "community",
        });
      });

      it("A repository that borg cannot create leaves no row", async () => {
        const { status, error, body } = await create({ path: "/dev/null/no" });
        assert.equal(Math.floor(status / 100), status === 400 ? 4 : 5);
        assert.ok(error?.startsWith("repo."), JSON.stringify(body));
        assert.deepEqual(await given().repositories(), []);
      });

      it("Two parallel creations of one repository make one row", async () => {
        const input = { name: fresh("twin"), path: `conformance/${fresh("twin")}` };
        const answers = await Promise.all([create(input), create(input)]);
        const statuses = answers.map(({ status }) => status).sort();
        assert.deepEqual(statuses, [200, 500]);
        assert.equal(answers.find(({ status }) => status === 500)?.error, "repo.failedToCreateRepository");
        assert.equal((await given().repositories()).length, 1);
      });

      it("Unknown compression and mode are stored", async () => {
        const { id } = await created({ compression: "best", mode: "odd" });
        const row = await listed(id);
        assert.deepEqual([row.compression, row.mode], ["best", "odd"]);
      });
    });

    describe("import", () => {
      it("An import takes the encryption from the repository, and needs its passphrase", async () => {
        const { id, path } = await created({ encryption: "repokey-blake2" });
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

    describe("changes", () => {
      it('Null keeps a value, [] clears a list, "" a text, and null the upload limit alone', async () => {
        const { id } = await created({
          source_directories: ["/srv"],
          exclude_patterns: ["*.a"],
          custom_flags: "--stats",
          upload_ratelimit_kib: 100,
          remote_path: "borg",
        });
        const path = `/api/repositories/${id}`;
        const nulls = { name: null, exclude_patterns: null, custom_flags: null, remote_path: null, mode: null };
        const { status, body } = await given().put(path, nulls);
        assert.deepEqual([status, body], [200, { success: true, message: "backend.success.repo.repositoryUpdated" }]);
        const kept = await listed(id);
        assert.deepEqual(
          [kept.exclude_patterns, kept.custom_flags, kept.remote_path, kept.upload_ratelimit_kib, kept.mode],
          [["*.a"], "--stats", "borg", 100, "full"],
        );
        await given().put(path, {
          source_directories: [],
          exclude_patterns: [],
          custom_flags: "",
          remote_path: "",
          upload_ratelimit_kib: null,
        });
        const cleared = await listed(id);
        assert.deepEqual(
          [cleared.source_directories, cleared.exclude_patterns, cleared.custom_flags, cleared.remote_path],
          [[], [], "", ""],
        );
        assert.equal(cleared.upload_ratelimit_kib, null);
      });

      it("Passphrase and encryption are ignored without a word, and the mode is not checked", async () => {
        const { id } = await created();
        const changed = await given().put(`/api/repositories/${id}`, {
          passphrase: "x",
          encryption: "none",
          mode: "odd",
        });
        assert.equal(changed.status, 200);
        const row = await listed(id);
        assert.deepEqual([row.encryption, row.mode], ["repokey", "odd"]);
        assert.equal((await given().get(`/api/repositories/${id}/archives`)).status, 200);
      });

      it("A new name must be free", async () => {
        const [one, two] = [await created(), await created()];
        const taken = await given().put(`/api/repositories/${two.id}`, { name: one.name });
        assert.deepEqual([taken.status, taken.error], [400, "repo.repositoryNameExists"]);
        assert.equal((await given().put(`/api/repositories/${two.id}`, { name: two.name })).status, 200);
      });

      it("A new path starts a new repository, and the old one stays", async () => {
        const { id, path } = await created();
        const moved = `${path}-moved`;
        assert.equal((await given().put(`/api/repositories/${id}`, { path: moved })).status, 200);
        assert.equal((await listed(id)).path, moved);
        assert.ok(existsSync(`${path}/config`) && existsSync(`${moved}/config`));
      });

      it("An unknown repository is not found", async () => {
        for (const answer of [
          await given().get("/api/repositories/999999"),
          await given().put("/api/repositories/999999", {}),
          await given().delete("/api/repositories/999999"),
          await given().get("/api/repositories/999999/check-schedule"),
          await given().get("/api/repositories/999999/keyfile"),
        ]) {
          assert.deepEqual([answer.status, answer.error], [404, "repo.repositoryNotFound"]);
        }
      });
    });

    describe("deletion", () => {
      it("A deletion leaves the data", async () => {
        const { id, path } = await created();
        const gone = await given().delete(`/api/repositories/${id}`);
        assert.deepEqual([gone.status, gone.body.message], [200, "backend.success.repo.repositoryDeleted"]);
        assert.ok(existsSync(`${path}/config`));
        assert.equal((await given().delete(`/api/repositories/${id}`)).status, 404);
      });

      it("A permanent deletion asks for the name, and removes the folder", async () => {
        const { id, name, path } = await created();
        const url = `/api/repositories/${id}/permanent-delete`;
        const unsure = await given().post(url, { confirmation_phrase: "other", understood: true });
        assert.deepEqual([unsure.status, unsure.error], [400, "repo.permanentDeleteConfirmationMismatch"]);
        assert.equal((await given().post(url, { confirmation_phrase: name, understood: true })).status, 200);
        assert.equal(existsSync(path), false);
        assert.deepEqual(await given().repositories(), []);
      });
    });

    describe("schedule of checks", () => {
      it('A new expression switches it on, null keeps it, and "" switches it off', async () => {
        const { id, name, path } = await created();
        const url = `/api/repositories/${id}/check-schedule`;
        const off = (await given().get(url)).body;
        assert.deepEqual([off.check_cron_expression, off.enabled, off.check_timezone], [null, false, "UTC"]);
        const set = { cron_expression: "0 3 * * 0", timezone: "Europe/Berlin", max_duration: 600, enabled: false };
        const { status, body } = await given().put(url, set);
        assert.equal(status, 200);
        assert.equal(body.success, true);
        const on = (await given().get(url)).body;
        assert.deepEqual([on.repository_id, on.repository_name, on.repository_path], [id, name, path]);
        assert.deepEqual(
          [on.check_cron_expression, on.check_schedule_enabled, on.enabled, on.timezone, on.check_max_duration],
          ["0 3 * * 0", true, true, "Europe/Berlin", 600],
        );
        assert.ok(Date.parse(on.next_scheduled_check) > Date.now());
        await given().put(url, { cron_expression: null, max_duration: null });
        assert.deepEqual((await given().get(url)).body, on);
        await given().put(url, { cron_expression: "" });
        const cleared = (await given().get(url)).body;
        assert.deepEqual([cleared.check_cron_expression, cleared.enabled], [null, false]);
      });

      it("A bad expression and a bad time zone are refused", async () => {
        const { id } = await created();
        const url = `/api/repositories/${id}/check-schedule`;
        const cron = await given().put(url, { cron_expression: "often" });
        assert.deepEqual([cron.status, cron.error], [400, "repo.invalidCronExpression"]);
        const zone = await given().put(url, { timezone: "Mars/Olympus" });
        assert.deepEqual([zone.status, zone.error], [400, "schedule.invalidTimezone"]);
      });
    });

    describe("key files", () => {
      it("A repository without a key file has none to give", async () => {
        const { id } = await created();
        const { status, error } = await given().get(`/api/repositories/${id}/keyfile`);
        assert.deepEqual([status, error], [404, "repo.repoHasNoKeyfile"]);
      });

      it("A repository of mode keyfile gives its key, and an import takes it", async () => {
        const { id, path } = await created({ encryption: "keyfile" });
        assert.equal((await listed(id)).has_keyfile, true);
        const { status, text } = await given().get(`/api/repositories/${id}/keyfile`);
        assert.equal(status, 200);
        assert.match(text, /^BORG_KEY /);
        await given().delete(`/api/repositories/${id}`);
        const input = { name: fresh("k"), path, passphrase: PASSPHRASE, keyfile_content: text };
        const imported = await given().post("/api/repositories/import", input);
        assert.deepEqual([imported.status, imported.body.repository?.encryption], [200, "keyfile"]);
      });
    });

    describe("at BorgBase", () => {
      let borgBase: Subject;
      before(async () => {
        borgBase = await Subject.start({ storage: true });
      });
      after(() => borgBase?.close());

      /** A connection to a new repository at BorgBase, which the system key opens. */
      async function connect(): Promise<{ connection: number; repo: string; port: number }> {
        const { id: key, public_key } = await given().systemKey();
        const keyId = await borgBase.addKey(fresh("ui"), public_key);
        const repo = await borgBase.addRepo({ fullAccessKeys: [keyId] });
        const port = borgBase.emulator.ssh?.port ?? 0;
        const input = { host: "127.0.0.1", port, username: repo };
        const { body } = await given().post(`/api/ssh-keys/${key}/test-connection`, input);
        assert.equal(body.success, false, "BorgBase refuses the test's command");
        return { connection: body.connection.id, repo, port };
      }

      it("A connection whose test failed serves borg, and the address is built from it", async () => {
        const { connection, repo, port } = await connect();
        const { path, execution_target, id } = await created({ connection_id: connection, path: "/./repo" });
        assert.deepEqual([path, execution_target], [`ssh://${repo}@127.0.0.1:${port}/./repo`, "ssh"]);
        assert.equal((await listed(id)).execution_target, "ssh");
        const archives = await given().get(`/api/repositories/${id}/archives`);
        assert.deepEqual([archives.status, archives.body.archives], [200, []]);
      });

      it("A relative path becomes absolute", async () => {
        const { connection, repo, port } = await connect();
        const { status, error, body } = await create({ connection_id: connection, path: "rs/rel" });
        assert.deepEqual([status, error], [500, "repo.failedToInitializeRepository"]);
        assert.equal(typeof body.detail.params.error, "string");
        assert.deepEqual(await given().repositories(), []);
        const full = await created({ connection_id: connection, path: `ssh://x@y:1/./repo` });
        assert.equal(full.path, `ssh://${repo}@127.0.0.1:${port}/./repo`);
      });

      it("A changed host of a connection does not reach its repositories, until a change with the path", async () => {
        const { connection, repo, port } = await connect();
        const { id, path } = await created({ connection_id: connection, path: "/./repo" });
        await given().put(`/api/ssh-keys/connections/${connection}`, { host: "localhost" });
        assert.equal((await listed(id)).path, path);
        assert.equal((await given().put(`/api/repositories/${id}`, { path: "/./repo" })).status, 200);
        assert.equal((await listed(id)).path, `ssh://${repo}@localhost:${port}/./repo`);
      });

      it("A deleted connection leaves the repository, and borg finds no key", async () => {
        const { connection } = await connect();
        const { id } = await created({ connection_id: connection, path: "/./repo" });
        assert.equal((await given().delete(`/api/ssh-keys/connections/${connection}`)).status, 200);
        const archives = await given().get(`/api/repositories/${id}/archives`);
        assert.deepEqual([archives.status, archives.error], [500, "repo.failedToListArchives"]);
      });

      it("A repository over SSH has no permanent deletion", async () => {
        const { connection } = await connect();
        const { id, name } = await created({ connection_id: connection, path: "/./repo" });
        const input = { confirmation_phrase: name, understood: true };
        const answer = await given().post(`/api/repositories/${id}/permanent-delete`, input);
        assert.deepEqual([answer.status, answer.error], [400, "repo.permanentDeleteLocalOnly"]);
      });
    });
  });
}
