import assert from "node:assert/strict";
import { mkdtemp, readdir, rm, stat } from "node:fs/promises";
import type { ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Emulator } from "../../../emulator";
import type { FaultInput } from "../../../emulator/faults";
import type { Api, RepoMutationVars } from "../../../provider/api";
import { PendingCreates } from "../../../provider/pendingCreates";
import { Console } from "../../support/account";
import { clientOf, failure, IMPATIENT, newKey, PATIENT, type Reply, withEmulator, withServer } from "./support";

/** Faults of one create after which only the server knows whether it executed the request. */
const FAULTS: (FaultInput & { done: boolean })[] = [
  { kind: "reset", done: false },
  { kind: "lost", done: true },
  { kind: "silence", done: false },
  { kind: "silence", work: true, done: true },
  { kind: "slow", done: true },
  { kind: "status", status: 429, done: false },
  { kind: "status", status: 502, done: false },
  { kind: "status", status: 500, work: true, done: true },
  { kind: "truncated", done: true },
  { kind: "foreign", work: true, done: true },
  { kind: "errors", done: true },
];

type Noun = "sshAdd" | "repoAdd";
const NOUNS: [Noun, (api: Api, key: string) => Promise<{ id: string }>, (console: Console) => Promise<object[]>][] = [
  ["sshAdd", async (api, key) => (await api.keys.create("web", key)).item, (console) => console.keys()],
  [
    "repoAdd",
    async (api) => (await api.repos.create({ name: "web", region: "eu" })).item,
    (console) => console.repos(),
  ],
];

const timesAsked = (emulator: Emulator, operation: string) => emulator.control.counters().operations[operation] ?? 0;

describe("CreateRecovery: one object per create, whatever happens to the answer", () => {
  for (const [operation, add, listed] of NOUNS) {
    for (const { done, ...fault } of FAULTS) {
      const what = [fault.kind, "status" in fault && fault.status, done ? "after the work" : "before the work"];
      it(
        `${operation} creates one object after the fault: ${what.filter(Boolean).join(" ")}`,
        withEmulator(async (emulator) => {
          emulator.control.addFault({ ...fault, operation });
          const { id } = await add(clientOf(emulator), await newKey());
          const there = (await listed(new Console(emulator))) as { id: string }[];
          assert.deepEqual(
            there.map((each) => each.id),
            [id],
          );
          assert.equal(timesAsked(emulator, operation), done ? 1 : 2);
        }),
      );
    }
  }
});

describe("CreateRecovery: the object of a lost answer", () => {
  it(
    "A create with a lost answer never adopts an older equal object",
    withEmulator(async (emulator) => {
      const key = await newKey();
      const { item: earlier } = await clientOf(emulator).keys.create("web", key);
      emulator.control.addFault({ kind: "lost", operation: "sshAdd" });
      const { item } = await clientOf(emulator).keys.create("web", key);
      assert.notEqual(item.id, earlier.id);
      assert.equal((await new Console(emulator).keys()).length, 2);
    }),
  );

  it(
    "A create with a lost answer never adopts an object by its name alone",
    withEmulator(async (emulator) => {
      const [mine, foreign] = [await newKey(), await newKey()];
      const api = clientOf(emulator);
      await api.keys.all();
      emulator.control.addFault({ kind: "reset", operation: "sshAdd" });
      const adding = api.keys.create("web", mine);
      await clientOf(emulator, "createOnly").keys.create("web", foreign);
      const { item } = await adding;
      assert.equal(item.keyData, mine.trim().split(" ").slice(0, 2).join(" "));
    }),
  );

  it(
    "Two equal creates with lost answers get two objects",
    withEmulator(async (emulator) => {
      const key = await newKey();
      const api = clientOf(emulator);
      emulator.control.addFault({ kind: "lost", operation: "sshAdd", count: 1 });
      emulator.control.addFault({ kind: "lost", operation: "sshAdd", count: 1 });
      const both = await Promise.all([api.keys.create("web", key), api.keys.create("web", key)]);
      const there = await new Console(emulator).keys();
      assert.deepEqual(new Set(both.map(({ item }) => item.id)), new Set(there.map(({ id }) => id)));
      assert.equal(there.length, 2);
    }),
  );

  it(
    "A create with a lost answer distinguishes names by case",
    withEmulator(async (emulator) => {
      const api = clientOf(emulator);
      for (let each = 0; each < 2; each++) emulator.control.addFault({ kind: "lost", operation: "repoAdd" });
      const names = ["web", "Web"];
      const made = await Promise.all(names.map((name) => api.repos.create({ name, region: "eu" })));
      assert.deepEqual(
        made.map(({ item }) => item.name),
        names,
      );
      assert.equal((await new Console(emulator).repos()).length, 2);
    }),
  );

  it(
    "A create with a lost answer and several matches fails and lists their ids",
    withEmulator(async (emulator) => {
      const key = await newKey();
      const api = clientOf(emulator);
      await api.keys.all();
      const { item: foreign } = await clientOf(emulator).keys.create("web", key);
      emulator.control.addFault({ kind: "lost", operation: "sshAdd" });
      const said = await failure(api.keys.create("web", key), "refused");
      const ids = (await new Console(emulator).keys()).map(({ id }) => id);
      assert.equal(ids.length, 2);
      for (const id of [...ids, foreign.id]) assert.ok(said.includes(id), said);
      assert.match(said, /existingId/);
    }),
  );

  it("A create looks for its object before each retry, as a slow server may execute it late", async () => {
    const repo = { id: "abcd1234", name: "web", region: "eu", format: "borg1", repoPath: "ssh://host/./repo" };
    const none: Reply = { body: { data: { repoList: [] } } };
    const busy: Reply = { status: 429, body: "" };
    const late: Reply = { body: { data: { repoList: [repo] } } };
    const lost = (response: ServerResponse) => void response.socket?.resetAndDestroy();
    const { result, asked } = await withServer(
      [none, lost, none, busy, late],
      (api) => api.repos.create({ name: "web", region: "eu" }),
      PATIENT,
    );
    assert.deepEqual([result.item.id, asked], ["abcd1234", 5]);
  });

  const REPO = { name: "web", region: "eu" };
  const DIFFERENCES: [what: string, asked: RepoMutationVars, there: RepoMutationVars][] = [
    ["a quota", { quotaEnabled: true, quota: 500 }, { quotaEnabled: true, quota: 400 }],
    ["no quota", { quotaEnabled: false }, { quotaEnabled: true, quota: 400 }],
    ["an alert", { alertDays: 3 }, {}],
    ["a region", {}, { region: "us" }],
    ["a format", {}, { format: "restic" }],
  ];
  for (const [what, asked, there] of DIFFERENCES) {
    it(
      `A create with a lost answer does not adopt a repository with another setting: ${what}`,
      withEmulator(async (emulator) => {
        const api = clientOf(emulator);
        await api.repos.all();
        const { item: foreign } = await clientOf(emulator).repos.create({ ...REPO, ...there });
        emulator.control.addFault({ kind: "reset", operation: "repoAdd" });
        const { item } = await api.repos.create({ ...REPO, format: "borg1", ...asked });
        assert.notEqual(item.id, foreign.id);
      }),
    );
  }

  it(
    "A create with a lost answer does not adopt a repository with backups",
    withEmulator(async (emulator) => {
      const api = clientOf(emulator);
      await api.repos.all();
      const { item: foreign } = await clientOf(emulator).repos.create(REPO);
      emulator.control.setContent(foreign.id, { currentUsage: 3, lastModified: null });
      emulator.control.addFault({ kind: "reset", operation: "repoAdd" });
      assert.notEqual((await api.repos.create(REPO)).item.id, foreign.id);
    }),
  );
});

describe("CreateRecovery: the run after an interruption", () => {
  let home: string;
  beforeEach(async () => {
    home = await mkdtemp(join(tmpdir(), "borgbase-pending-"));
  });
  afterEach(() => rm(home, { recursive: true }));
  const run = (emulator: Emulator, options = IMPATIENT) =>
    clientOf(emulator, "fullAccess", { ...options, pendingCreates: new PendingCreates(emulator.endpoint, home) });
  const add = (api: Api) => api.repos.create({ name: "web", region: "eu" }, "project/stack/web");
  const count = async (emulator: Emulator) => (await new Console(emulator).repos()).length;

  /** Faults after which the first run fails, although the repository exists. */
  const ENDS: [what: string, faults: FaultInput[], kind: Parameters<typeof failure>[1]][] = [
    [
      "the network ends with the answer",
      [
        { kind: "lost", operation: "repoAdd" },
        { kind: "reset", operation: "repoList", skip: 1, count: null },
      ],
      "unavailable",
    ],
    [
      "the token expires with the answer",
      [
        { kind: "lost", operation: "repoAdd" },
        { kind: "expire", operation: "repoList", skip: 1 },
      ],
      "authentication",
    ],
  ];
  for (const [what, faults, kind] of ENDS) {
    it(
      `The next run adopts the object of the interrupted one: ${what}`,
      withEmulator(async (emulator) => {
        for (const fault of faults) emulator.control.addFault(fault);
        await failure(add(run(emulator)), kind);
        emulator.control.clearFaults();
        emulator.control.changeToken({ account: "demo@example.com", token: "fullAccess", expiresAt: null });
        assert.equal(await count(emulator), 1);
        const { recovered } = await add(run(emulator));
        assert.deepEqual([recovered, await count(emulator)], [true, 1]);
      }),
    );
  }

  it(
    "The next run adopts a repository without a key deleted since, and none with other keys",
    withEmulator(async (emulator) => {
      const keys = [(await clientOf(emulator).keys.create("a", await newKey())).item.id];
      keys.push((await clientOf(emulator).keys.create("b", await newKey())).item.id);
      const addWith = (api: Api, fullAccessKeys: string[]) =>
        api.repos.create({ name: "web", region: "eu", fullAccessKeys }, "project/stack/web");
      for (const fault of ENDS[0]?.[1] ?? []) emulator.control.addFault(fault);
      await failure(addWith(run(emulator), keys), "unavailable");
      emulator.control.clearFaults();
      const [lost] = await new Console(emulator).repos();
      await clientOf(emulator).repos.create({ name: "web", region: "eu" });
      await clientOf(emulator).keys.delete(keys[0] as string);
      const { item, recovered } = await addWith(run(emulator), keys.slice(1));
      assert.deepEqual([recovered, item.id], [true, lost?.id]);
    }),
  );

  it(
    "The next run does not adopt an object older than the interrupted run",
    withEmulator(async (emulator) => {
      const { item: earlier } = await clientOf(emulator).repos.create({ name: "web", region: "eu" });
      emulator.control.addFault({ kind: "reset", operation: "repoAdd", count: null });
      await failure(add(run(emulator)), "unavailable");
      emulator.control.clearFaults();
      const { item } = await add(run(emulator));
      assert.notEqual(item.id, earlier.id);
    }),
  );

  it(
    "The next run creates after a refusal, and adopts no object that others created meanwhile",
    withEmulator(
      async (emulator) => {
        await failure(add(run(emulator)), "remote");
        emulator.control.setVariants({ repoLimit: null });
        await clientOf(emulator).repos.create({ name: "web", region: "eu" });
        const { recovered } = await add(run(emulator));
        assert.deepEqual([recovered, await count(emulator)], [false, 2]);
      },
      { variants: { repoLimit: 0 } },
    ),
  );

  /** Leaves a pending create whose request never reached the server. */
  async function failToCreate(emulator: Emulator, api: Api) {
    emulator.control.addFault({ kind: "reset", operation: "repoAdd", count: null });
    await failure(add(api), "unavailable");
    emulator.control.clearFaults();
  }

  it(
    "The next run does not adopt the object of another create with the same name",
    withEmulator(async (emulator) => {
      const api = run(emulator);
      await failToCreate(emulator, api);
      const { item: other } = await api.repos.create({ name: "web", region: "eu" }, "project/stack/other");
      const { item } = await add(run(emulator));
      assert.notEqual(item.id, other.id);
      assert.equal(await count(emulator), 2);
    }),
  );

  it(
    "The next run does not adopt an object of the state that was renamed to the same name",
    withEmulator(async (emulator) => {
      const api = run(emulator);
      const { item: other } = await api.repos.create({ name: "other", region: "eu" }, "project/stack/other");
      await failToCreate(emulator, api);
      await new Console(emulator).edit(other.id, 'name: "web"');
      const pendingCreates = new PendingCreates(emulator.endpoint, home);
      pendingCreates.resolveByObject("Repo", other.id);
      const { item } = await add(clientOf(emulator, "fullAccess", { ...IMPATIENT, pendingCreates }));
      assert.notEqual(item.id, other.id);
    }),
  );

  it(
    "The record of a pending create does not grow with the number of creates",
    withEmulator(async (emulator) => {
      const api = run(emulator);
      for (let each = 0; each < 40; each++)
        await api.repos.create({ name: `web-${each}`, region: "eu" }, `project/stack/${each}`);
      await failToCreate(emulator, api);
      const [folder = ""] = await readdir(join(home, "borgbase"));
      const files = await readdir(join(home, "borgbase", folder));
      const sizes = await Promise.all(
        files.map(async (file) => (await stat(join(home, "borgbase", folder, file))).size),
      );
      assert.equal(sizes.length, 41);
      assert.ok(Math.max(...sizes) < Math.min(...sizes) + 50, `${sizes} bytes`);
    }),
  );

  it(
    "A create reports possible duplicates, and none that the state or a pending create contains",
    withEmulator(async (emulator) => {
      const elsewhere = clientOf(emulator).repos;
      const { item: orphan } = await elsewhere.create({ name: "web", region: "eu" });
      await elsewhere.create({ name: "web", region: "us" });
      const { item: used } = await elsewhere.create({ name: "web", region: "eu" });
      emulator.control.setContent(used.id, { currentUsage: 5, lastModified: null });
      const { possibleDuplicates } = await add(run(emulator));
      assert.deepEqual(possibleDuplicates, [orphan.id]);

      const pendingCreates = new PendingCreates(emulator.endpoint, home);
      pendingCreates.resolveByObject("Repo", orphan.id);
      const api = clientOf(emulator, "fullAccess", { ...IMPATIENT, pendingCreates });
      const { possibleDuplicates: unknown } = await api.repos.create(
        { name: "web", region: "eu" },
        "project/stack/second",
      );
      assert.deepEqual(unknown, []);
    }),
  );

  /** The pending create of a run that was killed after its answer: the state may contain the key or not. */
  const addKey = (api: Api, key: string) =>
    api.keys.create("web", key, "project/stack/web", async (id) => {
      const users = (await api.repos.all()).filter(({ fullAccessKeys }) => fullAccessKeys.includes(id));
      return users.length > 0 ? "it is in use" : undefined;
    });

  it(
    "The next run keeps a key of the interrupted one that repositories use, and reports it",
    withEmulator(async (emulator) => {
      const { item: old } = await addKey(run(emulator), await newKey());
      await clientOf(emulator).repos.create({ name: "web", region: "eu", fullAccessKeys: [old.id] });
      const { item, kept } = await addKey(run(emulator), await newKey());
      assert.deepEqual(kept, { id: old.id, reason: "it is in use" });
      assert.deepEqual(new Set((await new Console(emulator).keys()).map(({ id }) => id)), new Set([old.id, item.id]));
    }),
  );

  it(
    "The next run deletes a key of the interrupted one that nothing uses, as the program has another",
    withEmulator(async (emulator) => {
      await addKey(run(emulator), await newKey());
      const { item, kept } = await addKey(run(emulator), await newKey());
      assert.equal(kept, undefined);
      assert.deepEqual(
        (await new Console(emulator).keys()).map(({ id }) => id),
        [item.id],
      );
    }),
  );

  it(
    "The next run with several matches fails and lists their ids",
    withEmulator(async (emulator) => {
      emulator.control.addFault({ kind: "silence", operation: "repoAdd", count: null });
      await failure(add(run(emulator, { ...IMPATIENT, timeout: 1_000 })), "unavailable");
      emulator.control.clearFaults();
      for (let each = 0; each < 2; each++) await clientOf(emulator).repos.create({ name: "web", region: "eu" });
      const said = await failure(add(run(emulator)), "refused");
      for (const { id } of await new Console(emulator).repos()) assert.ok(said.includes(id), said);
      assert.equal(await count(emulator), 2);
    }),
  );
});
