import assert from "node:assert/strict";
import { once } from "node:events";
import { appendFile, cp, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Subject } from "./support";

describe("Emulator: data folder", () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "emulator-test-"));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  const EVERYTHING = `{ sshList { id name keyData comment hashMd5 hashSha256 bits keyType addedAt }
    repoList { id name region format quota htpasswd fullAccessKeys createdAt compactionHour currentUsage } }`;

  it("The emulator restores accounts, tokens, keys and repositories after a restart", async () => {
    const first = await Subject.start({ dataDir: folder });
    const key = await first.addKey();
    const id = await first.addRepo({ format: "restic", quota: 7, fullAccessKeys: [key], compactionHour: 3 });
    await first.addRepo({ name: "of the other" }, first.token("createOnly", 1));
    first.control.setContent(id, { currentUsage: 3.5, lastModified: null });
    const { accounts } = first.emulator;
    const before = (await first.ask(EVERYTHING)).text;
    await first.close();

    const second = await Subject.start({ dataDir: folder });
    assert.deepEqual(second.emulator.accounts, accounts);
    assert.equal((await second.ask(EVERYTHING)).text, before);
    const newKey = await second.addKey();
    await second.close();
    assert.ok(Number(newKey) > Number(key), "ids go on");
  });

  it("The emulator lists a token under its original level after a change and a restart", async () => {
    const first = await Subject.start({ dataDir: folder });
    const { accounts } = first.emulator;
    first.control.changeToken({ account: "demo@example.com", token: "fullAccess", level: "readOnly" });
    await first.close();
    const second = await Subject.start({ dataDir: folder });
    assert.deepEqual(second.emulator.accounts, accounts);
    await second.close();
  });

  it("The emulator uses the accounts given at its start", async () => {
    const tokens = { readOnly: "r", createOnly: "c", fullAccess: "f" };
    const account = { email: "me@example.com", password: "p", tokens };
    const other = {
      ...account,
      email: "you@example.com",
      tokens: { readOnly: "r2", createOnly: "c2", fullAccess: "f2" },
    };
    const subject = await Subject.start({ accounts: [account, other] });
    assert.deepEqual(subject.emulator.accounts, [account, other]);
    assert.equal((await subject.ask("{ me { username } }", { token: "f2" })).data.me.username, "you@example.com");
    await subject.close();
  });

  it("The data folder is readable by its owner only, keeps tokens in one file and holds no partial file", async () => {
    const subject = await Subject.start({ dataDir: join(folder, "data") });
    await subject.addRepo();
    await subject.close();
    assert.deepEqual((await readdir(join(folder, "data"))).toSorted(), ["accounts.json", "state.json"]);
    assert.equal((await stat(join(folder, "data"))).mode & 0o777, 0o700);
    for (const name of ["accounts.json", "state.json"]) {
      assert.equal((await stat(join(folder, "data", name))).mode & 0o777, 0o600, name);
    }
    const state = await readFile(join(folder, "data", "state.json"), "utf8");
    for (const { tokens, password } of subject.emulator.accounts) {
      for (const secret of [password, ...Object.values(tokens)]) assert.ok(!state.includes(secret));
    }
  });

  it("The emulator acknowledges no change that it could not save, and saves again after a failed write", async () => {
    const subject = await Subject.start({ dataDir: folder });
    await rm(folder, { recursive: true });
    const warned = once(process, "warning");
    const refused = await subject.ask('mutation { repoAdd(name: "r", region: "eu") { repoAdded { id } } }');
    assert.deepEqual([refused.status, refused.errors], [500, ["The emulator cannot save its data: ENOENT"]]);
    assert.match(String((await warned)[0]), /cannot save its data: ENOENT/);
    await mkdir(folder);
    const id = await subject.addRepo();
    const saved = await readFile(join(folder, "state.json"), "utf8");
    assert.ok(saved.includes(id), "what a failed write left out is written with the next one");
    await subject.close();
    assert.ok((await readFile(join(folder, "state.json"), "utf8")).includes(id));
  });

  /** The content that a `kill -9` would leave at this moment. */
  async function afterKill(): Promise<Subject> {
    const copy = await mkdtemp(join(tmpdir(), "emulator-killed-"));
    for (const name of ["accounts.json", "state.json", "changes.jsonl"]) {
      await cp(join(folder, name), join(copy, name)).catch(() => {});
    }
    const subject = await Subject.start({ dataDir: copy });
    after(() => rm(copy, { recursive: true, force: true }));
    return subject;
  }

  it("The emulator saves a change before it answers", async () => {
    const subject = await Subject.start({ dataDir: folder });
    const gone = await subject.addKey("gone");
    const key = await subject.addKey();
    const id = await subject.addRepo({ fullAccessKeys: [gone, key] });
    const deleted = await subject.addRepo();
    await subject.ask(`mutation { repoEdit(id: "${id}", alertDays: 9) { repoEdited { id } } }`);
    await subject.ask(`mutation { sshDelete(id: ${gone}) { ok } repoDelete(id: "${deleted}") { ok } }`);
    const shown = (await subject.ask(EVERYTHING)).text;
    const killed = await afterKill();
    assert.equal((await killed.ask(EVERYTHING)).text, shown);
    assert.deepEqual(killed.emulator.accounts, subject.emulator.accounts);
    assert.equal(await killed.addKey(), String(Number(key) + 1), "ids go on");
    await killed.close();
    await subject.control.reset();
    await subject.addRepo({ name: "after a reset" });
    const again = await afterKill();
    assert.equal(
      (await again.ask("{ repoList { name } sshList { id } }")).text,
      (await subject.ask("{ repoList { name } sshList { id } }")).text,
    );
    await again.close();
    await subject.close();
  });

  it("The emulator drops a change line that a kill truncated, and appends the next change on a new line", async () => {
    const subject = await Subject.start({ dataDir: folder });
    const id = await subject.addRepo();
    await appendFile(join(folder, "changes.jsonl"), '{"repo":{"id":"abc');
    const killed = await afterKill();
    const next = await killed.addRepo();
    const { data } = await killed.ask("{ repoList { id } }");
    assert.deepEqual(data.repoList, [{ id }, { id: next }]);
    await killed.close();
    await subject.close();
  });

  it("The emulator compacts its change log before the log grows without limit", async function () {
    this.timeout(300_000);
    const subject = await Subject.start({ dataDir: folder });
    const id = await subject.addRepo({ name: "x".repeat(200) });
    const edit = (days: number) =>
      subject.ask(`mutation { repoEdit(id: "${id}", alertDays: ${days}) { repoEdited { id } } }`);
    for (let index = 0; index < 3000; index += 50) {
      await Promise.all(Array.from({ length: 50 }, (_, offset) => edit(index + offset)));
    }
    await edit(7);
    const { size } = await stat(join(folder, "changes.jsonl")).catch(() => ({ size: 0 }));
    assert.ok(size < 1_200_000, String(size));
    const killed = await afterKill();
    assert.equal((await killed.ask("{ repoList { alertDays } }")).data.repoList[0].alertDays, 7);
    await killed.close();
    await subject.close();
  });

  it("The emulator refuses a data folder with foreign content in one line and leaves it unchanged", async () => {
    for (const content of ["not JSON", '{"keys":1}']) {
      await writeFile(join(folder, "state.json"), content);
      await assert.rejects(
        Subject.start({ dataDir: folder }),
        /^Error: .*state\.json is not what the emulator writes: [^\n]*$/,
      );
      assert.equal(await readFile(join(folder, "state.json"), "utf8"), content);
    }
  });

  it("The emulator stays fast with a thousand repositories: 500 edits and a full list", async () => {
    const subject = await Subject.start({ dataDir: folder });
    const add = (index: number) => subject.addRepo({ name: `r${index}` });
    const timed = async (work: () => Promise<unknown>) => {
      const started = performance.now();
      await work();
      return performance.now() - started;
    };
    for (let index = 0; index < 1000; index += 50) {
      await Promise.all(Array.from({ length: 50 }, (_, offset) => add(index + offset)));
    }
    const list = () =>
      subject.ask("{ repoList { id name quota fullAccessKeys lastModified currentUsage server { region } } }");
    const { data } = await list();
    assert.equal(data.repoList.length, 1000);
    const edits = await timed(async () => {
      for (let index = 0; index < 500; index += 50) {
        const ids = data.repoList.slice(index, index + 50).map((repo: { id: string }) => repo.id);
        const edit = (id: string) =>
          subject.ask(`mutation { repoEdit(id: "${id}", alertDays: 9) { repoEdited { id } } }`);
        await Promise.all(ids.map(edit));
      }
    });
    const lists = await timed(list);
    await subject.close();
    // Several times the need of a slow machine: the limit catches one full write or search per request.
    assert.ok(edits < 30_000, `500 edits took ${Math.round(edits)} ms`);
    assert.ok(lists < 10_000, `a list took ${Math.round(lists)} ms`);
  });
});
