import { strict as assert } from "node:assert";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startBorgUi } from "../../../emulator/borgui";
import { Server } from "./support";

describe("Emulator of Borg UI: options", () => {
  const open: Server[] = [];
  async function start(options: Parameters<typeof Server.start>[0] = {}): Promise<Server> {
    const server = await Server.start(options);
    open.push(server);
    return server;
  }
  afterEach(async () => {
    for (const server of open.splice(0)) await server.close();
  });

  it("The personal token of the start is good, and the password is the given one", async () => {
    const server = await start({ password: "of my own" });
    assert.equal(server.password, "of my own");
    const token = server.emulator?.token ?? "";
    assert.equal((await server.get("/api/ssh-keys", { token })).status, 200);
  });

  it("A data folder keeps rows, tokens, sessions and ids", async () => {
    const dataDir = await mkdtemp(join(tmpdir(), "borg-ui-test-"));
    try {
      const first = await start({ dataDir });
      const { id } = await first.systemKey();
      await first.post("/api/repositories/", { name: "r", path: "r", encryption: "none" });
      const facts = [first.password, first.emulator?.token, first.session];
      const rows = await first.repositories();
      await assert.rejects(startBorgUi({ dataDir }), /process|emulator/, "one process at a time");
      await first.close();
      open.splice(0);

      const second = await start({ dataDir });
      assert.deepEqual([second.password, second.emulator?.token], facts.slice(0, 2));
      assert.deepEqual((await second.get("/api/repositories/", { token: first.session })).body.repositories, rows);
      await second.delete(`/api/ssh-keys/${id}`);
      await second.close();
      open.splice(0);

      const third = await start({ dataDir });
      assert.equal((await third.systemKey()).id, id + 1);
    } finally {
      for (const server of open.splice(0)) await server.close();
      await rm(dataDir, { recursive: true });
    }
  });

  it("A session ends after its lifetime", async () => {
    const server = await start({ variants: { sessionSeconds: 60 } });
    const { access_token, expires_in } = (await server.logInAs(server.username, server.password)).body;
    assert.equal(expires_in, 60);
    server.emulator?.control.setClock(new Date(Date.now() + 61_000).toISOString());
    assert.equal((await server.get("/api/ssh-keys", { token: access_token })).status, 401);
  });

  it("Checks of secrets take their time one after the other, and sessions none", async () => {
    const server = await start({ variants: { checkMs: 150 } });
    const token = server.emulator?.token ?? "";
    const started = performance.now();
    await Promise.all([1, 2, 3].map(() => server.get("/api/ssh-keys", { token })));
    assert.ok(performance.now() - started >= 440);
  });

  it("The login mode proxy refuses every token, and makes a viewer of an unknown name", async () => {
    const server = await start();
    server.emulator?.control.setVariants({ login: "proxy" });
    const refused = await server.get("/api/ssh-keys");
    assert.deepEqual([refused.status, refused.error], [401, "auth.proxyHeaderRequired"]);
    const headers = { "X-Forwarded-User": "new" };
    assert.equal((await server.get("/api/ssh-keys", { headers })).status, 200);
    assert.equal((await server.post("/api/ssh-keys/generate", { name: "k" }, { headers })).status, 403);
    assert.equal((await server.get("/api/auth/config", { token: null })).body.proxy_auth_enabled, true);
  });

  it("The login mode none serves everybody as the administrator", async () => {
    const server = await start();
    server.emulator?.control.setVariants({ login: "none" });
    assert.equal((await server.get("/api/settings/users", { token: null })).status, 200);
  });

  it("The plan pro allows several repositories in a backup plan", async () => {
    const server = await start({ borg: "record", variants: { plan: "pro" } });
    assert.equal((await server.get("/api/system/info")).body.feature_access.backup_plan_multi_repository, true);
    const repositories = [];
    for (const name of ["a", "b"]) {
      const made = await server.post("/api/repositories/", { name, path: `/recorded/${name}`, encryption: "none" });
      repositories.push({ repository_id: made.body.repository.id, execution_order: 1 });
    }
    const plan = await server.post("/api/backup-plans/", { name: "p", source_directories: ["/etc"], repositories });
    assert.deepEqual([plan.status, plan.body.repository_count], [201, 2]);
  });

  it("A recorded borg has passphrases and archives, without data", async () => {
    const server = await start({ borg: "record" });
    const input = { name: "r", path: "/recorded", passphrase: "right" };
    const { repository } = (await server.post("/api/repositories/", input)).body;
    await server.delete(`/api/repositories/${repository.id}`);
    const wrong = await server.post("/api/repositories/", { ...input, passphrase: "wrong" });
    assert.equal(wrong.body.already_existed, true);
    assert.equal((await server.get(`/api/repositories/${wrong.body.repository.id}/archives`)).status, 500);
  });

  it("A prefix of paths is optional in requests", async () => {
    const server = await start({ basePath: "/borg/" });
    assert.ok(server.url.endsWith("/borg"));
    assert.equal((await server.get("/api/ssh-keys")).status, 200);
    const bare = server.url.slice(0, -"/borg".length);
    assert.equal((await fetch(`${bare}/api/auth/config`)).status, 200);
  });

  it("Controls answer over HTTP where they are switched on, under allowed names alone", async () => {
    const server = await start({ control: true });
    const set = await server.post("/control/variants", { plan: "pro" }, { token: null });
    assert.deepEqual([set.status, set.body], [200, { ok: true }]);
    assert.equal((await server.get("/api/system/info")).body.plan, "pro");
    const unknown = await server.post("/control/nothing", {}, { token: null });
    assert.match(unknown.body.error, /^There is no \/control\/nothing; there are reset, /);
    const bad = await server.post("/control/fault", { kind: "odd" }, { token: null });
    assert.equal(bad.status, 400);
    const off = await start();
    assert.equal((await off.post("/control/reset", {}, { token: null })).status, 405);
  });
});
