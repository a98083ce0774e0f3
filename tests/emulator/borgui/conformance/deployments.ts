import { strict as assert } from "node:assert";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { freePort, Sshd } from "../../../provider/ssh/support/sshd";
import type { Server } from "../support";
import { Hosts } from "./hosts";
import { material } from "./keys";

/** Deployments of keys with a password, at real SSH servers. */
export function deploymentTests(given: () => Server): void {
  describe("deployments", () => {
    let hosts: Hosts;
    before(async () => {
      hosts = await Hosts.start(given);
    });
    beforeEach(() => hosts.next());
    after(() => hosts?.close());

    describe("deployment", () => {
      it("A deployed key logs in, and the row is listed with all its fields", async () => {
        const { status, body } = await hosts.deploy({ default_path: "/srv", use_sftp_mode: false });
        assert.equal(status, 200);
        assert.equal(body.success, true);
        assert.equal(body.message, "backend.success.ssh.sshKeyDeployed");
        const { id, ...connection } = body.connection;
        assert.deepEqual(connection, { ...hosts.target(), status: "connected", error_message: null });
        assert.equal(hosts.lines().length, 1);
        const [row] = await given().connections();
        const { created_at, last_test, last_success, ssh_key_id, ...rest } = row;
        for (const time of [created_at, last_test, last_success]) assert.ok(Date.parse(time) > 0);
        assert.deepEqual(rest, {
          id,
          ssh_key_name: "system",
          ...hosts.target(),
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
          const first = (await hosts.deploy({ use_sftp_mode })).body.connection;
          const [{ ssh_key_id }] = await given().connections();
          const again = await given().post(`/api/ssh-keys/${ssh_key_id}/deploy`, {
            ...hosts.target(),
            password: "wrong: the key is there",
            use_sftp_mode,
          });
          assert.deepEqual([again.body.success, again.body.connection.id], [true, first.id]);
          assert.equal(hosts.lines().length, 1);
        });
      }

      it("A second deployment keeps paths that are left out, and sets use_sftp_mode back", async () => {
        await hosts.deploy({ default_path: "/a", ssh_path_prefix: "/b", mount_point: "/c", use_sftp_mode: false });
        const [{ ssh_key_id }] = await given().connections();
        await given().post(`/api/ssh-keys/${ssh_key_id}/deploy`, {
          ...hosts.target(),
          password: hosts.account.password,
        });
        const [row] = await given().connections();
        assert.deepEqual(
          [row.default_path, row.ssh_path_prefix, row.mount_point, row.use_sftp_mode],
          ["/a", "/b", "/c", true],
        );
      });

      it("A wrong password is success false, and leaves a failed row", async () => {
        const { status, body } = await hosts.deploy({ password: "wrong" });
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
          const { status, body } = await hosts.deploy(await place());
          assert.deepEqual([status, body.success, body.connection.status], [200, false, "failed"]);
          assert.equal((await given().connections()).length, 1);
        });
      }

      for (const name of ["[::1]", "ssh://h", "a b", "u@h", "h:22", ""]) {
        it(`The host ${JSON.stringify(name)} is a bad input, and leaves no row`, async () => {
          const { status, body } = await hosts.deploy({ host: name });
          assert.equal(status, 422);
          assert.deepEqual(body.detail[0].loc, ["body", "host"]);
          assert.deepEqual(await given().connections(), []);
        });
      }

      it("A key that needs a passphrase is deployed as connected, and fails the test", async () => {
        const locked = await material("a passphrase");
        const { ssh_key } = (await given().post("/api/ssh-keys", { name: "locked", ...locked })).body;
        const path = `/api/ssh-keys/${ssh_key.id}`;
        const made = await given().post(`${path}/deploy`, { ...hosts.target(), password: hosts.account.password });
        assert.deepEqual([made.body.success, made.body.connection.status], [true, "connected"]);
        const tested = await given().post(`${path}/test-connection`, hosts.target());
        assert.deepEqual([tested.body.success, tested.body.connection.status], [false, "failed"]);
      });

      it("Other lines of authorized_keys stay, also without an end of the last line", async () => {
        await hosts.deploy();
        const other = (await material()).public_key;
        writeFileSync(join(hosts.account.home, ".ssh", "authorized_keys"), `from="10.0.0.1" ${other}`);
        const [{ ssh_key_id }] = await given().connections();
        await given().post(`/api/ssh-keys/${ssh_key_id}/deploy`, {
          ...hosts.target(),
          password: hosts.account.password,
        });
        assert.deepEqual([hosts.lines().length, hosts.lines()[0]], [2, `from="10.0.0.1" ${other}`]);
      });
    });

    describe("restricted hosts", () => {
      const facts = [
        ["an account for SFTP alone", () => sftpOnly(), [true, true, false], [false, false]],
        [
          "a storage box",
          () => hosts.host.account({ shell: hosts.host.boxShell() }),
          [true, false, false],
          [false, true],
        ],
      ] as const;
      let sftpServer: Sshd;
      before(async () => {
        sftpServer = await Sshd.start(hosts.host, { config: "ForceCommand internal-sftp" });
      });
      after(() => sftpServer?.stop());
      const sftpOnly = () => hosts.host.account();

      for (const [name, make, [first, second, inShell], [test, space]] of facts) {
        it(`The deployments, test and storage of ${name} are told as Borg UI tells them`, async () => {
          const of = make();
          const server = name.startsWith("a storage") ? hosts.sshd : sftpServer;
          const key = await given().systemKey();
          const once = async (use_sftp_mode: boolean) => {
            const input = { ...hosts.target(of, server), password: of.password, use_sftp_mode };
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

      it("A host without logins by key is told as connected, and gets one more line each time", async () => {
        const passwordsOnly = await Sshd.start(hosts.host, { config: "PubkeyAuthentication no" });
        try {
          const key = await given().systemKey();
          const input = { ...hosts.target(hosts.account, passwordsOnly), password: hosts.account.password };
          for (const count of [1, 2]) {
            const { body } = await given().post(`/api/ssh-keys/${key.id}/deploy`, input);
            assert.deepEqual([body.success, body.connection.status], [true, "connected"]);
            assert.equal(hosts.lines().length, count);
          }
          const [{ id }] = await given().connections();
          assert.equal((await given().post(`/api/ssh-keys/connections/${id}/test`)).body.status, "failed");
        } finally {
          await passwordsOnly.stop();
        }
      });

      it("The diagnostics of a restricted host are ssh_command_failed, and of a refused key authentication_failed", async () => {
        const box = hosts.host.account({ shell: hosts.host.boxShell() });
        const { connection } = (await hosts.deploy({}, box)).body;
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
  });
}
