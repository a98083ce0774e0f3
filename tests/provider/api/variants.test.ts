import assert from "node:assert/strict";
import type { Emulator, Variants } from "../../../emulator";
import type { Api, RepoMutationVars } from "../../../provider/api";
import { clientOf, failure, newKey, withEmulator } from "./support";

/** Every documented doubt about the real server, one at a time; the client's results must be the same under each. */
const VARIANTS: Partial<Variants>[] = [
  {},
  { unset: "null" },
  { zero: "null" },
  { emptyKeys: "null" },
  { nameMatch: "prefix" },
  { nameMatch: "exact" },
  { listOrder: "reversed" },
  { listOrder: "shuffled" },
  { keyOrder: "reversed" },
  { keyOrder: "shuffled" },
  { refusedQuery: "200" },
  { missing: "null" },
  { sshDeleteId: "string" },
  { sshDeleteId: "int" },
  { sshDeleteId: "int", refusedQuery: "200" },
  { nullableVariables: "refused" },
  { resticPath: "plain" },
  { newer: true },
];

const describeVariants = (variants: Partial<Variants>) =>
  Object.entries(variants)
    .map(([name, value]) => `${name}=${value}`)
    .join(" and ") || "default variants";

const COMPACTION: RepoMutationVars = {
  compactionEnabled: true,
  compactionInterval: 2,
  compactionIntervalUnit: "weeks",
  compactionHour: 3,
  compactionHourTimezone: "Europe/Berlin",
};

describe("API client under every server variant", () => {
  for (const variants of VARIANTS) {
    const server = describeVariants(variants);

    it(
      `Keys are created, listed, read and deleted with ${server}`,
      withEmulator(
        async (emulator) => {
          const api = clientOf(emulator);
          const lines = [await newKey(), await newKey()];
          const added = [];
          for (const line of lines) added.push((await api.keys.create("web", line)).item);
          assert.deepEqual(
            added.map((key) => [key.name, key.keyData, key.comment, key.bits, key.lastUsedAt]),
            lines.map((line) => ["web", line.trim(), "", 256, undefined]),
          );
          const reader = clientOf(emulator);
          for (const key of added) assert.deepEqual(await reader.keys.get(key.id), key);
          assert.equal((await reader.keys.all()).length, 2);
          const [first, second] = added.map((key) => key.id) as [string, string];
          assert.equal(await api.keys.delete(first), true);
          assert.equal(await api.keys.get(first), undefined);
          assert.deepEqual(
            (await reader.keys.refetchCoalesced()).map((key) => key.id),
            [second],
          );
        },
        { variants },
      ),
    );

    it(
      `Repositories are created, listed, read, changed and deleted with ${server}`,
      withEmulator(
        async (emulator) => {
          const api = clientOf(emulator);
          const keys = [];
          for (let each = 0; each < 3; each++) keys.push((await api.keys.create("k", await newKey())).item.id);
          const plain = (await api.repos.create({ name: "plain", region: "eu" })).item;
          assert.deepEqual(
            [plain.quota, plain.quotaEnabled, plain.alertDays, plain.lastModified, plain.htpasswd],
            [0, false, 0, undefined, undefined],
          );
          assert.deepEqual([plain.appendOnlyKeys, plain.fullAccessKeys, plain.rsyncKeys], [[], [], []]);

          const full = { quotaEnabled: true, quota: 1000, alertDays: 2, fullAccessKeys: keys, ...COMPACTION };
          const edited = await api.repos.update(plain.id, { name: "full", ...full });
          assert.deepEqual({ ...edited, ...plain, name: "full", ...full }, { ...plain, ...edited });
          const reader = clientOf(emulator);
          assert.deepEqual(await reader.repos.get(plain.id), edited);
          assert.deepEqual(await reader.repos.getUncached(plain.id), edited);
          assert.deepEqual(await api.repos.get(plain.id), edited);

          assert.equal(await api.repos.delete(plain.id), true);
          assert.equal(await api.repos.get(plain.id), undefined);
          assert.equal(await reader.repos.getUncached(plain.id), undefined);
          assert.deepEqual(await reader.repos.refetchCoalesced(), []);
        },
        { variants },
      ),
    );

    it(
      `Missing keys and repositories are reported as missing with ${server}`,
      withEmulator(
        async (emulator) => {
          const api = clientOf(emulator);
          assert.deepEqual(
            [await api.keys.get("4711"), await api.repos.get("nowhere1"), await api.repos.getUncached("nowhere1")],
            [undefined, undefined, undefined],
          );
          assert.deepEqual([await api.keys.delete("4711"), await api.repos.delete("nowhere1")], [false, false]);
        },
        { variants },
      ),
    );

    it(
      `The account is read with ${server}`,
      withEmulator(
        async (emulator) => {
          const api = clientOf(emulator);
          assert.equal(await api.account.owner(), emulator.accounts[0].email);
          const { repoCount, sshKeyCount } = await api.account.me();
          assert.deepEqual([repoCount, sshKeyCount], [0, 0]);
        },
        { variants },
      ),
    );
  }

  for (const badToken of ["401", "403", "200"] as const) {
    for (const errorBody of ["errors", "detail", "html"] as const) {
      // A 403 without a message has two possible causes: the error names both.
      const kind = badToken === "403" && errorBody === "html" ? "permission" : "authentication";
      it(
        `An expired token is refused after one request with HTTP ${badToken} and a body of ${errorBody}`,
        withEmulator(
          async (emulator) => {
            emulator.control.changeToken({ account: "demo@example.com", token: "fullAccess", expiresAt: "now" });
            const said = await failure(clientOf(emulator).repos.all(), kind);
            assert.match(said, kind === "permission" ? /valid and of the level/ : /expired/);
            assert.equal(emulator.control.counters().requests, 1);
          },
          { variants: { badToken, errorBody } },
        ),
      );
    }
  }
});

type Call = (api: Api, ids: { key: string; repo: string }) => Promise<unknown>;

/** The calls that each level may make; otherwise the error must name the required level. */
const LEVELS: [call: string, ask: Call, readOnly: true | RegExp, createOnly: true | RegExp][] = [
  ["list keys", (api) => api.keys.all(), true, true],
  ["list repositories", (api) => api.repos.all(), true, true],
  ["read a key", async (api, { key }) => assert.ok(await api.keys.get(key)), true, true],
  ["read a repository", async (api, { repo }) => assert.ok(await api.repos.get(repo)), true, true],
  ["read a repository anew", async (api, { repo }) => assert.ok(await api.repos.getUncached(repo)), true, true],
  ["read the account", (api) => api.account.me(), true, /tell the account.* Read Only or Full Access/],
  ["add a key", async (api) => api.keys.create("x", await newKey()), /add the SSH key "x".* Create Only or Full/, true],
  [
    "add a repository",
    (api) => api.repos.create({ name: "x", region: "eu" }),
    /add the repository "x".* Create Only or Full/,
    true,
  ],
  ["change a repository", (api, { repo }) => api.repos.update(repo, { alertDays: 1 }), /level Full/, /level Full/],
  ["delete a key", (api, { key }) => api.keys.delete(key), /delete the SSH key \d+.* Full/, /level Full/],
  ["delete a repository", (api, { repo }) => api.repos.delete(repo), /delete the repository .* Full/, /level Full/],
];

describe("Token levels", () => {
  const answers: Partial<Variants>[] = [
    { lowLevel: "200" },
    { lowLevel: "403" },
    { lowLevel: "403", errorBody: "detail" },
    { lowLevel: "403", errorBody: "html" },
  ];
  for (const variants of answers) {
    for (const level of ["readOnly", "createOnly"] as const) {
      it(
        `A ${level} token may make its calls only, with ${describeVariants(variants)}`,
        withEmulator(
          async (emulator) => {
            const ids = await populate(emulator);
            const api = clientOf(emulator, level);
            for (const [call, ask, readOnly, createOnly] of LEVELS) {
              const expected = level === "readOnly" ? readOnly : createOnly;
              if (expected === true) await ask(api, ids);
              else assert.match(await failure(ask(api, ids), "permission"), expected, call);
            }
          },
          { variants },
        ),
      );
    }
  }

  it(
    "A Create Only token shows no account, and the client asks only once",
    withEmulator(async (emulator) => {
      const { account } = clientOf(emulator, "createOnly");
      assert.deepEqual([await account.owner(), await account.owner()], [undefined, undefined]);
      assert.equal(emulator.control.counters().requests, 1);
    }),
  );

  it(
    "A Create Only token does not prove that an unlisted repository is missing",
    withEmulator(async (emulator) => {
      const said = await failure(clientOf(emulator, "createOnly").repos.get("nowhere1"), "permission");
      assert.match(said, /read the repository nowhere1.* Read Only or Full Access/);
    }),
  );
});

async function populate(emulator: Emulator) {
  const api = clientOf(emulator);
  const { item: key } = await api.keys.create("key", await newKey());
  const { item: repo } = await api.repos.create({ name: "repo", region: "eu" });
  return { key: key.id, repo: repo.id };
}
