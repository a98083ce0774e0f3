import assert from "node:assert/strict";
import { generate } from "../../../provider/ssh/keys";
import { startAccount } from "../../support/account";
import { HOSTS, type HostRun } from "./support/hosts";
import type { Values } from "./support/pluginClient";

type Account = Awaited<ReturnType<typeof startAccount>>;

/** A case, with a way to begin the next run. The result is compared between the hosts. */
type Case = (host: HostRun, account: Account, nextRun: () => Promise<HostRun>) => Promise<unknown>;

const COMPACTION = { interval: 1, unit: "weeks", hour: 4, timezone: "UTC" };

async function created(host: HostRun, type: string, news: Values) {
  const { inputs, failures } = await host.check(type, news);
  assert.deepEqual(failures, []);
  return { inputs, ...(await host.create(type, inputs)) };
}

/** What an object is called by changes from account to account. */
function withoutId(id: string, value: unknown): unknown {
  return JSON.parse(JSON.stringify(value ?? null).replaceAll(id, "ID"));
}

const CASES: Record<string, Case> = {
  "create: the state holds every argument, what is declared, and the owner": async (host) => {
    const { id, inputs, state } = await created(host, "Repo", { region: "eu", quota: 5, compaction: COMPACTION });
    assert.deepEqual(
      [state.quota, state.__declared, state.__account],
      [5, "region,quota,compaction", "demo@example.com"],
    );
    const { createdAt: _, server, ...others } = state;
    return [inputs, withoutId(id, others), Object.keys(server as object).sort()];
  },

  "no change: equal values in another form differ in nothing": async (host) => {
    const { id, state } = await created(host, "Repo", { region: "eu", borgVersion: "LATEST", appendOnlyKeys: [] });
    const difference = await host.diff("Repo", id, state, { region: "EU", borgVersion: "latest", appendOnlyKeys: [] });
    assert.equal(difference.isChanged, false);
    return difference;
  },

  "change: an update in place, the region replaces": async (host, account) => {
    const { id, state, inputs } = await created(host, "Repo", { region: "eu", quota: 5 });
    const news = { ...inputs, quota: 6 };
    const inPlace = await host.diff("Repo", id, state, news);
    assert.deepEqual(inPlace, { isChanged: true, replaces: [] });
    const after = await host.update("Repo", id, state, news);
    assert.deepEqual(after, { ...state, quota: 6 });
    assert.equal((await account.console.repos())[0]?.quota, 6);
    return [inPlace, await host.diff("Repo", id, after, { ...news, region: "us" })];
  },

  "removed argument: it goes back to its default, and stays there": async (host) => {
    const { id, state, inputs } = await created(host, "Repo", { region: "eu", alertDays: 3, compaction: COMPACTION });
    const { inputs: reset } = await host.check("Repo", { region: "eu" }, inputs);
    assert.deepEqual(reset, { region: "eu", alertDays: 0, compaction: {}, __reset: "alertDays,compaction" });
    const after = await host.update("Repo", id, state, reset);
    assert.deepEqual([after.alertDays, after.compaction], [0, undefined]);
    const { inputs: again } = await host.check("Repo", { region: "eu" }, reset);
    return [reset, again, await host.diff("Repo", id, after, again)];
  },

  "drift: declared arguments show, others do not, and the next update repairs": async (host, account, nextRun) => {
    const { id, state, inputs } = await created(host, "Repo", { region: "eu", quota: 5 });
    await account.console.edit(id, "quota: 9, alertDays: 4");
    const run = await nextRun();
    const found = (await run.read("Repo", id, state, inputs)) as Values;
    assert.deepEqual(found, { ...state, quota: 9 });
    const difference = await run.diff("Repo", id, found, inputs);
    const after = await run.update("Repo", id, found, inputs);
    assert.equal(after.quota, 5);
    const [remote] = await account.console.repos();
    assert.deepEqual([remote?.quota, remote?.alertDays], [5, 4]);
    return difference;
  },

  "ignoreChanges: what others have changed stays": async (host, account) => {
    const { id, state, inputs } = await created(host, "Repo", { region: "eu", quota: 5, compaction: COMPACTION });
    const drifted = { ...state, quota: 9, compaction: { ...COMPACTION, hour: 8 } };
    const options = { ignoreChanges: ["quota", "compaction.hour"] };
    const difference = await host.diff("Repo", id, drifted, inputs, options);
    assert.equal(difference.isChanged, false);
    account.mutations();
    await host.update("Repo", id, drifted, { ...inputs, alertDays: 1 }, options);
    assert.deepEqual(account.mutations(), ["repoEdit"]);
    return difference;
  },

  "ignoreChanges: what others have switched off stays off": async (host, account) => {
    const { id, state, inputs } = await created(host, "Repo", { region: "eu", compaction: COMPACTION });
    await account.console.edit(id, "compactionEnabled: false");
    const { compaction: _, ...drifted } = state;
    const options = { ignoreChanges: ["compaction"] };
    const difference = await host.diff("Repo", id, drifted, inputs, options);
    assert.equal(difference.isChanged, false);
    await host.update("Repo", id, drifted, { ...inputs, alertDays: 1 }, options);
    const [remote] = await account.console.repos();
    assert.deepEqual([remote?.alertDays, remote?.compactionEnabled], [1, false]);
    return difference;
  },

  "gone: a read finds nothing, an update says what to do": async (host, account, nextRun) => {
    const { id, state, inputs } = await created(host, "Repo", { region: "eu" });
    await account.console.deleteRepo(id);
    const run = await nextRun();
    assert.equal(await run.read("Repo", id, state, inputs), undefined);
    const failed = await messageOf(run.update("Repo", id, state, { ...inputs, quota: 1 }));
    assert.match(failed, /is gone from BorgBase: run `pulumi refresh`/);
    await run.delete("Repo", id, state);
    return withoutId(id, failed);
  },

  "failures: each names its argument": async (host) => {
    const { failures } = await host.check("Repo", { quota: -1, borgVersion: "LATEST", format: "restic", nmae: 1 });
    assert.equal(failures.length, 4);
    return failures;
  },

  "guards: backups stay, and the line says which steps work": async (host, account, nextRun) => {
    const { id, state } = await created(host, "Repo", { region: "eu", name: "precious" });
    account.emulator.control.setContent(id, { currentUsage: 5, lastModified: null });
    const run = await nextRun();
    const replaced = await messageOf(run.diff("Repo", id, state, { region: "us" }));
    const deleted = await messageOf(run.delete("Repo", id, state));
    assert.match(replaced, /so it is not replaced/);
    assert.match(deleted, /so it is not deleted/);
    assert.equal((await account.console.repos()).length, 1);
    await (await nextRun()).delete("Repo", id, { ...state, forceDestroy: true });
    assert.equal((await account.console.repos()).length, 0);
    return withoutId(id, [replaced, deleted]);
  },

  "owner: a token of another account makes nothing gone": async (host, account, nextRun) => {
    const { id, state, inputs } = await created(host, "Repo", { region: "eu" });
    const other = await nextRun();
    const [mine] = account.emulator.accounts;
    const foreign = account.emulator.accounts[1].tokens.fullAccess;
    const stranger = await HOSTS[nameOf(other)]?.({ token: foreign, endpoint: account.emulator.endpoint });
    try {
      const message = await messageOf((stranger as HostRun).read("Repo", id, state, inputs));
      assert.match(message, /belongs to demo@example\.com/);
      assert.equal(mine.email, "demo@example.com");
      return withoutId(id, message);
    } finally {
      stranger?.close();
    }
  },

  "key pair: a comment updates, an algorithm replaces": async (host) => {
    const { id, state, inputs } = await created(host, "KeyPair", { comment: "a" });
    const after = await host.update("KeyPair", id, state, { comment: "b" });
    assert.match(String(after.publicKey), / b$/);
    assert.equal(after.fingerprintSha256, state.fingerprintSha256);
    const difference = await host.diff("KeyPair", id, after, { ...inputs, comment: "b", keyType: "rsa" });
    return [difference, Object.keys(state).sort(), inputs];
  },

  "imported key: its text is encrypted, its form may differ": async (host) => {
    const { privateKey, fingerprintSha256 } = await generate({ keyType: "ecdsa", comment: "c" });
    const { id, state, inputs } = await created(host, "KeyPair", { privateKey: `${privateKey}\n` });
    assert.equal(id, fingerprintSha256);
    return host.diff("KeyPair", id, state, inputs);
  },

  "registered key: another comment is no change, another key replaces": async (host) => {
    const [first, second] = [(await generate({})).publicKey, (await generate({})).publicKey];
    const { id, state } = await created(host, "SshKey", { publicKey: `${first} root@web` });
    const same = await host.diff("SshKey", id, state, { publicKey: `${first} root@db` });
    assert.equal(same.isChanged, false);
    return [same, await host.diff("SshKey", id, state, { publicKey: second })];
  },
};

const names = new WeakMap<HostRun, string>();
const nameOf = (host: HostRun) => names.get(host) ?? "";

async function messageOf(operation: Promise<unknown>): Promise<string> {
  const error = await operation.then(
    () => assert.fail("it must fail"),
    (failure: Error) => failure,
  );
  assert.doesNotMatch(error.message, /[\r\n]/);
  return error.message;
}

describe("Contract of every host", () => {
  const results: Record<string, Record<string, unknown>> = {};

  for (const [name, start] of Object.entries(HOSTS)) {
    describe(name, () => {
      for (const [title, work] of Object.entries(CASES)) {
        it(title, async () => {
          const account = await startAccount();
          const hosts: HostRun[] = [];
          const nextRun = async () => {
            const run = await start({ token: account.console.token, endpoint: account.emulator.endpoint });
            names.set(run, name);
            hosts.push(run);
            return run;
          };
          try {
            results[title] = { ...results[title], [name]: await work(await nextRun(), account, nextRun) };
          } finally {
            for (const host of hosts) host.close();
            await account.emulator.close();
          }
        });
      }
    });
  }

  describe("all hosts", () => {
    it("give the same results and messages", () => {
      for (const [title, byHost] of Object.entries(results)) {
        assert.deepEqual(byHost.plugin, byHost["dynamic host"], title);
      }
      assert.equal(Object.keys(results).length, Object.keys(CASES).length);
    });
  });
});
