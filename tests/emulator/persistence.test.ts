import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Subject } from "./support";

describe("emulator: what it keeps", () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "emulator-test-"));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  const EVERYTHING = `{ sshList { id name keyData comment hashMd5 hashSha256 bits keyType addedAt }
    repoList { id name region format quota htpasswd fullAccessKeys createdAt compactionHour currentUsage } }`;

  it("has accounts, tokens, keys and repositories again after a restart", async () => {
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

  it("calls tokens by the level they were made with, also after one was changed", async () => {
    const first = await Subject.start({ dataDir: folder });
    const { accounts } = first.emulator;
    first.control.changeToken({ account: "demo@example.com", token: "fullAccess", level: "readOnly" });
    await first.close();
    const second = await Subject.start({ dataDir: folder });
    assert.deepEqual(second.emulator.accounts, accounts);
    await second.close();
  });

  it("takes accounts that it is given", async () => {
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

  it("is readable by its owner only, holds tokens in one file, and leaves no file half written", async () => {
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

  it("writes soon, without being closed", async () => {
    const subject = await Subject.start({ dataDir: folder });
    const id = await subject.addRepo();
    const saved = async () => (await readFile(join(folder, "state.json"), "utf8").catch(() => "")).includes(id);
    for (let time = 0; time < 100 && !(await saved()); time++) await new Promise((resolve) => setTimeout(resolve, 20));
    assert.ok(await saved());
    await subject.close();
  });

  it("goes on saving after a write that failed", async () => {
    const subject = await Subject.start({ dataDir: folder });
    await rm(folder, { recursive: true });
    const warned = once(process, "warning");
    await subject.addRepo();
    assert.match(String((await warned)[0]), /cannot save its data: ENOENT/);
    await mkdir(folder);
    const id = await subject.addRepo();
    await subject.close();
    assert.ok((await readFile(join(folder, "state.json"), "utf8")).includes(id));
  });

  it("refuses a data folder with something else in it, in one line, and leaves it alone", async () => {
    for (const content of ["not JSON", '{"keys":1}']) {
      await writeFile(join(folder, "state.json"), content);
      await assert.rejects(
        Subject.start({ dataDir: folder }),
        /^Error: .*state\.json is not what the emulator writes: [^\n]*$/,
      );
      assert.equal(await readFile(join(folder, "state.json"), "utf8"), content);
    }
  });

  it("stays fast with a thousand repositories: 500 edits and a list of all", async () => {
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
    // Several times what a slow machine needs: this is to catch a write or a search per request.
    assert.ok(edits < 5000, `500 edits took ${Math.round(edits)} ms`);
    assert.ok(lists < 1000, `a list took ${Math.round(lists)} ms`);
  });
});
