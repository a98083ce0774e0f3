import assert from "node:assert/strict";
import type { Emulator } from "../../emulator";
import { connect } from "../../provider/api";
import { create, diff, type Properties, read, update } from "../../provider/lifecycle";
import { resourceOf } from "../../provider/registry";
import { Console } from "../support/account";
import { PATIENT, withEmulator } from "./api/support";
import { context } from "./support";

const repo = resourceOf("Repo");

/** A repository created by the provider, and a console that changes it outside the provider. */
const withRepo = (
  inputs: Properties,
  work: (
    made: { id: string; state: Properties },
    own: ReturnType<typeof context>,
    person: Console,
    emulator: Emulator,
  ) => Promise<void>,
) =>
  withEmulator(async (emulator) => {
    const person = new Console(emulator);
    const api = connect({ endpoint: emulator.endpoint, token: person.token }, PATIENT);
    // A new client per call, as each operation runs in its own process.
    const own = context({ api: async () => connect({ endpoint: emulator.endpoint, token: person.token }, PATIENT) });
    await work(await create(repo, inputs, { ...own, api: async () => api }), own, person, emulator);
  });

describe("Read after a change outside the program", () => {
  it(
    "Read shows drift of managed arguments and hides that of others",
    withRepo({ region: "eu", alertDays: 2 }, async ({ id, state }, own, person) => {
      await person.edit(id, 'alertDays: 9, name: "renamed", quotaEnabled: true, quota: 700, appendOnly: true');
      const found = (await read(repo, id, state, own)) as Properties;
      assert.deepEqual(found, { ...state, alertDays: 9 });
      const { changed } = await diff(repo, id, found, { region: "eu", alertDays: 2 }, own);
      assert.deepEqual(changed, ["alertDays"]);
    }),
  );

  it(
    "Read hides a compaction that the program does not set",
    withRepo({ region: "eu" }, async ({ id, state }, own, person) => {
      await person.edit(id, "compactionEnabled: true, compactionInterval: 3");
      assert.deepEqual(await read(repo, id, state, own), state);
    }),
  );

  it(
    "An argument that the program sets later is updated, and its drift then shows",
    withRepo({ region: "eu" }, async ({ id, state }, own, person) => {
      await person.edit(id, "alertDays: 9");
      const inputs = { region: "eu", alertDays: 9 };
      const masked = (await read(repo, id, state, own)) as Properties;
      assert.equal(masked.alertDays, 0);
      assert.deepEqual((await diff(repo, id, masked, inputs, own)).changed, ["alertDays"]);
      const after = await update(repo, id, masked, inputs, own);
      assert.deepEqual((await diff(repo, id, after, inputs, own)).changed, []);
      await person.edit(id, "alertDays: 1");
      assert.equal(((await read(repo, id, after, own)) as Properties).alertDays, 1);
    }),
  );

  it(
    "A backup is no drift",
    withRepo({ region: "eu" }, async ({ id, state }, own, _person, emulator) => {
      emulator.control.setContent(id, { currentUsage: 12.5, lastModified: "2026-11-21T10:00:00+00:00" });
      assert.deepEqual(await read(repo, id, state, own), state);
    }),
  );

  it(
    "Read by the id alone returns all outputs",
    withRepo({ region: "eu", alertDays: 2 }, async ({ id, state }, own) => {
      const { __declared: _, ...whole } = state;
      assert.deepEqual(await read(repo, id, {}, own), whole);
    }),
  );
});
