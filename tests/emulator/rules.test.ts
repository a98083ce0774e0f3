import assert from "node:assert/strict";
import { utils } from "ssh2";
import { KEY_LINE, Subject } from "./support";

describe("Emulator: rules of keys and repositories", () => {
  let subject: Subject;
  before(async () => {
    subject = await Subject.start();
  });
  afterEach(() => subject.control.reset());
  after(() => subject.close());

  const addKey = (keyData: string) =>
    subject.ask(
      'mutation($k: String) { sshAdd(name: "k", keyData: $k) { keyAdded { keyType bits comment keyData } } }',
      { variables: { k: keyData } },
    );

  const rsa = (bits: number) => utils.generateKeyPairSync("rsa", { bits }).public;
  const ecdsa = (bits: 256 | 384 | 521) => utils.generateKeyPairSync("ecdsa", { bits }).public;

  for (const [line, keyType, bits] of [
    [rsa(2048), "ssh-rsa", 2048],
    [rsa(1280), "ssh-rsa", 1280],
    [ecdsa(256), "ecdsa-sha2-nistp256", 256],
    [ecdsa(384), "ecdsa-sha2-nistp384", 384],
    [ecdsa(521), "ecdsa-sha2-nistp521", 521],
    [KEY_LINE, "ssh-ed25519", 256],
  ] as const) {
    it(`The emulator accepts an ${keyType} key of ${bits} bits`, async () => {
      const { data, errors } = await addKey(`${line.trim()} me@host with words\n`);
      assert.deepEqual(errors, []);
      const { keyAdded } = data.sshAdd;
      assert.deepEqual([keyAdded.keyType, keyAdded.bits], [keyType, bits]);
      assert.equal(keyAdded.keyData, line.split(" ").slice(0, 2).join(" ").trim());
      assert.match(keyAdded.comment, /me@host with words$/);
    });
  }

  const pair = utils.generateKeyPairSync("ed25519");
  for (const [what, line] of [
    ["an RSA key of 1024 bits", rsa(1024)],
    ["a private key", pair.private],
    ["two lines", `${KEY_LINE}\n${KEY_LINE}`],
    ["options before the key", `restrict ${KEY_LINE}`],
    ["a body of another type", KEY_LINE.replace("ssh-ed25519", "ssh-rsa")],
    ["a truncated body", KEY_LINE.replace(/.{8} terraform@localhost/, "")],
    ["a body with trailing characters", `${KEY_LINE.split(" ")[0]} ${KEY_LINE.split(" ")[1]}AAAA`],
    ["plain text", "hello"],
    ["an empty text", ""],
  ] as const) {
    it(`The emulator refuses ${what} as a public key and stores no key`, async () => {
      const { status, data, errors } = await addKey(line);
      assert.equal(status, 200);
      assert.match(errors.join(), /^Invalid SSH key/);
      assert.deepEqual(data, { sshAdd: null });
      assert.deepEqual((await subject.ask("{ sshList { id } }")).data.sshList, []);
    });
  }

  it("The emulator adds one key body under several names with an id each", async () => {
    const ids = [await subject.addKey("a"), await subject.addKey("b"), await subject.addKey("a")];
    assert.equal(new Set(ids).size, 3);
    assert.deepEqual(
      (await subject.ask("{ sshList { id } }")).data.sshList.map((key: { id: string }) => key.id),
      ids,
    );
  });

  it("The emulator removes a deleted key from every repository's key lists", async () => {
    const [first, second] = [await subject.addKey("a"), await subject.addKey("b")];
    await subject.addRepo({ fullAccessKeys: [first, second], appendOnlyKeys: [first], rsyncKeys: [first] });
    await subject.ask(`mutation { sshDelete(id: "${first}") { ok } }`);
    const { data } = await subject.ask("{ repoList { fullAccessKeys appendOnlyKeys rsyncKeys } }");
    assert.deepEqual(data.repoList, [{ fullAccessKeys: [second], appendOnlyKeys: [], rsyncKeys: [] }]);
  });

  it("The emulator never reuses an id, even after a reset", async () => {
    const first = await subject.addKey();
    await subject.control.reset();
    assert.notEqual(await subject.addKey(), first);
  });

  for (const [argument, wording] of [
    ['region: "mars"', "Invalid region: mars"],
    ['format: "zip"', "Invalid format: zip"],
    ['borgVersion: "V_9"', "Invalid borgVersion: V_9"],
    ["quota: -1", "Invalid quota: -1"],
    ["alertDays: -1", "Invalid alertDays: -1"],
    ["compactionInterval: 25", "Invalid compactionInterval: 25"],
    ["compactionHour: 24", "Invalid compactionHour: 24"],
    ['compactionIntervalUnit: "years"', "Invalid compactionIntervalUnit: years"],
    ['compactionHourTimezone: "Mars/Base"', "Invalid compactionHourTimezone: Mars/Base"],
    ['fullAccessKeys: ["4711"]', "SSH key 4711 not found"],
    ["appendOnlyKeys: null", "'NoneType' object is not iterable"],
  ] as const) {
    it(`The emulator refuses the argument ${argument} with HTTP 200, a message, a location and no data`, async () => {
      const rest = argument.startsWith("region") ? "" : ', region: "eu"';
      const answer = await subject.ask(`mutation { repoAdd(name: "r"${rest}, ${argument}) { repoAdded { id } } }`);
      assert.equal(answer.status, 200);
      const { errors } = JSON.parse(answer.text);
      assert.deepEqual(errors, [{ message: wording, locations: [{ line: 1, column: 12 }], path: ["repoAdd"] }]);
      assert.deepEqual(answer.data, { repoAdd: null });
      assert.deepEqual((await subject.ask("{ repoList { id } }")).data.repoList, []);
    });
  }

  it("repoEdit changes the given arguments only and reads null as 'not given'", async () => {
    const id = await subject.addRepo({ name: "before", alertDays: 3, quota: 500, quotaEnabled: true });
    const edit = `mutation($q: Int) { repoEdit(id: "${id}", alertDays: 5, quota: $q, name: null) { repoEdited {
      name alertDays quota quotaEnabled } } }`;
    const { data } = await subject.ask(edit, { variables: { q: null } });
    assert.deepEqual(data.repoEdit.repoEdited, { name: "before", alertDays: 5, quota: 500, quotaEnabled: true });
  });

  it("repoEdit refuses another region and accepts the present one", async () => {
    const id = await subject.addRepo();
    const edit = (region: string) =>
      subject.ask(`mutation { repoEdit(id: "${id}", region: "${region}") { repoEdited { region } } }`);
    assert.equal((await edit("eu")).data.repoEdit.repoEdited.region, "eu");
    assert.deepEqual((await edit("us")).errors, ["The region of a repository cannot be changed."]);
  });

  it("repoEdit has no argument for the format", async () => {
    const id = await subject.addRepo();
    const answer = await subject.ask(`mutation { repoEdit(id: "${id}", format: "restic") { repoEdited { id } } }`);
    assert.equal(answer.status, 400);
    assert.match(answer.errors.join(), /Unknown argument "format"/);
  });

  it("The emulator deletes a repository once and reports it as missing afterwards", async () => {
    const id = await subject.addRepo();
    const remove = () => subject.ask(`mutation { repoDelete(id: "${id}") { ok } }`);
    assert.deepEqual((await remove()).data, { repoDelete: { ok: true } });
    assert.deepEqual((await remove()).errors, ["Repository not found"]);
  });

  it("The emulator hides keys and repositories of other accounts", async () => {
    const keyId = await subject.addKey();
    const id = await subject.addRepo();
    const token = subject.token("fullAccess", 1);
    const ask = (query: string) => subject.ask(query, { token });
    assert.deepEqual((await ask("{ repoList { id } sshList { id } }")).data, { repoList: [], sshList: [] });
    assert.deepEqual((await ask(`{ repo(repoId: "${id}") { id } }`)).errors, ["Repository not found"]);
    assert.deepEqual((await ask(`mutation { repoDelete(id: "${id}") { ok } }`)).errors, ["Repository not found"]);
    assert.deepEqual((await ask(`mutation { sshDelete(id: "${keyId}") { ok } }`)).errors, ["SSH key not found"]);
    const stolen = `mutation { repoAdd(name: "r", region: "eu", fullAccessKeys: ["${keyId}"]) { repoAdded { id } } }`;
    assert.deepEqual((await ask(stolen)).errors, [`SSH key ${keyId} not found`]);
    assert.equal((await ask("{ me { username } }")).data.me.username, "other@example.com");
  });

  it("The emulator runs the mutations of one request in order and names the failed one", async () => {
    const { data, errors } = await subject.ask(`mutation {
      a: repoAdd(name: "a", region: "eu") { repoAdded { name } }
      b: repoAdd(name: "b", region: "mars") { repoAdded { name } }
      c: repoAdd(name: "c", region: "us") { repoAdded { name } } }`);
    assert.deepEqual(data, { a: { repoAdded: { name: "a" } }, b: null, c: { repoAdded: { name: "c" } } });
    assert.equal(errors.length, 1);
  });

  it("The emulator dates new objects by its own clock", async () => {
    subject.control.setClock("2030-02-03T04:05:06Z");
    await subject.addRepo();
    const { data } = await subject.ask("{ repoList { createdAt } }");
    assert.match(data.repoList[0].createdAt, /^2030-02-03T04:05:0/);
  });
});
