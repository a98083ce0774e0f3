import { strict as assert } from "node:assert";
import { readFileSync, rmSync } from "node:fs";
import { createServer, type Server as NetServer } from "node:net";
import { join } from "node:path";
import { type TestAccount, TestHost } from "../../../provider/ssh/support/accounts";
import { freePort, Sshd } from "../../../provider/ssh/support/sshd";
import type { Server } from "../support";
import { material } from "./keys";

/** Deployments, tests and changes of connections, at real SSH servers. */
export function connectionTests(given: () => Server): void {
  describe("connections", () => {
    let host: TestHost;
    let sshd: Sshd;
    let account: TestAccount;
    before(async () => {
      host = new TestHost();
      sshd = await Sshd.start(host);
    });
    beforeEach(() => {
      account = host.account();
    });
    after(async () => {
      await sshd?.stop();
      host?.remove();
    });

    const target = (of: TestAccount = account, server: Sshd = sshd) => ({
      host: "127.0.0.1",
      port: server.port,
      username: of.username,
    });
    const lines = (of: TestAccount = account) =>
      readFileSync(join(of.home, ".ssh", "authorized_keys"), "utf8")
        .trim()
        .split("\n");

    async function deploy(more: Record<string, unknown> = {}, of = account) {
      const { id } = await given().systemKey();
      return given().post(`/api/ssh-keys/${id}/deploy`, { ...target(of), password: of.password, ...more });
    }

    /** Ids of a deployed connection and its key. */
    async function deployed(): Promise<{ id: number; key: number }> {
      const { connection } = (await deploy()).body;
      const [{ ssh_key_id }] = await given().connections();
      return { id: connection.id, key: ssh_key_id };
    }

    describe("deployment", () => {
      it("A deployed key logs in, and the row is listed with all its fields", async () => {
        const { status, body } = await deploy({ default_path: "/srv", use_sftp_mode: false });
        assert.equal(status, 200);
        assert.equal(body.success, true);
        assert.equal(body.message, "backend.success.ssh.sshKeyDeployed");
        const { id, ...connection } = body.connection;
        assert.deepEqual(connection, { ...target(), status: "connected", error_message: null });
        assert.equal(lines().length, 1);
        const [row] = await given().connections();
        const { created_at, last_test, last_success, ssh_key_id, ...rest } = row;
        for (const time of [created_at, last_test, last_success]) assert.ok(Date.parse(time) > 0);
        assert.deepEqual(rest, {
          id,
          ssh_key_name: "system",
          ...target(),
          use_sftp_mode: false,
          use_sudo: false,
          default_path: "/srv",
          ssh_path_prefix: null,
          mount_point: null,
          status: "connected",
          error_message: null,
          storage: null,
        });
        const key = (await given().get("/api/ssh-keys/system-key")).body.ssh_key;
        assert.deepEqual([key.id, key.connection_count, key.active_connections], [ssh_key_id, 1, 1]);
      });

      for (const use_sftp_mode of [true, false]) {
        it(`A second deployment ${use_sftp_mode ? "over SFTP" : "in a shell"} adds no line and keeps the id`, async () => {
          const first = (await deploy({ use_sftp_mode })).body.connection;
          const [{ ssh_key_id }] = await given().connections();
          const again = await given().post(`/api/ssh-keys/${ssh_key_id}/deploy`, {
            ...target(),
            password: "wrong: the key is there",
            use_sftp_mode,
          });
          assert.deepEqual([again.body.success, again.body.connection.id], [true, first.id]);
          assert.equal(lines().length, 1);
        });
      }

      it("A second deployment keeps paths that are left out, and sets use_sftp_mode back", async () => {
        await deploy({ default_path: "/a", ssh_path_prefix: "/b", mount_point: "/c", use_sftp_mode: false });
        const [{ ssh_key_id }] = await given().connections();
        await given().post(`/api/ssh-keys/${ssh_key_id}/deploy`, { ...target(), password: account.password });
        const [row] = await given().connections();
        assert.deepEqual(
          [row.default_path, row.ssh_path_prefix, row.mount_point, row.use_sftp_mode],
          ["/a", "/b", "/c", true],
        );
      });

      it("A wrong password is success false, and leaves a failed row", async () => {
        const { status, body } = await deploy({ password: "wrong" });
        assert.deepEqual([status, body.success, body.message], [200, false, "backend.success.ssh.sshKeyDeployFailed"]);
        assert.equal(body.connection.status, "failed");
        const [row] = await given().connections();
        assert.deepEqual([row.id, row.status, row.last_success], [body.connection.id, "failed", null]);
        assert.match(row.error_message, /\n/);
        assert.doesNotMatch(row.error_message, /wrong/);
      });

      for (const [name, place] of [
        ["A closed port", async () => ({ port: await freePort() })],
        ["An unknown name", async () => ({ host: "no-such-host.invalid" })],
        ["A port that does not exist", async () => ({ port: 99_999 })],
      ] as const) {
        it(`${name} is accepted as input, and leaves a failed row`, async () => {
          const { status, body } = await deploy(await place());
          assert.deepEqual([status, body.success, body.connection.status], [200, false, "failed"]);
          assert.equal((await given().connections()).length, 1);
        });
      }

      for (const name of ["[::1]", "ssh://h", "a b", "u@h", "h:22", ""]) {
        it(`The host ${JSON.stringify(name)} is a bad input, and leaves no row`, async () => {
          const { status, body } = await deploy({ host: name });
          assert.equal(status, 422);
          assert.deepEqual(body.detail[0].loc, ["body", "host"]);
          assert.deepEqual(await given().connections(), []);
        });
      }

      it("A key that needs a passphrase is deployed as connected, and fails the test", async () => {
        const locked = await material("a passphrase");
        const { ssh_key } = (await given().post("/api/ssh-keys", { name: "locked", ...locked })).body;
        const path = `/api/ssh-keys/${ssh_key.id}`;
        const made = await given().post(`${path}/deploy`, { ...target(), password: account.password });
        assert.deepEqual([made.body.success, made.body.connection.status], [true, "connected"]);
        const tested = await given().post(`${path}/test-connection`, target());
        assert.deepEqual([tested.body.success, tested.body.connection.status], [false, "failed"]);
      });

      it("Other lines of authorized_keys stay, also without an end of the last line", async () => {
        await deploy();
        const other = (await material()).public_key;
        const { writeFileSync } = await import("node:fs");
        writeFileSync(join(account.home, ".ssh", "authorized_keys"), `from="10.0.0.1" ${other}`);
        const [{ ssh_key_id }] = await given().connections();
        await given().post(`/api/ssh-keys/${ssh_key_id}/deploy`, { ...target(), password: account.password });
        assert.deepEqual([lines().length, lines()[0]], [2, `from="10.0.0.1" ${other}`]);
      });
    });

    describe("restricted hosts", () => {
      const facts = [
        ["an account for SFTP alone", () => sftpOnly(), [true, true, false], [false, false]],
        ["a storage box", () => host.account({ shell: host.boxShell() }), [true, false, false], [false, true]],
      ] as const;
      let sftpServer: Sshd;
      before(async () => {
        sftpServer = await Sshd.start(host, { config: "ForceCommand internal-sftp" });
      });
      after(() => sftpServer?.stop());
      const sftpOnly = () => host.account();

      for (const [name, make, [first, second, inShell], [test, space]] of facts) {
        it(`The deployments, test and storage of ${name} are told as Borg UI tells them`, async () => {
          const of = make();
          const server = name.startsWith("a storage") ? sshd : sftpServer;
          const key = await given().systemKey();
          const once = async (use_sftp_mode: boolean) => {
            const input = { ...target(of, server), password: of.password, use_sftp_mode };
            return (await given().post(`/api/ssh-keys/${key.id}/deploy`, input)).body.success;
          };
          assert.equal(await once(true), first, "first");
          const [{ id }] = await given().connections();
          const tested = (await given().post(`/api/ssh-keys/connections/${id}/test`)).body;
          assert.deepEqual([tested.success, tested.status], [test, test ? "connected" : "failed"]);
          const { success } = (await given().post(`/api/ssh-keys/connections/${id}/refresh-storage`)).body;
          assert.equal(success, space, "storage");
          assert.equal(await once(true), second, "again");
          rmSync(join(of.home, ".ssh"), { recursive: true });
          assert.equal(await once(false), inShell, "in a shell");
        });
      }

      it("The diagnostics of a restricted host are ssh_command_failed, and of a refused key authentication_failed", async () => {
        const box = host.account({ shell: host.boxShell() });
        const { connection } = (await deploy({}, box)).body;
        const path = `/api/ssh-keys/connections/${connection.id}/diagnostics`;
        const restricted = (await given().post(path, {})).body;
        assert.deepEqual([restricted.session.status, restricted.session.error], ["failed", "ssh_command_failed"]);
        rmSync(join(box.home, ".ssh"), { recursive: true });
        const refused = (await given().post(path, {})).body;
        assert.deepEqual([refused.session.status, refused.session.error], ["failed", "authentication_failed"]);
        const [row] = await given().connections();
        assert.equal(row.status, "connected", "diagnostics store nothing");
      });
    });

    describe("tests", () => {
      it("A test of a target without a row makes one: the way without a password", async () => {
        const { id } = await given().systemKey();
        const { status, body } = await given().post(`/api/ssh-keys/${id}/test-connection`, target());
        assert.deepEqual([status, body.success, body.connection.status], [200, false, "failed"]);
        assert.equal(body.message, "backend.success.ssh.connectionTestFailed");
        const again = await given().post(`/api/ssh-keys/${id}/test-connection`, target());
        assert.equal(again.body.connection.id, body.connection.id);
        const [row] = await given().connections();
        assert.deepEqual([row.ssh_key_id, row.use_sftp_mode, row.use_sudo], [id, true, false]);
      });

      it("A status changes with the next test, not by itself", async () => {
        const { id } = await deployed();
        rmSync(join(account.home, ".ssh"), { recursive: true });
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
        await Promise.all([1, 2, 3].map(() => given().post(`/api/ssh-keys/${id}/test-connection`, target())));
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
        const { id } = await deployed();
        const asked = { target: { host: "127.0.0.1", port: sshd.port } };
        const { status, body } = await given().post(`/api/ssh-keys/connections/${id}/diagnostics`, asked);
        assert.equal(status, 200);
        assert.equal(body.connection.id, id);
        assert.deepEqual([body.session.status, body.session.output], ["success", account.home]);
        assert.equal(body.latency.status, "success");
        assert.equal(body.throughput.status, "success");
        assert.equal(typeof body.throughput.mbps, "number");
        assert.notEqual(body.tcp, null);
      });

      it("The diagnostics name the reason of a failed contact", async () => {
        const { id } = await deployed();
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
          const { id } = await deployed();
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
        const { id } = await deployed();
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
        rmSync(join(account.home, ".ssh"), { recursive: true });
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
        const { id } = await deployed();
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
        const { id, key } = await deployed();
        const other = (await given().post(`/api/ssh-keys/${key}/test-connection`, { ...target(), username: "nobody" }))
          .body;
        await given().put(`/api/ssh-keys/connections/${other.connection.id}`, { username: account.username });
        await given().put(`/api/ssh-keys/connections/${id}`, { status: "failed", ssh_key_id: 0, password: "x" });
        const rows = await given().connections();
        assert.deepEqual(
          rows.map((row) => [row.username, row.status, row.ssh_key_id]),
          [
            [account.username, "connected", key],
            [account.username, "failed", key],
          ],
        );
      });

      it("A deletion removes the row and leaves the key on the host", async () => {
        const { id } = await deployed();
        const gone = await given().delete(`/api/ssh-keys/connections/${id}`);
        assert.deepEqual([gone.status, gone.body.message], [200, "backend.success.ssh.connectionDeleted"]);
        assert.equal(lines().length, 1);
        const again = await given().delete(`/api/ssh-keys/connections/${id}`);
        assert.deepEqual([again.status, again.error], [404, "ssh.sshConnectionNotFound"]);
        assert.equal((await given().get(`/api/ssh-keys/connections/${id}`)).status, 404, "no route reads one row");
      });

      it("A deleted key leaves failed connections without a key, and the next test links them to the new key", async () => {
        const { id, key } = await deployed();
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
          ...target(),
          password: account.password,
        });
        const path = `/api/ssh-keys/connections/${made.body.connection.id}/redeploy`;
        const without = await given().post(path, { password: account.password });
        assert.deepEqual([without.status, without.error], [404, "ssh.noSystemKeyFound"]);
        const system = await given().systemKey();
        const failed = await given().post(path, { password: "wrong" });
        assert.deepEqual([failed.status, failed.body.success], [200, false]);
        assert.equal(typeof failed.body.error, "string");
        const { status, body } = await given().post(path, { password: account.password });
        assert.deepEqual([status, body], [200, { success: true, message: "backend.success.ssh.sshKeyDeployed" }]);
        assert.equal((await given().connections())[0].ssh_key_id, system.id);
        assert.equal(lines().length, 2);
      });
    });

    describe("quick setup", () => {
      it("A quick setup makes a key of its own, and its answer has no id of the connection", async () => {
        const input = { name: "quick", key_type: "ed25519", ...target(), password: account.password };
        const { status, body } = await given().post("/api/ssh-keys/quick-setup", input);
        assert.equal(status, 200);
        assert.deepEqual(body.connection, { ...target(), status: "connected" });
        assert.deepEqual(Object.keys(body.ssh_key).sort(), ["id", "key_type", "name", "public_key"]);
        const again = await given().post("/api/ssh-keys/quick-setup", input);
        assert.equal(again.status, 500, "a name once used");
        assert.match(again.text, /INSERT INTO ssh_keys/, "the answer holds a statement");
      });

      it("A failed quick setup leaves a key and a failed row", async () => {
        const input = { name: "quick", key_type: "ed25519", ...target(), password: "wrong", use_sftp_mode: false };
        const { status, error } = await given().post("/api/ssh-keys/quick-setup", input);
        assert.deepEqual([status, error], [500, "ssh.keyGeneratedButDeployFailed"]);
        const [row] = await given().connections();
        assert.deepEqual([row.status, row.ssh_key_name, row.use_sftp_mode], ["failed", "quick", true]);
      });

      it("A quick setup without a password deploys nothing", async () => {
        const { body } = await given().post("/api/ssh-keys/quick-setup", {
          name: "quick",
          key_type: "ed25519",
          ...target(),
        });
        assert.equal(body.message, "backend.success.ssh.sshKeyGeneratedDeploymentSkipped");
        assert.deepEqual(await given().connections(), []);
      });
    });
  });
}

/** A server that accepts connections and says nothing. */
export async function silentServer(): Promise<{ port: number; close(): void }> {
  const sockets = new Set<{ destroy(): void }>();
  const server: NetServer = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return {
    port: address.port,
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
