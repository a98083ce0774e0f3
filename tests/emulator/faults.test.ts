import assert from "node:assert/strict";
import type { FaultInput } from "../../emulator";
import { type Answer, Subject } from "./support";

describe("Emulator: faults", () => {
  let subject: Subject;
  before(async () => {
    subject = await Subject.start();
  });
  beforeEach(() => subject.control.reset());
  after(() => subject.close());

  const ADD = 'mutation { repoAdd(name: "r", region: "eu") { repoAdded { id } } }';
  const count = async () => (await subject.ask("{ repoList { id } }")).data.repoList.length;

  /** Adds a repository under a fault. Returns the client's answer and the number of repositories afterwards. */
  async function addUnder(fault: FaultInput): Promise<{ got: Answer | Error; repos: number }> {
    subject.control.addFault({ ...fault, operation: "repoAdd" });
    // A client without an answer gives up after 3 s; the server has done its work by then.
    const got = await subject.ask(ADD, { signal: AbortSignal.timeout(3_000) }).catch((error: Error) => error);
    return { got, repos: await count() };
  }

  function answer(got: Answer | Error): Answer {
    if (got instanceof Error) throw got;
    return got;
  }

  it("The fault reset closes the connection before the work", async () => {
    const { got, repos } = await addUnder({ kind: "reset" });
    assert.match(String((got as Error).cause), /ECONNRESET|other side closed/);
    assert.equal(repos, 0);
  });

  it("The fault lost does the work and closes the connection without an answer", async () => {
    const { got, repos } = await addUnder({ kind: "lost" });
    assert.match(String((got as Error).cause), /ECONNRESET|other side closed/);
    assert.equal(repos, 1);
  });

  for (const work of [false, true]) {
    it(`The fault silence never answers and ${work ? "does the work" : "does no work"} with work=${work}`, async () => {
      const { got, repos } = await addUnder({ kind: "silence", work });
      assert.equal((got as Error).name, "TimeoutError");
      assert.equal(repos, work ? 1 : 0);
    });
  }

  it("The fault slow sends the whole answer in small pieces", async () => {
    const { got, repos } = await addUnder({ kind: "slow", bytesPerSecond: 1 });
    assert.equal((got as Error).name, "TimeoutError");
    assert.equal(repos, 1);
    subject.control.addFault({ kind: "slow", bytesPerSecond: 200 });
    const started = performance.now();
    assert.equal((await subject.ask("{ isAuthenticated }")).data.isAuthenticated, true);
    assert.ok(performance.now() - started > 150);
  });

  for (const [status, retryAfter] of [
    [429, "2"],
    [429, "Fri, 21 Nov 2036 08:00:00 GMT"],
    [429, undefined],
    [500, undefined],
    [502, undefined],
    [503, "1"],
  ] as const) {
    it(`The fault status ${status} and Retry-After ${retryAfter ?? "unset"} sends an HTML page and does no work`, async () => {
      const { got, repos } = await addUnder({ kind: "status", status, retryAfter });
      const { headers, text, ...rest } = answer(got);
      assert.deepEqual([rest.status, headers.get("retry-after")], [status, retryAfter ?? null]);
      assert.match(text, /^<html>/);
      assert.equal(repos, 0);
    });
  }

  it("The fault truncated does the work and sends half of the JSON", async () => {
    const { got, repos } = await addUnder({ kind: "truncated" });
    assert.ok(got instanceof SyntaxError);
    assert.equal(repos, 1);
  });

  it("The fault foreign answers with unrelated JSON and does no work", async () => {
    const { got, repos } = await addUnder({ kind: "foreign" });
    assert.equal(answer(got).text, '{"status":"ok"}');
    assert.equal(repos, 0);
  });

  it("The fault errors does the work and sends an error beside the data", async () => {
    const { got, repos } = await addUnder({ kind: "errors", message: "Half of it" });
    assert.match(answer(got).data.repoAdd.repoAdded.id, /^[a-z0-9]{8}$/);
    assert.deepEqual(answer(got).errors, ["Half of it"]);
    assert.equal(repos, 1);
  });

  it("The fault expire ends only the token of the request, from this request on", async () => {
    subject.control.addFault({ kind: "expire", operation: "repoAdd" });
    assert.equal((await subject.ask(ADD)).status, 401);
    assert.equal((await subject.ask("{ repoList { id } }")).status, 401);
    const other = await subject.ask("{ repoList { id } }", { token: subject.token("readOnly") });
    assert.deepEqual(other.data.repoList, []);
  });

  it("A fault applies to its operation, skips its first requests and ends after its count", async () => {
    subject.control.addFault({ kind: "status", status: 503, operation: "repoAdd", skip: 1, count: 2 });
    const statuses = [];
    for (const query of [ADD, "{ repoList { id } }", ADD, ADD, "{ repoList { id } }", ADD]) {
      statuses.push((await subject.ask(query)).status);
    }
    assert.deepEqual(statuses, [200, 200, 503, 503, 200, 200]);
    assert.deepEqual(subject.control.faults(), []);
  });

  it("A fault recognises its operation behind an alias and behind a fragment", async () => {
    subject.control.addFault({ kind: "status", status: 500, operation: "repoList", count: 2 });
    assert.equal((await subject.ask("{ mine: repoList { id } }")).status, 500);
    assert.equal((await subject.ask("query { ...all } fragment all on Query { repoList { id } }")).status, 500);
    assert.equal((await subject.ask("{ repoList: sshList { id } }")).status, 200);
  });

  it("A fault with count null applies until it is cleared", async () => {
    subject.control.addFault({ kind: "status", status: 503, count: null });
    for (let time = 0; time < 3; time++) assert.equal((await subject.ask("{ isAuthenticated }")).status, 503);
    subject.control.clearFaults();
    assert.equal((await subject.ask("{ isAuthenticated }")).status, 200);
  });

  it("The latency delays every answer and lets requests run in parallel", async () => {
    subject.control.setLatency(1_000);
    const started = performance.now();
    await Promise.all(Array.from({ length: 10 }, () => subject.ask("{ isAuthenticated }")));
    const elapsed = performance.now() - started;
    assert.ok(elapsed >= 1_000 && elapsed < 9_000, `${elapsed} ms`);
    subject.control.setLatency(60_000);
    await subject.control.reset();
    await subject.ask("{ isAuthenticated }", { signal: AbortSignal.timeout(30_000) });
  });

  it("The counters report requests, mutations, bytes, operations and parallel requests", async () => {
    subject.control.setLatency(50);
    subject.control.resetCounters();
    await Promise.all([1, 2, 3].map(() => subject.ask("{ repoList { id } sshList { id } }")));
    const { text } = await subject.ask(ADD);
    subject.control.addFault({ kind: "lost" });
    await assert.rejects(subject.ask(ADD));
    const { bytesIn, bytesOut, connections, ...counters } = subject.control.counters();
    assert.deepEqual(counters, {
      requests: 5,
      mutations: 2,
      maxConcurrent: 3,
      operations: { repoList: 3, sshList: 3, repoAdd: 2 },
    });
    assert.equal(bytesOut, 3 * '{"data":{"repoList":[],"sshList":[]}}'.length + text.length);
    assert.equal(
      bytesIn,
      3 * JSON.stringify({ query: "{ repoList { id } sshList { id } }" }).length +
        2 * JSON.stringify({ query: ADD }).length,
    );
  });

  it("The request log records the operations, the token and the outcome of a request", async () => {
    subject.control.addFault({ kind: "lost", operation: "repoDelete" });
    await subject.ask("query($n: String) { repoList(name: $n) { id } }", { variables: { n: "web" } });
    await subject.ask('{ repo(repoId: "x") { id } }', { token: subject.token("createOnly", 1) });
    await subject.ask("{ me { id } }", { token: "nonsense" });
    await assert.rejects(subject.ask('mutation { repoDelete(id: "x") { ok } }'));
    const log = subject.control.log().map(({ at, ms, ...entry }) => entry);
    const plain = { variables: {}, errors: [], fault: null };
    const demo = { account: "demo@example.com", level: "fullAccess" };
    assert.deepEqual(log, [
      { ...plain, ...demo, operations: ["repoList"], variables: { n: "web" }, status: 200 },
      {
        ...plain,
        account: "other@example.com",
        level: "createOnly",
        operations: ["repo"],
        status: 200,
        errors: ["You do not have permission to perform this action"],
      },
      { ...plain, account: null, level: null, operations: ["me"], status: 401, errors: ["Invalid or expired token"] },
      { ...plain, ...demo, operations: ["repoDelete"], status: null, fault: "lost" },
    ]);
  });
});
