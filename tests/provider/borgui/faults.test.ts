import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { BorgUiFaultInput } from "../../../emulator/borgui";
import type { Properties } from "../../../provider/lifecycle";
import { generate } from "../../../provider/ssh/keys";
import { type Row, startBorgBase, startUi, type Ui, type UiConsole } from "../../support/borgUi";
import { Run } from "./support/run";

type BorgBase = Awaited<ReturnType<typeof startBorgBase>>;

/** Faults of a create after which only the server knows whether it has made the object. */
const FAULTS: BorgUiFaultInput[] = [
  { kind: "reset" },
  { kind: "lost" },
  { kind: "silence" },
  { kind: "silence", work: true },
  { kind: "status", status: 502 },
  { kind: "status", status: 500, work: true },
  { kind: "truncated" },
  { kind: "foreign", work: true },
  { kind: "crash" },
];

interface Noun {
  operation: string;
  /** The arguments, and what they need at the server. */
  prepare(ui: UiConsole, borgBase: BorgBase): Promise<Properties>;
  rows(ui: UiConsole): Promise<Row[]>;
}

const PASSPHRASE = "correct horse";

const NOUNS: Record<string, Noun> = {
  "borgui.SystemKey": {
    operation: "POST /api/ssh-keys/generate",
    prepare: async () => ({ description: "of web" }),
    rows: (ui) => ui.keys(),
  },
  "borgui.Key": {
    operation: "POST /api/ssh-keys",
    async prepare() {
      const { publicKey, privateKey } = await generate({});
      return { publicKey, privateKey };
    },
    rows: (ui) => ui.keys(),
  },
  "borgui.Connection": {
    operation: "POST /api/ssh-keys/*/test-connection",
    async prepare(ui, borgBase) {
      const { public_key } = await ui.systemKey();
      return { ...(await borgBase.target(public_key)), trustAnyHostKey: true, mountPoint: "/nas" };
    },
    rows: (ui) => ui.connections(),
  },
  "borgui.Repository": {
    operation: "POST /api/repositories/",
    async prepare(ui, borgBase) {
      const { id, public_key } = await ui.systemKey();
      const target = await borgBase.target(public_key);
      const { connection } = await ui.ask("POST", `/api/ssh-keys/${id}/test-connection`, target);
      return { connectionId: String(connection.id), path: "/./repo", passphrase: PASSPHRASE };
    },
    rows: (ui) => ui.repositories(),
  },
  "borgui.BackupPlan": {
    operation: "POST /api/backup-plans/",
    async prepare(ui) {
      const path = `faults/${Math.random()}`;
      const { repository } = await ui.ask("POST", "/api/repositories/", { name: "home", path, passphrase: PASSPHRASE });
      return { sourceDirectories: ["/etc"], repositoryIds: [String(repository.id)], cron: "0 4 * * *" };
    },
    rows: (ui) => ui.plans(),
  },
};

describe("Creates at a Borg UI with faults", function () {
  this.timeout(120_000);
  let ui: Ui;
  let borgBase: BorgBase;
  let home: string;

  before(async () => {
    ui = await startUi();
    borgBase = await startBorgBase();
  });
  after(async () => {
    await ui.emulator.close();
    await borgBase.close();
  });
  beforeEach(async () => {
    ui.emulator.control.reset();
    await borgBase.emulator.control.reset();
    home = mkdtempSync(join(tmpdir(), "borgbase-home-"));
  });
  afterEach(() => rmSync(home, { recursive: true, force: true }));

  for (const [type, { operation, prepare, rows }] of Object.entries(NOUNS)) {
    for (const fault of FAULTS) {
      const work = "work" in fault && fault.work ? " after its work" : "";
      const what = "status" in fault ? `status ${fault.status}` : fault.kind;
      it(`${type} is made once, although its create meets ${what}${work}`, async () => {
        const news = await prepare(ui.console, borgBase);
        ui.emulator.control.addFault({ ...fault, operation });
        let made: Awaited<ReturnType<Run["create"]>>;
        try {
          made = await new Run(ui, home).create(type, news);
        } catch {
          // A person runs the program again.
          made = await new Run(ui, home).create(type, news);
        }
        assert.deepEqual(ui.emulator.control.faults(), []);
        assert.deepEqual(
          (await rows(ui.console)).map(({ id }) => String(id)),
          [made.id],
        );
        const next = new Run(ui, home);
        const found = await next.read(type, made.id, made.state);
        assert.deepEqual(found, made.state);
        const { changed } = await next.diff(type, made.id, made.state, made.inputs);
        assert.deepEqual(changed, []);
      });
    }
  }

  it("A repository of a killed server is taken up by the next run, and one with another passphrase is not", async () => {
    const noun = NOUNS["borgui.Repository"] as Noun;
    const news = await noun.prepare(ui.console, borgBase);
    ui.emulator.control.addFault({ kind: "crash", operation: noun.operation });
    ui.emulator.control.addFault({ kind: "reset", operation: noun.operation, count: null });
    const impatient = { timeout: 20_000, retry: { baseDelay: 2, maxDelay: 8, maxElapsed: 5 } };
    await assert.rejects(new Run(ui, home, impatient).create("borgui.Repository", news));
    ui.emulator.control.clearFaults();
    assert.deepEqual(await ui.console.repositories(), []);
    const wrong = new Run(ui, home).create("borgui.Repository", { ...news, passphrase: "another" });
    await assert.rejects(wrong, /does not open with the program's passphrase/);
    assert.deepEqual(await ui.console.repositories(), []);
  });

  it("A deletion whose answer is lost ends in success, as the row is gone", async () => {
    const noun = NOUNS["borgui.Connection"] as Noun;
    const { id, state } = await new Run(ui, home).create("borgui.Connection", await noun.prepare(ui.console, borgBase));
    ui.emulator.control.addFault({ kind: "lost", operation: "DELETE /api/ssh-keys/connections/*" });
    await new Run(ui, home).remove("borgui.Connection", id, state);
    assert.deepEqual(await ui.console.connections(), []);
  });

  it("A session that ends half-way is renewed without a word", async () => {
    const run = new Run(ui, home);
    const { id, state } = await run.create("borgui.SystemKey", {});
    ui.emulator.control.addFault({ kind: "expire", operation: "GET /api/ssh-keys" });
    assert.deepEqual(await new Run(ui, home).read("borgui.SystemKey", id, state), state);
    assert.deepEqual(ui.emulator.control.faults(), []);
  });
});

describe("A refresh of many objects of a Borg UI", function () {
  this.timeout(300_000);

  it("A hundred connections and a hundred repositories take at most six requests", async () => {
    const ui = await startUi({ borg: "record" });
    const home = mkdtempSync(join(tmpdir(), "borgbase-home-"));
    try {
      const key = await ui.console.systemKey();
      const path = `/api/ssh-keys/${key.id}/test-connection`;
      const numbers = Array.from({ length: 100 }, (_, index) => index);
      for (const number of numbers) {
        // Nobody listens: the row stays all the same.
        const target = { host: "127.0.0.1", port: 1, username: `u${number}` };
        const { connection } = await ui.console.ask("POST", path, target);
        const body = { name: `r${number}`, path: "/r", connection_id: connection.id, passphrase: PASSPHRASE };
        await ui.console.ask("POST", "/api/repositories/", body);
      }
      const objects = [
        ...(await ui.console.connections()).map(({ id }) => ["borgui.Connection", String(id)]),
        ...(await ui.console.repositories()).map(({ id }) => ["borgui.Repository", String(id)]),
      ] as [string, string][];
      assert.equal(objects.length, 200);
      const first = new Run(ui, home);
      const states = await Promise.all(
        objects.map(([type, id]) => first.read(type, id, type === "borgui.Repository" ? { url: "" } : {})),
      );
      ui.emulator.control.resetRequests();
      const run = new Run(ui, home);
      const found = await Promise.all(objects.map(([type, id], at) => run.read(type, id, states[at] as Properties)));
      assert.deepEqual(found, states);
      const requests = ui.emulator.control.requests();
      const total = Object.values(requests).reduce((sum, count) => sum + count, 0);
      assert.ok(total <= 6, JSON.stringify(requests));
    } finally {
      await ui.emulator.close();
      rmSync(home, { recursive: true, force: true });
    }
  });
});
