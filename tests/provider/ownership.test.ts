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

/** States of deleted objects of the first account. */
const GONE: [ResourceType, id: string, state: Properties, inputs: Properties, calls: RegExp][] = [
  ["SshKey", "4711", { name: "web", publicKey: "ssh-ed25519 AAAA" }, { publicKey: "ssh-ed25519 AAAA" }, /SSH key 4711/],
  ["Repo", "abcd1234", { name: "web", region: "eu" }, { region: "eu" }, /repository abcd1234/],
];

describe("Ownership of a missing object", () => {
  for (const [type, id, state, inputs, calls] of GONE) {
    const resource = resourceOf(type);
    const owned = { ...state, __account: MINE };

    for (const level of ["fullAccess", "readOnly"] as const) {
      it(
        `A missing ${type} counts as deleted with a token of its own account (${level})`,
        withEmulator(async (emulator) => {
          const own = context({ api: async () => apiOf(emulator, 0, level) });
          assert.equal(await read(resource, id, owned, own), undefined);
        }),
      );

      it(
        `A missing ${type} is refused with a token of another account, and the error names both (${level})`,
        withEmulator(async (emulator) => {
          const other = context({ api: async () => apiOf(emulator, 1, level) });
          const said = await failure(read(resource, id, owned, other), "refused");
          for (const part of [calls, /other@example\.com/, /demo@example\.com/]) assert.match(said, part);
        }),
      );
    }

    it(
      `Deleting a missing ${type} succeeds with its own account, and fails with another`,
      withEmulator(async (emulator) => {
        await remove(resource, id, owned, context({ api: async () => apiOf(emulator, 0, "fullAccess") }));
        const other = context({ api: async () => apiOf(emulator, 1, "fullAccess") });
        const said = await failure(remove(resource, id, owned, other), "refused");
        assert.match(said, new RegExp(`${OTHER}.*${MINE}`));
      }),
    );

    it(
      `A Create Only token does not prove that a ${type} is deleted`,
      withEmulator(async (emulator) => {
        const low = context({ api: async () => apiOf(emulator, 0, "createOnly") });
        const kind: ErrorKind = type === "Repo" ? "permission" : "refused";
        assert.match(await failure(read(resource, id, owned, low), kind), /level Read Only or Full Access/);
      }),
    );

    if (type === "Repo") {
      it(
        "An update of a missing Repo advises a refresh, and is refused with another account",
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
    "A Create Only token proves an SshKey deleted only while it sees other keys",
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
    "A network error does not prove that an SshKey is deleted",
    withEmulator(async (emulator) => {
      const own = context({ api: async () => apiOf(emulator, 0, "fullAccess") });
      emulator.control.addFault({ kind: "status", status: 503, operation: "me", retryAfter: "3600", count: null });
      await failure(read(resourceOf("SshKey"), "4711", { __account: MINE }, own), "unavailable");
    }),
  );
});

describe("Owner of new objects", () => {
  const OWNERS: [TokenLevel, owner: string | undefined][] = [
    ["fullAccess", MINE],
    ["readOnly", MINE],
    ["createOnly", undefined],
  ];
  for (const [level, owner] of OWNERS) {
    it(
      `A ${level} token shows ${owner ? `the owner ${owner}` : "no owner"}`,
      withEmulator(async (emulator) => {
        assert.equal(await readableOwner(context({ api: async () => apiOf(emulator, 0, level) })), owner);
      }),
    );
  }

  it(
    "An unreadable owner does not fail a read",
    withEmulator(async (emulator) => {
      emulator.control.addFault({ kind: "expire", operation: "me" });
      assert.equal(await readableOwner(context({ api: async () => apiOf(emulator, 0, "fullAccess") })), undefined);
    }),
  );

  it(
    "A Create Only token replaces no object",
    withEmulator(async (emulator) => {
      const low = context({ api: async () => apiOf(emulator, 0, "createOnly") });
      const said = await failure(assertMayReplace("the SSH key 7", low), "permission");
      assert.match(said, /Replacing the SSH key 7.*Full Access/);
      await assertMayReplace("the SSH key 7", context({ api: async () => apiOf(emulator, 0, "fullAccess") }));
    }),
  );

  it(
    "A create in another account than that of the stack's objects is refused",
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
