import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { lockFolder } from "../../emulator/folderLock";
import { MAIN } from "../support/project";
import { Subject } from "./support";

describe("Emulator: lock of the data folder", () => {
  let folder: string;
  const children: ChildProcess[] = [];
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "emulator-lock-"));
  });
  afterEach(() => {
    for (const child of children.splice(0)) child.kill("SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  });

  /** An emulator started from the command line: its printed facts, or undefined when it exits first. */
  async function start() {
    const args = ["emulator", "--port", "0", "--ssh-port", "0", "--data", folder, "--json"];
    const child = spawn(process.execPath, [MAIN, ...args], { stdio: ["ignore", "pipe", "pipe"] });
    children.push(child);
    let out = "";
    let errors = "";
    child.stderr.setEncoding("utf8").on("data", (text) => {
      errors += text;
    });
    const closed = once(child, "close");
    const shown = new Promise<void>((resolve) => {
      child.stdout.setEncoding("utf8").on("data", (text) => {
        out += text;
        if (out.includes("\n")) resolve();
      });
    });
    await Promise.race([shown, closed]);
    if (!out.includes("\n")) return { child, errors, facts: undefined };
    return {
      child,
      errors,
      facts: JSON.parse(out) as { endpoint: string; accounts: { tokens: { fullAccess: string } }[] },
    };
  }

  it("A second emulator on a data folder is refused in one line with the process id of the first", async () => {
    const first = await Subject.start({ dataDir: folder });
    await assert.rejects(
      Subject.start({ dataDir: folder }),
      new RegExp(`^Error: ${folder} is in use by the emulator with process id ${process.pid}: [^\\n]*$`),
    );
    const { errors, child } = await start();
    assert.match(errors, new RegExp(`^pulumi-borgbase emulator: ${folder} is in use .* id ${process.pid}: .*\\n$`));
    assert.equal(child.exitCode, 1);
    const id = await first.addRepo();
    await first.close();
    const next = await Subject.start({ dataDir: folder });
    assert.deepEqual((await next.ask("{ repoList { id } }")).data.repoList, [{ id }]);
    await next.close();
  });

  it("A failed start leaves the data folder unlocked", async () => {
    writeFileSync(join(folder, "state.json"), "nonsense");
    await assert.rejects(Subject.start({ dataDir: folder }), /is not what the emulator writes/);
    rmSync(join(folder, "state.json"));
    await (await Subject.start({ dataDir: folder })).close();
    const taken = await Subject.start();
    await assert.rejects(Subject.start({ dataDir: folder, port: taken.emulator.port }), { code: "EADDRINUSE" });
    await taken.close();
    await (await Subject.start({ dataDir: folder })).close();
    assert.deepEqual(readdirSync(folder).toSorted(), ["accounts.json", "state.json"]);
  });

  it("An emulator started after kill -9 keeps every acknowledged change", async function () {
    this.timeout(300_000);
    const { child, facts } = await start();
    assert.ok(facts);
    const ended = once(child, "exit");
    const [{ tokens }] = facts.accounts as [{ tokens: { fullAccess: string } }];
    const acknowledged: string[] = [];
    const headers = { "Content-Type": "application/json", Authorization: `Bearer ${tokens.fullAccess}` };
    const add = async () => {
      const body = JSON.stringify({ query: 'mutation { repoAdd(name: "r", region: "eu") { repoAdded { id } } }' });
      const response = await fetch(facts.endpoint, { method: "POST", headers, body });
      const { data } = (await response.json()) as { data: { repoAdd: { repoAdded: { id: string } } } };
      acknowledged.push(data.repoAdd.repoAdded.id);
      // The kill comes directly after the last acknowledgement.
      if (acknowledged.length === 100) child.kill("SIGKILL");
    };
    const writer = async () => {
      for (;;) await add();
    };
    await Promise.allSettled([writer(), writer(), writer(), writer()]);
    await ended;
    const next = await Subject.start({ dataDir: folder });
    const ids = (await next.ask("{ repoList { id } }")).data.repoList.map(({ id }: { id: string }) => id);
    await next.close();
    assert.ok(acknowledged.length >= 100);
    assert.deepEqual(
      acknowledged.filter((id) => !ids.includes(id)),
      [],
    );
  });

  it("Exactly one of several emulators takes over a stale lock", async function () {
    this.timeout(300_000);
    writeFileSync(join(folder, "lock.4"), JSON.stringify({ pid: 2 ** 22 + 5, host: hostname(), started: "1" }));
    const started = await Promise.all([start(), start(), start()]);
    assert.equal(started.filter(({ facts }) => facts).length, 1);
    assert.match(started.map(({ errors }) => errors).join(""), /is in use|same moment/);
  });

  const LONG_AGO = new Date(Date.now() - 60_000);
  for (const [what, holder, date, free] of [
    ["a process that is gone", { pid: 2 ** 22 + 5, host: hostname(), started: null }, new Date(), true],
    [
      "a process whose id was reused",
      { pid: process.pid, host: hostname(), started: "1" },
      new Date(),
      process.platform === "linux",
    ],
    [
      "a process on another host without a sign of life for a minute",
      { pid: 1, host: "elsewhere", started: null },
      LONG_AGO,
      true,
    ],
    [
      "a process on another host with a recent sign of life",
      { pid: 1, host: "elsewhere", started: null },
      new Date(),
      false,
    ],
    ["foreign content", "x", new Date(), true],
    ["a running process", { pid: process.ppid, host: hostname(), started: null }, LONG_AGO, false],
  ] as const) {
    it(`${free ? "An emulator takes over" : "An emulator respects"} a lock of ${what}`, () => {
      const path = join(folder, "lock.1");
      writeFileSync(path, JSON.stringify(holder));
      utimesSync(path, date, date);
      if (!free) return assert.throws(() => lockFolder(folder), /is in use by the emulator with process id \d+/);
      const unlock = lockFolder(folder);
      assert.deepEqual(readdirSync(folder), ["lock.2"]);
      assert.throws(() => lockFolder(folder), /is in use/);
      unlock();
      assert.deepEqual(readdirSync(folder), []);
    });
  }
});
