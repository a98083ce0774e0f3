import assert from "node:assert/strict";
import type { Emulator } from "../../../emulator";
import { Console } from "../../support/account";
import { clientOf, failure, newKey, withEmulator } from "./support";

const asked = (emulator: Emulator) => {
  const { operations } = emulator.control.counters();
  emulator.control.resetCounters();
  return operations;
};
const times = (count: number) => Array.from({ length: count });

/** An account with so many repositories. */
async function withRepos(emulator: Emulator, count: number): Promise<string[]> {
  const api = clientOf(emulator);
  const ids = [];
  for (const _ of times(count)) ids.push((await api.repos.create({ name: "web", region: "eu" })).item.id);
  emulator.control.resetCounters();
  return ids;
}

describe("SharedList", () => {
  it(
    "1,000 reads at once send one request",
    withEmulator(async (emulator) => {
      const ids = await withRepos(emulator, 20);
      const api = clientOf(emulator);
      const found = await Promise.all(times(1000).map((_, index) => api.repos.get(ids[index % 20] as string)));
      assert.ok(found.every((repo, index) => repo?.id === ids[index % 20]));
      assert.deepEqual(asked(emulator), { repoList: 1 });
    }),
  );

  it(
    "1,000 reads one after the other send one request",
    withEmulator(async (emulator) => {
      const [id] = (await withRepos(emulator, 1)) as [string];
      const api = clientOf(emulator);
      for (const _ of times(1000)) assert.ok(await api.repos.get(id));
      assert.deepEqual(asked(emulator), { repoList: 1 });
    }),
  );

  it(
    "1,000 reads of missing keys send two requests",
    withEmulator(async (emulator) => {
      const api = clientOf(emulator);
      const found = await Promise.all(times(1000).map((_, index) => api.keys.get(String(index))));
      assert.ok(found.every((key) => key === undefined));
      assert.deepEqual(asked(emulator), { sshList: 2 });
    }),
  );

  it(
    "A repository that the list lacks is queried by its id",
    withEmulator(async (emulator) => {
      const api = clientOf(emulator);
      await api.repos.all();
      const [later] = (await withRepos(emulator, 1)) as [string];
      assert.equal((await api.repos.get(later))?.id, later);
      assert.deepEqual(asked(emulator), { repo: 1 });
    }),
  );

  it(
    "A key registered after the list request is found",
    withEmulator(async (emulator) => {
      const api = clientOf(emulator);
      await api.keys.all();
      const { item } = await clientOf(emulator).keys.create("later", await newKey());
      assert.equal((await api.keys.get(item.id))?.name, "later");
    }),
  );

  it(
    "A create, update or delete updates the cache without another list request",
    withEmulator(async (emulator) => {
      const [id, other] = (await withRepos(emulator, 2)) as [string, string];
      const api = clientOf(emulator);
      assert.equal((await api.repos.get(id))?.alertDays, 0);
      await api.repos.update(id, { alertDays: 9 });
      await api.repos.delete(other);
      const { item } = await api.repos.create({ name: "third", region: "eu" });
      assert.deepEqual(asked(emulator), { repoList: 1, repoEdit: 1, repoDelete: 1, repoAdd: 1 });
      assert.equal((await api.repos.get(id))?.alertDays, 9);
      assert.deepEqual((await api.repos.all()).map((repo) => repo.id).sort(), [id, item.id].sort());
      assert.deepEqual(asked(emulator), {});
    }),
  );

  it(
    "A change during a list request is visible to later reads",
    withEmulator(async (emulator) => {
      const [id] = (await withRepos(emulator, 1)) as [string];
      const api = clientOf(emulator);
      emulator.control.addFault({ kind: "slow", operation: "repoList", bytesPerSecond: 10_000 });
      const before = api.repos.get(id);
      await api.repos.update(id, { alertDays: 9 });
      assert.equal((await api.repos.get(id))?.alertDays, 9);
      assert.equal((await before)?.id, id);
    }),
  );

  it(
    "A failed list request fails the reads in flight, and no later read",
    withEmulator(async (emulator) => {
      const [id] = (await withRepos(emulator, 1)) as [string];
      const api = clientOf(emulator);
      emulator.control.addFault({ kind: "status", operation: "repoList", status: 400 });
      await Promise.all(times(3).map(() => failure(api.repos.get(id), "answer")));
      assert.equal((await api.repos.get(id))?.id, id);
      assert.deepEqual(asked(emulator), { repoList: 2 });
    }),
  );

  it(
    "A refused token is sent once for all resources",
    withEmulator(async (emulator) => {
      const api = clientOf(emulator);
      emulator.control.changeToken({ account: "demo@example.com", token: "fullAccess", expiresAt: "now" });
      await failure(api.repos.all(), "authentication");
      for (const index of times(20)) await failure(api.keys.delete(String(index)), "authentication");
      assert.equal(emulator.control.counters().requests, 1);
    }),
  );

  it(
    "A failed change invalidates the cache",
    withEmulator(async (emulator) => {
      const [id] = (await withRepos(emulator, 1)) as [string];
      const api = clientOf(emulator);
      await api.repos.all();
      await new Console(emulator).edit(id, "alertDays: 5");
      await failure(api.repos.update(id, { borgVersion: "V_0" }), "remote");
      assert.equal((await api.repos.get(id))?.alertDays, 5);
    }),
  );

  it(
    "A coalesced refetch is never answered by an earlier request",
    withEmulator(async (emulator) => {
      const api = clientOf(emulator);
      await api.repos.all();
      await withRepos(emulator, 1);
      const lists = await Promise.all(times(10).map(() => api.repos.refetchCoalesced()));
      assert.ok(lists.every((list) => list.length === 1));
      assert.deepEqual(asked(emulator), { repoList: 1 });
    }),
  );
});
