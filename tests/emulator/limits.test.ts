import assert from "node:assert/strict";
import { getIntrospectionQuery } from "graphql";
import { KEY_BODY, KEY_LINE, Subject } from "./support";

describe("Emulator: limits of a request", () => {
  let subject: Subject;
  const lines: string[] = [];
  before(async () => {
    subject = await Subject.start({ log: (line) => lines.push(line) });
  });
  after(() => subject.close());

  const repeated = (count: number, text: (index: number) => string) =>
    Array.from({ length: count }, (_, i) => text(i)).join(" ");

  /** Fragments that each spread the next fragment twice: 2^n fields in a text of n lines. */
  const doubling = (n: number) =>
    `{ ...f0 } ${repeated(n, (i) => `fragment f${i} on Query { ...f${i + 1} ...f${i + 1} }`)} fragment f${n} on Query { __typename }`;

  for (const [what, query, message] of [
    ["fragments that spread the next one twice", doubling(30), /too (complex|often)/],
    [
      "such fragments beside an aliased field",
      doubling(30).replaceAll("{ ...f", "{ a: __typename ...f"),
      /too (complex|often)/,
    ],
    ["a field ten thousand times", `{ ${repeated(10_000, () => "isAuthenticated")} }`, /too often/],
    ["a field inside thousands of fields of one name", `{ ${repeated(5000, () => "me { id }")} }`, /too often/],
    [
      "introspection within introspection",
      `{ __schema ${"{ types { fields { type ".repeat(6)} { name } ${"} } }".repeat(6)} }`,
      /./,
    ],
    [
      "introspection a thousand times",
      `{ ${repeated(1000, (i) => `a${i}: __schema { types { fields { name } } }`)} }`,
      /too complex/,
    ],
    ["deeply nested fields", `${"{ me ".repeat(3000)}{ id }${" }".repeat(3000)}`, /nested too deeply/],
    ["deeply nested lists", `{ repoList(name: ${"[".repeat(20_000)}`, /nested too deeply|token/i],
    ["too many tokens", `{ ${repeated(60_000, (i) => `a${i}`)} }`, /token/i],
    [
      "a fragment that spreads itself",
      "{ ...a } fragment a on Query { ...b } fragment b on Query { ...a }",
      /Cannot spread/,
    ],
  ] as const) {
    it(`The emulator quickly refuses a document with ${what}, also without a token`, async () => {
      const before = process.cpuUsage();
      const answer = await subject.ask(query, { token: null });
      const { user } = process.cpuUsage(before);
      assert.equal(answer.status, 400);
      assert.match(answer.errors.join(), message);
      // CPU time of client and server in this process. Without the limit it is hundreds of times as high.
      assert.ok(user < 3e6, `${Math.round(user / 1000)} ms of CPU time`);
    });
  }

  it("The emulator accepts the large documents of ordinary clients", async () => {
    assert.equal((await subject.ask(getIntrospectionQuery(), { token: null })).status, 200);
    const aliases = repeated(
      300,
      (i) => `r${i}: repoList(name: "r${i}") { id name server { hostname } fullAccessKeyList { id } }`,
    );
    assert.equal((await subject.ask(`{ ${aliases} }`)).status, 200);
    const shared = repeated(100, (i) => `r${i}: repoList { ...fields }`);
    assert.equal(
      (await subject.ask(`{ ${shared} } fragment fields on RepoType { id name region format quota }`)).status,
      200,
    );
  });

  it("The emulator's memory does not grow with many large and different documents", async function () {
    this.timeout(300_000);
    const ask = (index: number) => subject.ask(`{ isAuthenticated } # ${index} ${"x".repeat(500_000)}`);
    const many = async (count: number) => {
      for (let index = 0; index < count; index++) await ask(index);
      return process.memoryUsage().rss;
    };
    const before = await many(20);
    const grown = (await many(120)) - before;
    assert.ok(grown < 100e6, `${Math.round(grown / 1e6)} MB more`);
  });

  it("The request log shortens a large request", async () => {
    subject.control.resetCounters();
    const names = Array.from({ length: 1000 }, (_, i) => `name${i}`);
    await subject.ask("query($n: String) { repoList(name: $n) { id } }", {
      variables: {
        n: "x".repeat(1_000_000),
        many: names,
        deep: [[[[["x"]]]]],
        ...Object.fromEntries(names.map((n) => [n, n])),
      },
    });
    const size = JSON.stringify(subject.control.log()).length;
    assert.ok(size < 30_000, String(size));
    assert.ok(JSON.stringify(subject.control.log()).includes("xxxx"));
  });

  it("The request log keeps a client's text on one line", async () => {
    await subject.ask('mutation { repoAdd(name: "r", region: "x\\nforged 200 line") { repoAdded { id } } }');
    assert.ok(lines.every((line) => !line.includes("\n")));
    assert.match(lines.at(-1) ?? "", /Invalid region: x forged/);
  });

  for (const [what, name, message] of [
    ["a newline", "a\nb", /control characters/],
    ["a NUL", "a\0b", /control characters/],
    ["an escape sequence", "a\u001b[31mb", /control characters/],
    ["only blanks", "  ", /required/],
    ["256 characters", "x".repeat(256), /more than 255/],
  ] as const) {
    it(`The emulator refuses a name with ${what} in repoAdd, repoEdit and sshAdd`, async () => {
      const id = await subject.addRepo();
      for (const query of [
        'mutation($n: String!) { repoAdd(name: $n, region: "eu") { repoAdded { id } } }',
        `mutation($n: String!) { repoEdit(id: "${id}", name: $n) { repoEdited { id } } }`,
        `mutation($n: String!) { sshAdd(name: $n, keyData: "${KEY_LINE}") { keyAdded { id } } }`,
      ]) {
        const answer = await subject.ask(query, { variables: { n: name } });
        assert.match(answer.errors.join(), message, query);
      }
    });
  }

  it("The emulator accepts a name of 255 characters of any script", async () => {
    const name = "日".repeat(200) + "🗄".repeat(55);
    const id = await subject.addRepo({ name });
    assert.equal((await subject.ask(`{ repo(repoId: "${id}") { name } }`)).data.repo.name, name);
  });

  for (const [what, key] of [
    ["with a NUL in its comment", `ssh-ed25519 ${KEY_BODY} a\0b`],
    ["with a second line", `ssh-ed25519 ${KEY_BODY} a\rssh-ed25519 x`],
    ["with a comment of 20,000 characters", `ssh-ed25519 ${KEY_BODY} ${"x".repeat(20_000)}`],
  ] as const) {
    it(`The emulator refuses a key ${what}`, async () => {
      const query = 'mutation($k: String!) { sshAdd(name: "k", keyData: $k) { keyAdded { id } } }';
      assert.match((await subject.ask(query, { variables: { k: key } })).errors.join(), /Invalid SSH key/);
    });
  }
});
