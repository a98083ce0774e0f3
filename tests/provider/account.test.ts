import assert from "node:assert/strict";
import type { Emulator, TokenLevel } from "../../emulator";
import { type Api, connect } from "../../provider/api";
import type { ErrorKind } from "../../provider/errors";
import { create, diff, type Properties, read, remove, update } from "../../provider/lifecycle";
import { DeploymentMemory } from "../../provider/lifecycle/deploymentMemory";
import { type ResourceType, resourceOf } from "../../provider/registry";
import { assertMayReplace, readableOwner } from "../../provider/resources/ownership";
import { clientOf, failure, newKey, PATIENT, withEmulator } from "./api/support";
import { context } from "./support";

const MINE = "demo@example.com";
const OTHER = "other@example.com";

function apiOf(emulator: Emulator, account: 0 | 1, level: TokenLevel): Api {
  return connect({ endpoint: emulator.endpoint, token: emulator.accounts[account].tokens[level] }, PATIENT);
}

/** The state of something that the first account made and that is gone since, and the API as a token shows it. */
const GONE: [ResourceType, id: string, state: Properties, inputs: Properties, calls: RegExp][] = [
  ["SshKey", "4711", { name: "web", publicKey: "ssh-ed25519 AAAA" }, { publicKey: "ssh-ed25519 AAAA" }, /SSH key 4711/],
  ["Repo", "abcd1234", { name: "web", region: "eu" }, { region: "eu" }, /repository abcd1234/],
];

describe("What a token does not see", () => {
  for (const [type, id, state, inputs, calls] of GONE) {
    const resource = resourceOf(type);
    const owned = { ...state, __account: MINE };

    for (const level of ["fullAccess", "readOnly"] as const) {
      it(
        `${type}: is gone for the account that it belongs to (${level})`,
        withEmulator(async (emulator) => {
          const own = context({ api: async () => apiOf(emulator, 0, level) });
          assert.equal(await read(resource, id, owned, own), undefined);
        }),
      );

      it(
        `${type}: is not gone for another account, whose name is told beside its own (${level})`,
        withEmulator(async (emulator) => {
          const other = context({ api: async () => apiOf(emulator, 1, level) });
          const said = await failure(read(resource, id, owned, other), "refused");
          for (const part of [calls, /other@example\.com/, /demo@example\.com/]) assert.match(said, part);
        }),
      );
    }

    it(
      `${type}: deleting what is gone succeeds, but for another account it fails`,
      withEmulator(async (emulator) => {
        await remove(resource, id, owned, context({ api: async () => apiOf(emulator, 0, "fullAccess") }));
        const other = context({ api: async () => apiOf(emulator, 1, "fullAccess") });
        const said = await failure(remove(resource, id, owned, other), "refused");
        assert.match(said, new RegExp(`${OTHER}.*${MINE}`));
      }),
    );

    it(
      `${type}: Create Only proves nothing about what another level made`,
      withEmulator(async (emulator) => {
        const low = context({ api: async () => apiOf(emulator, 0, "createOnly") });
        const kind: ErrorKind = type === "Repo" ? "permission" : "refused";
        assert.match(await failure(read(resource, id, owned, low), kind), /level Read Only or Full Access/);
      }),
    );

    if (type === "Repo") {
      it(
        "Repo: an update of what is gone says so, and of another account's that it is not",
        withEmulator(async (emulator) => {
          const own = context({ api: async () => apiOf(emulator, 0, "fullAccess") });
          assert.match(await failure(update(resource, id, owned, inputs, own), "notFound"), /pulumi refresh/);
          const other = context({ api: async () => apiOf(emulator, 1, "fullAccess") });
          await failure(update(resource, id, owned, inputs, other), "refused");
          assert.deepEqual(await apiOf(emulator, 1, "readOnly").repos.all(), []);
        }),
      );
    }
  }

  it(
    "SshKey: a Create Only token takes its own for gone only while it sees others",
    withEmulator(async (emulator) => {
      const low = () => context({ api: async () => apiOf(emulator, 0, "createOnly") });
      const key = resourceOf("SshKey");
      assert.match(
        await failure(read(key, "4711", { publicKey: "ssh-ed25519 AAAA" }, low()), "refused"),
        /not taken for gone/,
      );
      await clientOf(emulator).keys.create("another", await newKey());
      assert.equal(await read(key, "4711", { publicKey: "ssh-ed25519 AAAA" }, low()), undefined);
    }),
  );

  it(
    "an error of the network is no proof either",
    withEmulator(async (emulator) => {
      const own = context({ api: async () => apiOf(emulator, 0, "fullAccess") });
      emulator.control.addFault({ kind: "status", status: 503, operation: "me", retryAfter: "3600", count: null });
      await failure(read(resourceOf("SshKey"), "4711", { __account: MINE }, own), "unavailable");
    }),
  );
});

describe("Whose objects a run makes", () => {
  const OWNERS: [TokenLevel, owner: string | undefined][] = [
    ["fullAccess", MINE],
    ["readOnly", MINE],
    ["createOnly", undefined],
  ];
  for (const [level, owner] of OWNERS) {
    it(
      `${level}: ${owner}`,
      withEmulator(async (emulator) => {
        assert.equal(await readableOwner(context({ api: async () => apiOf(emulator, 0, level) })), owner);
      }),
    );
  }

  it(
    "is no reason to fail",
    withEmulator(async (emulator) => {
      emulator.control.addFault({ kind: "expire", operation: "me" });
      assert.equal(await readableOwner(context({ api: async () => apiOf(emulator, 0, "fullAccess") })), undefined);
    }),
  );

  it(
    "a Create Only token replaces nothing",
    withEmulator(async (emulator) => {
      const low = context({ api: async () => apiOf(emulator, 0, "createOnly") });
      const said = await failure(assertMayReplace("the SSH key 7", low), "permission");
      assert.match(said, /Replacing the SSH key 7.*Full Access/);
      await assertMayReplace("the SSH key 7", context({ api: async () => apiOf(emulator, 0, "fullAccess") }));
    }),
  );

  it(
    "adds nothing to another account than the one that holds the rest of the stack",
    withEmulator(async (emulator) => {
      const memory = new DeploymentMemory();
      const api = async () => apiOf(emulator, 1, "fullAccess");
      const repo = resourceOf("Repo");
      const old = { name: "old", region: "eu", format: "borg1", __account: MINE };
      await diff(repo, "abcd1234", old, { region: "eu" }, context({ api, memory }));
      const said = await failure(create(repo, { region: "eu" }, context({ api, memory, name: "new" })), "refused");
      assert.match(said, new RegExp(`Nothing is added.*${OTHER}.*${MINE}`));
      assert.deepEqual(await (await api()).repos.all(), []);
      const own = context({ api: async () => apiOf(emulator, 0, "fullAccess"), memory, name: "new" });
      await create(repo, { region: "eu" }, own);
    }),
  );
});
