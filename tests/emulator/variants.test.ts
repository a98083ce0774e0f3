import assert from "node:assert/strict";
import type { Variants } from "../../emulator";
import { Subject } from "./support";

describe("emulator: behaviours that the evidence leaves open", () => {
  let subject: Subject;
  before(async () => {
    subject = await Subject.start();
  });
  afterEach(() => subject.control.reset());
  after(() => subject.close());

  const given = (variants: Partial<Variants>) => subject.control.setVariants(variants);
  const first = async (fields: string) => (await subject.ask(`{ repoList { ${fields} } }`)).data.repoList[0];

  for (const [unset, value] of [
    ["empty", ""],
    ["null", null],
  ] as const) {
    it(`unset=${unset}: dates and secrets that are not there are ${JSON.stringify(value)}`, async () => {
      given({ unset });
      await subject.addKey();
      await subject.addRepo();
      assert.deepEqual(await first("lastModified htpasswd vgerToken"), {
        lastModified: value,
        htpasswd: value,
        vgerToken: value,
      });
      assert.equal((await subject.ask("{ sshList { lastUsedAt } }")).data.sshList[0].lastUsedAt, value);
    });
  }

  it("zero=null: a quota and an alert that are off are null, others are not", async () => {
    given({ zero: "null" });
    await subject.addRepo({ quota: 5 });
    assert.deepEqual(await first("quota alertDays"), { quota: 5, alertDays: null });
  });

  it("emptyKeys=null: a list without keys is null, one with keys is not", async () => {
    given({ emptyKeys: "null" });
    const key = await subject.addKey();
    await subject.addRepo({ rsyncKeys: [key] });
    assert.deepEqual(await first("fullAccessKeys appendOnlyKeys rsyncKeys"), {
      fullAccessKeys: null,
      appendOnlyKeys: null,
      rsyncKeys: [key],
    });
  });

  for (const [nameMatch, names] of [
    ["contains", ["Web", "web-1", "my-web"]],
    ["prefix", ["Web", "web-1"]],
    ["exact", ["Web"]],
  ] as const) {
    it(`nameMatch=${nameMatch}: "Web" finds ${names.join(", ")}`, async () => {
      given({ nameMatch });
      for (const name of ["Web", "web-1", "my-web", "db"]) {
        await subject.addRepo({ name });
        await subject.addKey(name);
      }
      const { data } = await subject.ask('{ repoList(name: "Web") { name } sshList(name: "Web") { name } }');
      assert.deepEqual(
        data.repoList,
        names.map((name) => ({ name })),
      );
      assert.deepEqual(data.sshList, data.repoList);
    });
  }

  it("listOrder and keyOrder: as added, reversed, or shuffled without losing one", async () => {
    const names = Array.from({ length: 20 }, (_, index) => `r${index}`);
    const keys = [];
    for (const name of names) keys.push(await subject.addKey(name));
    for (const name of names) await subject.addRepo({ name, fullAccessKeys: keys });
    const listed = async () => {
      const { data } = await subject.ask("{ repoList { name fullAccessKeys } sshList { name } }");
      return {
        repos: data.repoList.map((repo: { name: string }) => repo.name),
        keys: data.sshList.map((key: { name: string }) => key.name),
        ids: data.repoList[0].fullAccessKeys,
      };
    };
    assert.deepEqual(await listed(), { repos: names, keys: names, ids: keys });
    given({ listOrder: "reversed", keyOrder: "reversed" });
    assert.deepEqual(await listed(), { repos: names.toReversed(), keys: names.toReversed(), ids: keys.toReversed() });
    given({ listOrder: "shuffled", keyOrder: "shuffled" });
    const shuffled = await listed();
    assert.notDeepEqual(shuffled, { repos: names, keys: names, ids: keys });
    assert.deepEqual(shuffled.repos.toSorted(), names.toSorted());
    assert.deepEqual(shuffled.ids.toSorted(), keys.toSorted());
  });

  for (const badToken of ["401", "403"] as const) {
    for (const [errorBody, type, content] of [
      ["errors", "application/json", /^\{"errors":\[\{"message":"Invalid or expired token"\}\]\}$/],
      ["detail", "application/json", /^\{"detail":"Invalid or expired token"\}$/],
      ["html", "text/html", /^<html>/],
    ] as const) {
      it(`badToken=${badToken}, errorBody=${errorBody}`, async () => {
        given({ badToken, errorBody });
        const answer = await subject.ask("{ repoList { id } }", { token: "nonsense" });
        assert.equal(answer.status, Number(badToken));
        assert.equal(answer.headers.get("content-type"), type);
        assert.match(answer.text, content);
      });
    }
  }

  it("badToken=200: HTTP 200, errors, null data", async () => {
    given({ badToken: "200" });
    const answer = await subject.ask("{ repoList { id } }", { token: "nonsense" });
    assert.deepEqual([answer.status, answer.data], [200, { repoList: null }]);
    assert.deepEqual(answer.errors, ["Invalid or expired token"]);
  });

  it("lowLevel=403: nothing of the request is done", async () => {
    given({ lowLevel: "403" });
    const token = subject.token("createOnly");
    const answer = await subject.ask(
      'mutation { repoAdd(name: "r", region: "eu") { repoAdded { id } } repoDelete(id: "x") { ok } }',
      { token },
    );
    assert.equal(answer.status, 403);
    assert.deepEqual((await subject.ask("{ repoList { id } }", { token })).data.repoList, []);
  });

  it("refusedQuery=200: a query the schema refuses is HTTP 200 with errors and no data", async () => {
    assert.equal((await subject.ask("{ nope }")).status, 400);
    given({ refusedQuery: "200" });
    const answer = await subject.ask("{ nope }");
    assert.deepEqual([answer.status, answer.data, answer.errors.length], [200, undefined, 1]);
  });

  it("missing=null: null instead of an error, for every operation that names an id", async () => {
    given({ missing: "null" });
    for (const [query, data] of [
      ['{ repo(repoId: "x") { id } }', { repo: null }],
      ['mutation { repoEdit(id: "x", alertDays: 1) { repoEdited { id } } }', { repoEdit: null }],
      ['mutation { repoDelete(id: "x") { ok } }', { repoDelete: null }],
      ['mutation { sshDelete(id: "1") { ok } }', { sshDelete: null }],
    ] as const) {
      const answer = await subject.ask(query);
      assert.deepEqual([answer.data, answer.errors], [data, []]);
    }
  });

  for (const [sshDeleteId, accepted] of [
    ["both", ["Int", "String"]],
    ["int", ["Int"]],
    ["string", ["String"]],
  ] as const) {
    it(`sshDeleteId=${sshDeleteId}: takes variables and literals of ${accepted.join(" and ")}`, async () => {
      given({ sshDeleteId });
      for (const type of ["Int", "String"] as const) {
        const status = (accepted as readonly string[]).includes(type) ? 200 : 400;
        const byVariable = Number(await subject.addKey());
        const id = type === "Int" ? byVariable : String(byVariable);
        const query = `mutation($id: ${type}!) { sshDelete(id: $id) { ok } }`;
        assert.equal((await subject.ask(query, { variables: { id } })).status, status, `${type}! variable`);
        const literal = JSON.stringify(type === "Int" ? Number(await subject.addKey()) : await subject.addKey());
        assert.equal(
          (await subject.ask(`mutation { sshDelete(id: ${literal}) { ok } }`)).status,
          status,
          `${type} literal`,
        );
      }
    });
  }

  it("nullableVariables: String for String! runs, or is refused; a value that is missing fails either way", async () => {
    const query = "mutation($n: String, $r: String) { repoAdd(name: $n, region: $r) { repoAdded { name } } }";
    const variables = { n: "old client", r: "eu" };
    assert.equal((await subject.ask(query, { variables })).data.repoAdd.repoAdded.name, "old client");
    const missing = await subject.ask(query, { variables: { n: "old client" } });
    assert.deepEqual([missing.data.repoAdd, missing.errors.length], [null, 1]);
    given({ nullableVariables: "refused" });
    assert.equal((await subject.ask(query, { variables })).status, 400);
  });

  it("sshDeleteId=both still wants an id that cannot be null", async () => {
    const answer = await subject.ask("mutation($id: String) { sshDelete(id: $id) { ok } }", { variables: { id: "1" } });
    assert.equal(answer.status, 400);
  });

  it("resticPath: with and without the password", async () => {
    const id = await subject.addRepo({ format: "restic" });
    const { htpasswd } = await first("htpasswd");
    const address = `127.0.0.1:${subject.emulator.port}/${id}/`;
    assert.equal((await first("repoPath")).repoPath, `rest:http://${id}:${htpasswd}@${address}`);
    given({ resticPath: "plain" });
    assert.equal((await first("repoPath")).repoPath, `rest:http://${address}`);
  });

  it("newer: fields nobody asked for, and values nobody knows", async () => {
    given({ newer: true });
    const id = await subject.addRepo({ region: "ap", format: "vykar", borgVersion: "V_2_0_X" });
    const answer = await subject.ask("{ repoList { id server { region } } }");
    const [repo] = answer.data.repoList;
    assert.deepEqual([repo.id, repo.server.region, repo.addedLater, repo.server.addedLater], [id, "ap", "new", "new"]);
  });

  it("repoLimit: the wording of an account that is full (kiwix/borg-backup)", async () => {
    given({ repoLimit: 1 });
    await subject.addRepo();
    const answer = await subject.ask('mutation { repoAdd(name: "r", region: "eu") { repoAdded { id } } }');
    assert.deepEqual([answer.status, answer.data], [200, { repoAdd: null }]);
    assert.deepEqual(answer.errors, ["Over quota or too many repos."]);
  });

  it("refuses a behaviour that does not exist, and changes nothing", async () => {
    assert.throws(() => given({ missing: "nothing" as "null", zero: "null" }));
    await subject.addRepo();
    assert.equal((await first("quota")).quota, 0);
  });
});
