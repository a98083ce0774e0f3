import assert from "node:assert/strict";
import type { Variants } from "../../emulator";
import { Subject } from "./support";

describe("Emulator: server variants", () => {
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
    it(`The variant unset=${unset} shows missing dates and secrets as ${JSON.stringify(value)}`, async () => {
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

  it("The variant zero=null shows a disabled quota and alert as null, and keeps set ones", async () => {
    given({ zero: "null" });
    await subject.addRepo({ quota: 5 });
    assert.deepEqual(await first("quota alertDays"), { quota: 5, alertDays: null });
  });

  it("The variant emptyKeys=null shows an empty key list as null, and keeps other lists", async () => {
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
    it(`The variant nameMatch=${nameMatch} finds ${names.join(", ")} for the name "Web"`, async () => {
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

  it("The variants listOrder and keyOrder keep, reverse or shuffle lists without losing an element", async () => {
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
      it(`The variants badToken=${badToken} and errorBody=${errorBody} shape the answer to a bad token`, async () => {
        given({ badToken, errorBody });
        const answer = await subject.ask("{ repoList { id } }", { token: "nonsense" });
        assert.equal(answer.status, Number(badToken));
        assert.equal(answer.headers.get("content-type"), type);
        assert.match(answer.text, content);
      });
    }
  }

  it("The variant badToken=200 answers a bad token with HTTP 200, errors and null data", async () => {
    given({ badToken: "200" });
    const answer = await subject.ask("{ repoList { id } }", { token: "nonsense" });
    assert.deepEqual([answer.status, answer.data], [200, { repoList: null }]);
    assert.deepEqual(answer.errors, ["Invalid or expired token"]);
  });

  it("The variant lowLevel=403 refuses a whole request without doing any part of it", async () => {
    given({ lowLevel: "403" });
    const token = subject.token("createOnly");
    const answer = await subject.ask(
      'mutation { repoAdd(name: "r", region: "eu") { repoAdded { id } } repoDelete(id: "x") { ok } }',
      { token },
    );
    assert.equal(answer.status, 403);
    assert.deepEqual((await subject.ask("{ repoList { id } }", { token })).data.repoList, []);
  });

  it("The variant refusedQuery=200 answers an invalid query with HTTP 200, errors and no data", async () => {
    assert.equal((await subject.ask("{ nope }")).status, 400);
    given({ refusedQuery: "200" });
    const answer = await subject.ask("{ nope }");
    assert.deepEqual([answer.status, answer.data, answer.errors.length], [200, undefined, 1]);
  });

  it("The variant missing=null answers null instead of an error for every operation with an id", async () => {
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
    it(`The variant sshDeleteId=${sshDeleteId} accepts variables and literals of ${accepted.join(" and ")}`, async () => {
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

  it("The variant nullableVariables accepts or refuses String for String!, and a missing value fails in both", async () => {
    const query = "mutation($n: String, $r: String) { repoAdd(name: $n, region: $r) { repoAdded { name } } }";
    const variables = { n: "old client", r: "eu" };
    assert.equal((await subject.ask(query, { variables })).data.repoAdd.repoAdded.name, "old client");
    const missing = await subject.ask(query, { variables: { n: "old client" } });
    assert.deepEqual([missing.data.repoAdd, missing.errors.length], [null, 1]);
    given({ nullableVariables: "refused" });
    assert.equal((await subject.ask(query, { variables })).status, 400);
  });

  it("The variant sshDeleteId=both refuses a nullable id", async () => {
    const answer = await subject.ask("mutation($id: String) { sshDelete(id: $id) { ok } }", { variables: { id: "1" } });
    assert.equal(answer.status, 400);
  });

  it("The variant resticPath shows the repository address with or without the password", async () => {
    const id = await subject.addRepo({ format: "restic" });
    const { htpasswd } = await first("htpasswd");
    const address = `127.0.0.1:${subject.emulator.port}/${id}/`;
    assert.equal((await first("repoPath")).repoPath, `rest:http://${id}:${htpasswd}@${address}`);
    given({ resticPath: "plain" });
    assert.equal((await first("repoPath")).repoPath, `rest:http://${address}`);
  });

  it("The variant newer adds unrequested fields and unknown values", async () => {
    given({ newer: true });
    const id = await subject.addRepo({ region: "ap", format: "vykar", borgVersion: "V_2_0_X" });
    const answer = await subject.ask("{ repoList { id server { region } } }");
    const [repo] = answer.data.repoList;
    assert.deepEqual([repo.id, repo.server.region, repo.addedLater, repo.server.addedLater], [id, "ap", "new", "new"]);
  });

  it("The variant repoLimit answers as a full account does (wording from kiwix/borg-backup)", async () => {
    given({ repoLimit: 1 });
    await subject.addRepo();
    const answer = await subject.ask('mutation { repoAdd(name: "r", region: "eu") { repoAdded { id } } }');
    assert.deepEqual([answer.status, answer.data], [200, { repoAdd: null }]);
    assert.deepEqual(answer.errors, ["Over quota or too many repos."]);
  });

  it("The emulator refuses an unknown variant and changes no other variant", async () => {
    assert.throws(() => given({ missing: "nothing" as "null", zero: "null" }));
    await subject.addRepo();
    assert.equal((await first("quota")).quota, 0);
  });
});
