import { strict as assert } from "node:assert";
import { existsSync } from "node:fs";
import type { Server } from "../support";
import { fresh, PASSPHRASE, Repositories } from "./repository";

/** Changes and deletions of repositories, their schedules of checks, and key files. */
export function repositoryChangeTests(given: () => Server): void {
  describe("repositories that exist", () => {
    const repositories = new Repositories(given);

    describe("changes", () => {
      it('Null keeps a value, [] clears a list, "" a text, and null the upload limit alone', async () => {
        const { id } = await repositories.created({
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
        const kept = await repositories.listed(id);
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
        const cleared = await repositories.listed(id);
        assert.deepEqual(
          [cleared.source_directories, cleared.exclude_patterns, cleared.custom_flags, cleared.remote_path],
          [[], [], "", ""],
        );
        assert.equal(cleared.upload_ratelimit_kib, null);
      });

      it("Passphrase and encryption are ignored without a word, and the mode is not checked", async () => {
        const { id } = await repositories.created();
        const changed = await given().put(`/api/repositories/${id}`, {
          passphrase: "x",
          encryption: "none",
          mode: "odd",
        });
        assert.equal(changed.status, 200);
        const row = await repositories.listed(id);
        assert.deepEqual([row.encryption, row.mode], ["repokey", "odd"]);
        assert.equal((await given().get(`/api/repositories/${id}/archives`)).status, 200);
      });

      it("A new name must be free", async () => {
        const [one, two] = [await repositories.created(), await repositories.created()];
        const taken = await given().put(`/api/repositories/${two.id}`, { name: one.name });
        assert.deepEqual([taken.status, taken.error], [400, "repo.repositoryNameExists"]);
        assert.equal((await given().put(`/api/repositories/${two.id}`, { name: two.name })).status, 200);
      });

      it("A new path starts a new repository, and the old one stays", async () => {
        const { id, path } = await repositories.created();
        const moved = `${path}-moved`;
        assert.equal((await given().put(`/api/repositories/${id}`, { path: moved })).status, 200);
        assert.equal((await repositories.listed(id)).path, moved);
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
        const { id, path } = await repositories.created();
        const gone = await given().delete(`/api/repositories/${id}`);
        assert.deepEqual([gone.status, gone.body.message], [200, "backend.success.repo.repositoryDeleted"]);
        assert.ok(existsSync(`${path}/config`));
        assert.equal((await given().delete(`/api/repositories/${id}`)).status, 404);
      });

      it("A permanent deletion asks for the name, and removes the folder", async () => {
        const { id, name, path } = await repositories.created();
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
        const { id, name, path } = await repositories.created();
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
        const { id } = await repositories.created();
        const url = `/api/repositories/${id}/check-schedule`;
        const cron = await given().put(url, { cron_expression: "often" });
        assert.deepEqual([cron.status, cron.error], [400, "repo.invalidCronExpression"]);
        const zone = await given().put(url, { timezone: "Mars/Olympus" });
        assert.deepEqual([zone.status, zone.error], [400, "schedule.invalidTimezone"]);
      });
    });

    describe("key files", () => {
      it("A repository without a key file has none to give", async () => {
        const { id } = await repositories.created();
        const { status, error } = await given().get(`/api/repositories/${id}/keyfile`);
        assert.deepEqual([status, error], [404, "repo.repoHasNoKeyfile"]);
      });

      it("A repository of mode keyfile gives its key, and an import takes it", async () => {
        const { id, path } = await repositories.created({ encryption: "keyfile" });
        assert.equal((await repositories.listed(id)).has_keyfile, true);
        const { status, text } = await given().get(`/api/repositories/${id}/keyfile`);
        assert.equal(status, 200);
        assert.match(text, /^BORG_KEY /);
        await given().delete(`/api/repositories/${id}`);
        const input = { name: fresh("k"), path, passphrase: PASSPHRASE, keyfile_content: text };
        const imported = await given().post("/api/repositories/import", input);
        assert.deepEqual([imported.status, imported.body.repository?.encryption], [200, "keyfile"]);
      });
    });
  });
}
