import assert from "node:assert/strict";
import { get } from "node:http";
import { Subject } from "./support";

/** The status of a GET under another host name, which `fetch` does not send. */
function statusUnderName(address: string, host: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    get(address, { headers: { Host: host } }, (response) => resolve(response.resume().statusCode)).on("error", reject);
  });
}

describe("Emulator: HTTP", () => {
  let subject: Subject;
  const lines: string[] = [];
  before(async () => {
    subject = await Subject.start({ control: true, log: (line) => lines.push(line) });
  });
  afterEach(() => subject.control.reset());
  after(() => subject.close());

  const raw = (init: RequestInit, path = "") => fetch(subject.emulator.endpoint + path, init);
  const post = (body: string) =>
    raw({
      method: "POST",
      headers: { Authorization: `Bearer ${subject.token("fullAccess")}`, "Content-Type": "application/json" },
      body,
    });

  it("The emulator shows its schema with descriptions without a token and with a bad token", async () => {
    for (const token of [null, "nonsense"]) {
      const { data } = await subject.ask('{ __type(name: "RepoType") { fields { name description } } }', { token });
      const field = data.__type.fields.find(({ name }: { name: string }) => name === "currentUsage");
      assert.match(field.description, /MB/);
    }
  });

  it("The emulator serves its page compressed, and plain to a client that does not accept Brotli", async () => {
    const page = async (encoding: string) => {
      const response = await raw({ headers: { Accept: "text/html", "Accept-Encoding": encoding } });
      const { headers, status } = response;
      return {
        status,
        encoding: headers.get("content-encoding"),
        type: headers.get("content-type"),
        text: await response.text(),
      };
    };
    const packed = await page("gzip, deflate, br");
    const plain = await page("gzip, deflate");
    assert.deepEqual([packed.status, packed.encoding, packed.type], [200, "br", "text/html; charset=utf-8"]);
    assert.deepEqual([plain.status, plain.encoding, plain.type], [200, null, "text/html; charset=utf-8"]);
    // `assert.equal` would print a million characters on failure.
    assert.ok(plain.text === packed.text && plain.text.includes('<div id="page">'));
  });

  it("The page's tokens are for browsers on this machine, under a name of this machine", async () => {
    const address = subject.emulator.endpoint.replace("/graphql", "/graphql/accounts");
    const accounts = (await (await fetch(address)).json()) as { email: string; tokens: Record<string, string> }[];
    assert.deepEqual(
      accounts.map(({ email, tokens }) => [email, tokens.readOnly]),
      subject.emulator.accounts.map(({ email, tokens }) => [email, tokens.readOnly]),
    );
    // A page of another site may reach the emulator by a name of its own.
    assert.equal(await statusUnderName(address, "evil.example"), 403);
  });

  it("The emulator answers queries by GET and refuses mutations by GET", async () => {
    const headers = { Authorization: `Bearer ${subject.token("fullAccess")}` };
    const get = (query: string) => raw({ headers }, `?query=${encodeURIComponent(query)}`);
    assert.deepEqual(await (await get("{ repoList { id } }")).json(), { data: { repoList: [] } });
    assert.equal((await get('mutation { repoAdd(name: "r", region: "eu") { repoAdded { id } } }')).status, 405);
    assert.deepEqual(await (await get("{ repoList { id } }")).json(), { data: { repoList: [] } });
  });

  for (const [what, body] of [
    ["a body that is not JSON", "{"],
    ["a body without a query", "{}"],
    ["a batch", '[{"query":"{ isAuthenticated }"}]'],
    ["variables that are not an object", '{"query":"{ isAuthenticated }","variables":[1]}'],
    ["variables as text that is not JSON", '{"query":"{ isAuthenticated }","variables":"{"}'],
    ["a syntax error", '{"query":"{ isAuthenticated"}'],
    ["a missing variable", '{"query":"query($id: String!) { repo(repoId: $id) { id } }"}'],
    ["an unknown operation name", '{"query":"query a { isAuthenticated }","operationName":"b"}'],
    ["a body of null", "null"],
  ] as const) {
    it(`The emulator refuses ${what} with HTTP 400 and a message`, async () => {
      const response = await post(body);
      assert.equal(response.status, 400);
      const { errors } = (await response.json()) as { errors: { message: string }[] };
      assert.ok(errors[0]?.message);
    });
  }

  it("The emulator runs the operation named by operationName", async () => {
    const query = "query a { repoList { id } } query b { isAuthenticated }";
    const response = await post(JSON.stringify({ query, operationName: "b" }));
    assert.deepEqual(await response.json(), { data: { isAuthenticated: true } });
    assert.deepEqual(subject.control.counters().operations, { isAuthenticated: 1 });
  });

  it("The emulator keeps running after an aborted request", async () => {
    const { port } = subject.emulator;
    const { connect } = await import("node:net");
    const socket = connect(port, "127.0.0.1");
    socket.write("POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{");
    await new Promise((resolve) => setTimeout(resolve, 50));
    socket.destroy();
    assert.equal((await subject.ask("{ isAuthenticated }")).status, 200);
  });

  const control = (name: string, body?: unknown, type = "application/json") =>
    fetch(subject.emulator.endpoint.replace("graphql", `control/${name}`), {
      method: "POST",
      headers: { "Content-Type": type },
      body: body === undefined ? null : JSON.stringify(body),
    });

  it("The control API changes faults, clock, latency, variants, tokens and contents, reads counters, and resets all", async () => {
    const id = await subject.addRepo();
    for (const [name, body] of [
      ["clock", { now: "2031-01-01T00:00:00Z" }],
      ["latency", { ms: 1 }],
      ["variants", { zero: "null" }],
      ["content", { id, content: { currentUsage: 12.5, lastModified: "2030-12-31T00:00:00Z" } }],
      ["token", { account: "other@example.com", token: "fullAccess", expiresAt: "now" }],
      ["fault", { kind: "status", status: 503, operation: "me" }],
    ] as const) {
      const response = await control(name, body);
      assert.deepEqual([response.status, await response.json()], [200, { ok: true }], name);
    }
    const { data } = await subject.ask("{ repoList { quota currentUsage lastModified } }");
    assert.deepEqual(data.repoList, [{ quota: null, currentUsage: 12.5, lastModified: "2030-12-31T00:00:00Z" }]);
    assert.equal((await subject.ask("{ me { id } }")).status, 503);
    assert.equal((await subject.ask("{ me { id } }", { token: subject.token("fullAccess", 1) })).status, 401);
    const counters = (await (await control("counters")).json()) as { operations: Record<string, number> };
    assert.equal(counters.operations.me, 2);
    assert.equal(((await (await control("log")).json()) as unknown[]).length, 4);

    await control("reset");
    assert.equal((await subject.ask("{ me { id } }", { token: subject.token("fullAccess", 1) })).status, 200);
    assert.deepEqual((await subject.ask("{ repoList { id } }")).data.repoList, []);
  });

  for (const [what, name, body, wording] of [
    ["an unknown command", "nope", {}, /There is no \/control\/nope/],
    ["an unknown fault", "fault", { kind: "fire" }, /kind/],
    ["a property of another fault", "fault", { kind: "reset", status: 500 }, /status/],
    ["an unknown variant", "variants", { zero: "one" }, /zero/],
    ["a missing repository", "content", { id: "x", content: null }, /There is no repository x/],
    ["a missing account", "token", { account: "x", token: "readOnly" }, /There is no account x/],
    ["an invalid time", "clock", { now: "soon" }, /now/],
  ] as const) {
    it(`The control API refuses ${what} in one line`, async () => {
      const response = await control(name, body);
      assert.equal(response.status, 400);
      const { error } = (await response.json()) as { error: string };
      assert.match(error, wording);
      assert.doesNotMatch(error, /\n/);
    });
  }

  it("The control API refuses requests from web pages", async () => {
    await subject.addRepo();
    assert.equal((await control("reset", undefined, "text/plain")).status, 405);
    assert.equal((await subject.ask("{ repoList { id } }")).data.repoList.length, 1);
  });

  it("The control API is absent unless it is switched on", async () => {
    const plain = await Subject.start();
    const url = plain.emulator.endpoint.replace("graphql", "control/reset");
    const response = await fetch(url, { method: "POST", headers: { "Content-Type": "application/json" } });
    await plain.close();
    assert.equal(response.status, 404);
  });

  it("The emulator shows no token or password in its log lines, its request log or its control API", async () => {
    const [{ email, password }] = subject.emulator.accounts;
    const login =
      "mutation($u: String!, $password: String!) { login(username: $u, password: $password) { user { id } } }";
    await subject.ask(login, { token: null, variables: { u: email, password } });
    await subject.ask("query($t: String) { repoList(name: $t) { id } }", {
      variables: { t: subject.token("readOnly") },
    });
    await subject.ask("{ me { id } }", { token: "a-token-of-elsewhere" });
    await subject.addRepo({ format: "restic" });
    const { data } = await subject.ask("{ repoList { htpasswd } }");
    const shown = [...lines, JSON.stringify(subject.control.log()), await (await control("log")).text()].join("\n");
    const secrets = subject.emulator.accounts.flatMap((account) => [
      account.password,
      ...Object.values(account.tokens),
    ]);
    for (const secret of [...secrets, "a-token-of-elsewhere", data.repoList[0].htpasswd]) {
      assert.ok(!shown.includes(secret));
    }
    assert.match(lines.join("\n"), /^login 200 [\d.]+ ms anonymous$/m);
  });

  it("The emulator listens on loopback only and reports a port in use", async () => {
    const { port } = subject.emulator;
    await assert.rejects(Subject.start({ port }), { code: "EADDRINUSE", port });
  });
});
