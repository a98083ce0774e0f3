import { strict as assert } from "node:assert";
import { join } from "node:path";
import { freePort, Sshd } from "../../provider/ssh/support/sshd";
import { Hosts } from "./conformance/hosts";
import { Server } from "./support";

describe("Emulator of Borg UI: newer versions", function () {
  this.timeout(60_000);
  let server: Server;
  let hosts: Hosts;
  before(async () => {
    server = await Server.start({ variants: { version: "newer" } });
    hosts = await Hosts.start(() => server);
  });
  beforeEach(async () => {
    await server.clear();
    hosts.next();
  });
  after(async () => {
    await hosts?.close();
    await server?.close();
  });

  const url = (id: number, more = "") => `/api/ssh-keys/connections/${id}/host-key${more}`;

  it("A host key is pinned after a confirmation that the host still shows it, and then enforced", async () => {
    const { id } = await hosts.deployed();
    const shown = (await server.get(url(id))).body;
    const fingerprint = hosts.sshd.hostKeys[0]?.fingerprintSha256;
    assert.deepEqual(
      [shown.status, shown.trusted_fingerprint, shown.observed_fingerprint],
      ["unknown", null, fingerprint],
    );
    const wrong = await server.post(url(id, "/trust"), { key: `${shown.observed_key}x` });
    assert.deepEqual([wrong.status, wrong.error], [409, "ssh.hostKeyChangedWhileConfirming"]);
    const trusted = await server.post(url(id, "/trust"), { key: shown.observed_key });
    assert.deepEqual([trusted.status, trusted.body.status], [200, "trusted"]);
    const [row] = await server.connections();
    assert.deepEqual([row.host_key_verified, row.host_key_fingerprint], [true, fingerprint]);

    const path = join(hosts.account.home, "repo");
    const made = await server.post("/api/repositories/", { name: "r", path, connection_id: id, encryption: "none" });
    assert.equal(made.status, 200, made.text);

    const other = await Sshd.start(hosts.host);
    try {
      await server.put(`/api/ssh-keys/connections/${id}`, { port: other.port });
      const test = (await server.post(`/api/ssh-keys/connections/${id}/test`)).body;
      assert.equal(test.status, "failed");
      assert.match(test.error, /Host key verification failed/);
      const next = { name: "s", path: `${path}2`, connection_id: id, encryption: "none" };
      assert.equal((await server.post("/api/repositories/", next)).error, "repo.failedToInitializeRepository");
      assert.equal((await server.get(url(id))).body.status, "changed");
      const forgotten = (await server.delete(url(id))).body;
      assert.deepEqual([forgotten.success, forgotten.status], [true, "unknown"]);
      assert.equal((await server.post(`/api/ssh-keys/connections/${id}/test`)).body.status, "connected");
    } finally {
      await other.stop();
    }
  });

  it("A host that shows no key is unreachable, and cannot be trusted", async () => {
    const { id } = await hosts.deployed();
    await server.put(`/api/ssh-keys/connections/${id}`, { port: await freePort() });
    assert.equal((await server.get(url(id))).body.status, "unreachable");
    const { status, error } = await server.post(url(id, "/trust"), { key: "x" });
    assert.deepEqual([status, error], [502, "ssh.failedReadHostKey"]);
  });

  it("A restricted shell is a good connection, and the list says that it is restricted", async () => {
    const box = hosts.host.account({ shell: hosts.host.boxShell() });
    const { connection } = (await hosts.deploy({}, box)).body;
    const test = (await server.post(`/api/ssh-keys/connections/${connection.id}/test`)).body;
    assert.deepEqual([test.success, test.status], [true, "connected"]);
    const [row] = await server.connections();
    assert.deepEqual([row.status, row.shell_restricted], ["connected", true]);
    const { session } = (await server.post(`/api/ssh-keys/connections/${connection.id}/diagnostics`, {})).body;
    assert.deepEqual([session.status, session.restricted], ["success", true]);
  });

  it("The routes of host keys are unknown to the measured version", async () => {
    const { id } = await hosts.deployed();
    server.emulator?.control.setVariants({ version: "2.3.0-alpha.1" });
    try {
      assert.deepEqual([(await server.get(url(id))).status, (await server.delete(url(id))).status], [404, 405]);
      assert.equal("host_key_verified" in (await server.connections())[0], false);
    } finally {
      server.emulator?.control.setVariants({ version: "newer" });
    }
  });
});
