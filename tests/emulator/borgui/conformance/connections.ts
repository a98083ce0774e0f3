import { strict as assert } from "node:assert";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { freePort } from "../../../provider/ssh/support/sshd";
import type { Server } from "../support";
import { Hosts, silentServer } from "./hosts";
import { material } from "./keys";

/** Tests, storage and changes of connections, and the quick setup. */
export function connectionTests(given: () => Server): void {
  describe("connections", () => {
    let hosts: Hosts;
    before(async () => {
      hosts = await Hosts.start(given);
    });
    beforeEach(() => hosts.next());
    after(() => hosts?.close());

    describe("tests", () => {
      it("A test of a target without a row makes one: the way without a password", async () => {
        const { id } = await given().systemKey();
        const { status, body } = await given().post(`/api/ssh-keys/${id}/test-connection`, hosts.target());
        assert.deepEqual([status, body.success, body.connection.status], [200, false, "failed"]);
        assert.equal(body.message, "backend.success.ssh.connectionTestFailed");
        const again = await given().post(`/api/ssh-keys/${id}/test-connection`, hosts.target());
        assert.equal(again.body.connection.id, body.connection.id);
        const [row] = await given().connections();
        assert.deepEqual([row.ssh_key_id, row.use_sftp_mode, row.use_sudo], [id, true, false]);
      });

      it("A status changes with the next test, not by itself", async () => {
        const { id } = await hosts.deployed();
        rmSync(join(hosts.account.home, ".ssh"), { recursive: true });
        assert.equal((await given().connections())[0].status, "connected");
        const { status, body } = await given().post(`/api/ssh-keys/connections/${id}/test`);
        assert.equal(status, 200);
        assert.deepEqual(
          [body.success, body.message, body.status],
          [false, "backend.success.ssh.connectionTestFailed", "failed"],
        );
        const [row] = await given().connections();
        assert.deepEqual([row.status, row.error_message], ["failed", body.error]);
        assert.notEqual(row.last_success, null, "the last success stays");
      });

      it("Parallel tests of one target make one row", async () => {
        const { id } = await given().systemKey();
        await Promise.all([1, 2, 3].map(() => given().post(`/api/ssh-keys/${id}/test-connection`, hosts.target())));
        assert.equal((await given().connections()).length, 1);
      });

      it("A test of an unknown connection is not found", async () => {
        const calls = ["test", "refresh-storage"].map((name) =>
          given().post(`/api/ssh-keys/connections/999999/${name}`),
        );
        const redeploy = given().post("/api/ssh-keys/connections/999999/redeploy", { password: "x" });
        for (const { status, error } of await Promise.all([...calls, redeploy])) {
          assert.deepEqual([status, error], [404, "ssh.sshConnectionNotFound"]);
        }
      });

      it("The diagnostics of a good host measure its speed, and reach another host from it", async () => {
        const { id } = await hosts.deployed();
        const asked = { target: { host: "127.0.0.1", port: hosts.sshd.port } };
        const { status, body } = await given().post(`/api/ssh-keys/connections/${id}/diagnostics`, asked);
        assert.equal(status, 200);
        assert.equal(body.connection.id, id);
        assert.deepEqual([body.session.status, body.session.output], ["success", hosts.account.home]);
        assert.equal(body.latency.status, "success");
        assert.equal(body.throughput.status, "success");
        assert.equal(typeof body.throughput.mbps, "number");
        assert.notEqual(body.tcp, null);
      });

      it("The diagnostics name the reason of a failed contact", async () => {
        const { id } = await hosts.deployed();
        const errors = [
          [{ port: await freePort() }, "connection_refused"],
          [{ host: "no-such-host.invalid" }, "dns_resolution_failed"],
        ] as const;
        for (const [change, error] of errors) {
          await given().put(`/api/ssh-keys/connections/${id}`, change);
          const { body } = await given().post(`/api/ssh-keys/connections/${id}/diagnostics`, {});
          assert.deepEqual([body.session.status, body.session.error], ["failed", error]);
          assert.deepEqual([body.tcp, body.throughput], [null, null]);
          await given().put(`/api/ssh-keys/connections/${id}`, { host: "127.0.0.1" });
        }
      });

      it("A host that accepts and says nothing is a timeout of the diagnostics", async () => {
        const silent = await silentServer();
        try {
          const { id } = await hosts.deployed();
          await given().put(`/api/ssh-keys/connections/${id}`, { port: silent.port });
          const asked = { timeout_seconds: 1 };
          const { body } = await given().post(`/api/ssh-keys/connections/${id}/diagnostics`, asked);
          assert.deepEqual([body.session.status, body.session.error], ["timeout", "timeout"]);
        } finally {
          silent.close();
        }
      });
    });

    describe("storage", () => {
      it("The free space is kept in bytes and words, and survives a failed refresh", async () => {
        const { id } = await hosts.deployed();
        const { status, body } = await given().post(`/api/ssh-keys/connections/${id}/refresh-storage`);
        assert.equal(status, 200);
        assert.deepEqual([body.success, body.message], [true, "backend.success.ssh.storageRefreshed"]);
        assert.match(body.storage.total_formatted, /^\d+\.\d\d [KMGT]?B$/);
        assert.deepEqual(Object.keys(body.storage).sort(), [
          "available",
          "available_formatted",
          "last_check",
          "percent_used",
          "total",
          "total_formatted",
          "used",
          "used_formatted",
        ]);
        assert.deepEqual((await given().connections())[0].storage, body.storage);
        rmSync(join(hosts.account.home, ".ssh"), { recursive: true });
        const failed = await given().post(`/api/ssh-keys/connections/${id}/refresh-storage`);
        assert.deepEqual(
          [failed.status, failed.body.success, failed.body.storage, failed.body.message],
          [200, false, null, "backend.errors.ssh.failedCollectStorage"],
        );
        const [row] = await given().connections();
        assert.deepEqual([row.storage, row.status], [body.storage, "connected"]);
      });
    });

    describe("changes", () => {
      it('Null keeps a value, and "" is stored', async () => {
        const { id } = await hosts.deployed();
        const path = `/api/ssh-keys/connections/${id}`;
        const set = {
          default_path: "/a",
          ssh_path_prefix: "/b",
          mount_point: "/c",
          use_sftp_mode: false,
          use_sudo: true,
        };
        const changed = await given().put(path, set);
        assert.deepEqual([changed.status, changed.body.message], [200, "backend.success.ssh.connectionUpdated"]);
        assert.equal("default_path" in changed.body.connection, false, "the answer lacks what was set");
        const fields = async () => {
          const [row] = await given().connections();
          return Object.fromEntries(Object.keys(set).map((name) => [name, row[name]]));
        };
        assert.deepEqual(await fields(), set);
        await given().put(path, { default_path: null, use_sudo: null });
        assert.deepEqual(await fields(), set);
        await given().put(path, { default_path: "", ssh_path_prefix: "", mount_point: "", use_sudo: false });
        assert.deepEqual(await fields(), {
          default_path: "",
          ssh_path_prefix: "",
          mount_point: "",
          use_sftp_mode: false,
          use_sudo: false,
        });
      });

      it("A changed host keeps the status of the old one, and may equal another row", async () => {
        const { id, key } = await hosts.deployed();
        const other = (
          await given().post(`/api/ssh-keys/${key}/test-connection`, { ...hosts.target(), username: "nobody" })
        ).body;
        await given().put(`/api/ssh-keys/connections/${other.connection.id}`, { username: hosts.account.username });
        await given().put(`/api/ssh-keys/connections/${id}`, { status: "failed", ssh_key_id: 0, password: "x" });
        const rows = await given().connections();
        assert.deepEqual(
          rows.map((row) => [row.username, row.status, row.ssh_key_id]),
          [
            [hosts.account.username, "connected", key],
            [hosts.account.username, "failed", key],
          ],
        );
      });

      it("A deletion removes the row and leaves the key on the host", async () => {
        const { id } = await hosts.deployed();
        const gone = await given().delete(`/api/ssh-keys/connections/${id}`);
        assert.deepEqual([gone.status, gone.body.message], [200, "backend.success.ssh.connectionDeleted"]);
        assert.equal(hosts.lines().length, 1);
        const again = await given().delete(`/api/ssh-keys/connections/${id}`);
        assert.deepEqual([again.status, again.error], [404, "ssh.sshConnectionNotFound"]);
        assert.equal((await given().get(`/api/ssh-keys/connections/${id}`)).status, 404, "no route reads one row");
      });

      it("A deleted key leaves failed connections without a key, and the next test links them to the new key", async () => {
        const { id, key } = await hosts.deployed();
        assert.equal((await given().delete(`/api/ssh-keys/${key}`)).status, 200);
        const [row] = await given().connections();
        assert.deepEqual([row.ssh_key_id, row.ssh_key_name, row.status], [null, null, "failed"]);
        assert.match(row.error_message, /system/);
        const without = await given().post(`/api/ssh-keys/connections/${id}/test`);
        assert.deepEqual([without.status, without.error], [404, "ssh.noSystemKeyFound"]);
        const next = await given().systemKey();
        const tested = await given().post(`/api/ssh-keys/connections/${id}/test`);
        assert.equal(tested.body.success, false, "the new key is not on the host");
        assert.equal((await given().connections())[0].ssh_key_id, next.id);
      });

      it("A redeployment uses the system key, whatever key the row had", async () => {
        const own = await material();
        const { ssh_key } = (await given().post("/api/ssh-keys", { name: "own", ...own })).body;
        const made = await given().post(`/api/ssh-keys/${ssh_key.id}/deploy`, {
          ...hosts.target(),
          password: hosts.account.password,
        });
        const path = `/api/ssh-keys/connections/${made.body.connection.id}/redeploy`;
        const without = await given().post(path, { password: hosts.account.password });
        assert.deepEqual([without.status, without.error], [404, "ssh.noSystemKeyFound"]);
        const system = await given().systemKey();
        const failed = await given().post(path, { password: "wrong" });
        assert.deepEqual([failed.status, failed.body.success], [200, false]);
        assert.equal(typeof failed.body.error, "string");
        const { status, body } = await given().post(path, { password: hosts.account.password });
        assert.deepEqual([status, body], [200, { success: true, message: "backend.success.ssh.sshKeyDeployed" }]);
        assert.equal((await given().connections())[0].ssh_key_id, system.id);
        assert.equal(hosts.lines().length, 2);
      });
    });

    describe("quick setup", () => {
      it("A quick setup makes a key of its own, and its answer has no id of the connection", async () => {
        const input = { name: "quick", key_type: "ed25519", ...hosts.target(), password: hosts.account.password };
        const { status, body } = await given().post("/api/ssh-keys/quick-setup", input);
        assert.equal(status, 200);
        assert.deepEqual(body.connection, { ...hosts.target(), status: "connected" });
        assert.deepEqual(Object.keys(body.ssh_key).sort(), ["id", "key_type", "name", "public_key"]);
        const again = await given().post("/api/ssh-keys/quick-setup", input);
        assert.equal(again.status, 500, "a name once used");
        assert.match(again.text, /INSERT INTO ssh_keys/, "the answer holds a statement");
      });

      it("A failed quick setup leaves a key and a failed row", async () => {
        const input = {
          name: "quick",
          key_type: "ed25519",
          ...hosts.target(),
          password: "wrong",
          use_sftp_mode: false,
        };
        const { status, error } = await given().post("/api/ssh-keys/quick-setup", input);
        assert.deepEqual([status, error], [500, "ssh.keyGeneratedButDeployFailed"]);
        const [row] = await given().connections();
        assert.deepEqual([row.status, row.ssh_key_name, row.use_sftp_mode], ["failed", "quick", true]);
      });

      it("A quick setup without a password deploys nothing", async () => {
        const { body } = await given().post("/api/ssh-keys/quick-setup", {
          name: "quick",
          key_type: "ed25519",
          ...hosts.target(),
        });
        assert.equal(body.message, "backend.success.ssh.sshKeyGeneratedDeploymentSkipped");
        assert.deepEqual(await given().connections(), []);
      });
    });
  });
}
