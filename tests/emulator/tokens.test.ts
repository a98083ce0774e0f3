import assert from "node:assert/strict";
import type { TokenLevel } from "../../emulator";
import { Subject } from "./support";

const NO_PERMISSION = "You do not have permission to perform this action";

/** Every root field with the levels that may use it, from borgbase/docs.borgbase.com, api.md. */
const OPERATIONS: Record<string, { query: (ids: { key: string; repo: string }) => string; levels: TokenLevel[] }> = {
  sshList: { query: () => "{ sshList { id } }", levels: ["readOnly", "createOnly", "fullAccess"] },
  repoList: { query: () => "{ repoList { id } }", levels: ["readOnly", "createOnly", "fullAccess"] },
  repo: { query: ({ repo }) => `{ repo(repoId: "${repo}") { id } }`, levels: ["readOnly", "fullAccess"] },
  me: { query: () => "{ me { username } }", levels: ["readOnly", "fullAccess"] },
  overageList: { query: () => "{ overageList { date } }", levels: ["readOnly", "fullAccess"] },
  repoAdd: {
    query: () => 'mutation { repoAdd(name: "x", region: "eu") { repoAdded { id } } }',
    levels: ["createOnly", "fullAccess"],
  },
  sshAdd: {
    query: () =>
      'mutation { sshAdd(name: "x", keyData: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBAt/X37WDQ3cNPEVHQBsW3lH7XPeea5rUoeXuhoTkzR") { keyAdded { id } } }',
    levels: ["createOnly", "fullAccess"],
  },
  repoEdit: {
    query: ({ repo }) => `mutation { repoEdit(id: "${repo}", alertDays: 1) { repoEdited { id } } }`,
    levels: ["fullAccess"],
  },
  repoCompact: { query: ({ repo }) => `mutation { repoCompact(id: "${repo}") { ok } }`, levels: ["fullAccess"] },
  repoDelete: { query: ({ repo }) => `mutation { repoDelete(id: "${repo}") { ok } }`, levels: ["fullAccess"] },
  sshDelete: { query: ({ key }) => `mutation { sshDelete(id: "${key}") { ok } }`, levels: ["fullAccess"] },
};

describe("Emulator: tokens", () => {
  let subject: Subject;
  let ids: { key: string; repo: string };
  before(async () => {
    subject = await Subject.start();
  });
  beforeEach(async () => {
    await subject.control.reset();
    ids = { key: await subject.addKey(), repo: await subject.addRepo() };
  });
  after(() => subject.close());

  const holdings = async () => (await subject.ask("{ repoList { id alertDays } sshList { id } }")).data;

  for (const level of ["readOnly", "createOnly", "fullAccess"] as const) {
    for (const [name, { query, levels }] of Object.entries(OPERATIONS)) {
      const may = levels.includes(level);
      it(`A ${level} token ${may ? "may" : "may not"} use ${name}`, async () => {
        const before = await holdings();
        const answer = await subject.ask(query(ids), { token: subject.token(level) });
        assert.equal(answer.status, 200);
        assert.deepEqual(answer.errors, may ? [] : [NO_PERMISSION]);
        if (may) return;
        assert.equal(answer.data[name], null);
        assert.deepEqual(await holdings(), before, "nothing has changed");
      });
    }
  }

  it("The emulator reports a valid token in isAuthenticated and requires a token for every other field", async () => {
    for (const level of ["readOnly", "createOnly", "fullAccess"] as const) {
      assert.equal(
        (await subject.ask("{ isAuthenticated }", { token: subject.token(level) })).data.isAuthenticated,
        true,
      );
    }
    assert.equal((await subject.ask("{ isAuthenticated }", { token: null })).data.isAuthenticated, false);
    assert.deepEqual((await subject.ask("{ repoList { id } }", { token: null })).errors, [NO_PERMISSION]);
  });

  it("The emulator refuses an unknown token, and an expired token from its expiry on", async () => {
    assert.equal((await subject.ask("{ repoList { id } }", { token: "nonsense" })).status, 401);
    const change = { account: "demo@example.com", token: "readOnly", expiresAt: "2030-01-01T00:00:00Z" } as const;
    subject.control.changeToken(change);
    const ask = () => subject.ask("{ repoList { id } }", { token: subject.token("readOnly") });
    subject.control.setClock("2029-12-31T23:59:00Z");
    assert.equal((await ask()).status, 200);
    subject.control.setClock("2030-01-01T00:00:00Z");
    assert.equal((await ask()).status, 401);
    assert.equal((await subject.ask("{ repoList { id } }")).status, 200, "others are as they were");
  });

  it("A change of a token's level takes effect at the next request", async () => {
    subject.control.changeToken({ account: "demo@example.com", token: "fullAccess", level: "createOnly" });
    assert.deepEqual((await subject.ask("{ me { username } }")).errors, [NO_PERMISSION]);
    await subject.control.reset();
    assert.deepEqual((await subject.ask("{ me { username } }")).errors, []);
  });

  it("The emulator refuses a login with a wrong password and keeps other sessions open", async () => {
    const answer = await subject.ask(
      'mutation { login(username: "demo@example.com", password: "wrong") { user { id } } }',
      { token: null },
    );
    assert.deepEqual([answer.data.login, answer.errors.length], [null, 1]);
    assert.equal(answer.headers.get("set-cookie"), null);
  });
});
