import { strict as assert } from "node:assert";
import { existsSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import type { BorgUi, BorgUiFaultInput } from "../../../emulator/borgui";
import { silentServer } from "./conformance/hosts";
import { Server } from "./support";

describe("Emulator of Borg UI: faults", () => {
  let server: Server;
  let emulator: BorgUi;
  let silent: Awaited<ReturnType<typeof silentServer>>;
  before(async () => {
    server = await Server.start({ connectMs: 700 });
    if (!server.emulator) throw new Error("no emulator");
    emulator = server.emulator;
    silent = await silentServer();
  });
  beforeEach(() => emulator.control.reset());
  after(async () => {
    await server?.close();
    silent?.close();
  });

  const target = () => ({ host: "127.0.0.1", port: silent.port, username: "u" });
  const statuses = async () => (await server.connections()).map(({ status }) => status);

  /** Waits until the only connection has a status. */
  async function reaches(status: string): Promise<void> {
    while ((await statuses())[0] !== status) await delay(20);
  }

  /** Asks under a fault. A client without an answer gives up after 3 s. */
  function under(fault: BorgUiFaultInput, method: string, path: string, body?: unknown) {
    emulator.control.addFault({ operation: `${method} ${path}`, ...fault });
    return server
      .ask(method, path, body, { signal: AbortSignal.timeout(3000) })
      .catch((error: Error & { cause?: unknown }) => String(error.cause ?? error.name));
  }

  const RESET = /ECONNRESET|other side closed/;

  it("A deployment goes on after its client has given up, and ends as failed", async () => {
    const { id } = await server.systemKey();
    const input = { ...target(), password: "x" };
    const gone = server.post(`/api/ssh-keys/${id}/deploy`, input, { signal: AbortSignal.timeout(200) });
    await reaches("testing");
    await assert.rejects(gone, { name: "TimeoutError" });
    await reaches("failed");
  });

  it("A server that is killed within a deployment leaves the status testing for ever", async () => {
    const { id } = await server.systemKey();
    const path = `/api/ssh-keys/${id}/deploy`;
    assert.match(String(await under({ kind: "crash" }, "POST", path, { ...target(), password: "x" })), RESET);
    await delay(1000);
    assert.deepEqual(await statuses(), ["testing"]);
  });

  it("A server that is killed within a creation leaves a repository without a row, and the repeat takes it", async () => {
    const input = { name: "r", path: "killed", passphrase: "first" };
    assert.match(String(await under({ kind: "crash" }, "POST", "/api/repositories/", input)), RESET);
    assert.deepEqual(await server.repositories(), []);
    const { status, body } = await server.post("/api/repositories/", { ...input, passphrase: "second" });
    assert.deepEqual([status, body.already_existed], [200, true]);
    assert.ok(existsSync(`${body.repository.path}/config`));
  });

  it("A request that is stopped goes to its end, and new connections are refused", async () => {
    const stopped = await Server.start({ connectMs: 700 });
    const { id } = await stopped.systemKey();
    const answer = stopped.post(`/api/ssh-keys/${id}/deploy`, { ...target(), password: "x" });
    while ((await stopped.connections())[0]?.status !== "testing") await delay(20);
    const closed = stopped.close();
    assert.deepEqual([(await answer).status, (await answer).body.connection.status], [200, "failed"]);
    await closed;
    await assert.rejects(fetch(stopped.url), (error: Error) => /ECONNREFUSED/.test(String(error.cause)));
  });

  it("The fault lost does the work without an answer, and the repeat finds the name taken", async () => {
    const input = { name: "k", public_key: "ssh-ed25519 AAAA k", private_key: "x" };
    assert.match(String(await under({ kind: "lost" }, "POST", "/api/ssh-keys", input)), RESET);
    const again = await server.post("/api/ssh-keys", input);
    assert.deepEqual([again.status, again.error], [400, "ssh.keyNameAlreadyExists"]);
  });

  it("The fault reset does no work", async () => {
    assert.match(String(await under({ kind: "reset" }, "POST", "/api/ssh-keys/generate", { name: "k" })), RESET);
    assert.equal((await server.get("/api/ssh-keys/system-key")).body.exists, false);
  });

  for (const work of [false, true]) {
    it(`The fault silence never answers, and ${work ? "does the work" : "does no work"} with work=${work}`, async () => {
      const path = "/api/ssh-keys/generate";
      const body = { name: "k", key_type: "ed25519" };
      assert.equal(await under({ kind: "silence", work }, "POST", path, body), "TimeoutError");
      assert.equal((await server.get("/api/ssh-keys/system-key")).body.exists, work);
    });
  }

  it("The fault status is a page of a proxy, with Retry-After", async () => {
    const answer = await under({ kind: "status", status: 502, retryAfter: "3" }, "GET", "/api/repositories/");
    if (typeof answer === "string") throw new Error(answer);
    assert.deepEqual([answer.status, answer.headers.get("retry-after")], [502, "3"]);
    assert.match(answer.text, /^<html>/);
  });

  it("The faults truncated and foreign answer what the API never sends", async () => {
    assert.equal(await under({ kind: "truncated" }, "GET", "/api/repositories/"), "SyntaxError");
    const foreign = await under({ kind: "foreign" }, "GET", "/api/repositories/");
    assert.deepEqual(typeof foreign === "string" ? foreign : foreign.body, { status: "ok" });
  });

  it("The fault slow sends the whole answer in small pieces", async () => {
    assert.equal(await under({ kind: "slow", bytesPerSecond: 1 }, "GET", "/api/repositories/"), "TimeoutError");
    const whole = await under({ kind: "slow", bytesPerSecond: 1000 }, "GET", "/api/repositories/");
    assert.deepEqual(typeof whole === "string" ? whole : whole.body, { success: true, repositories: [] });
  });

  it("The fault expire ends the session of its request, and a new login is good", async () => {
    const { access_token } = (await server.logInAs(server.username, server.password)).body;
    emulator.control.addFault({ kind: "expire" });
    const token = access_token;
    assert.equal((await server.get("/api/ssh-keys", { token })).status, 401);
    assert.equal((await server.get("/api/ssh-keys", { token })).status, 401);
    const next = (await server.logInAs(server.username, server.password)).body.access_token;
    assert.equal((await server.get("/api/ssh-keys", { token: next })).status, 200);
  });

  it("A fault for one route hits its requests alone, with any id", async () => {
    emulator.control.addFault({ kind: "status", status: 503, operation: "GET /api/ssh-keys/*", skip: 1, count: 2 });
    const asked = [];
    for (const path of ["1", "2", "system-key", "3", "4"])
      asked.push((await server.get(`/api/ssh-keys/${path}`)).status);
    assert.deepEqual(asked, [404, 503, 200, 503, 404]);
  });

  it("Requests are counted by method and path", async () => {
    emulator.control.resetRequests();
    await server.get("/api/repositories/");
    await server.get("/api/repositories/");
    assert.deepEqual(emulator.control.requests(), { "GET /api/repositories/": 2 });
  });
});
