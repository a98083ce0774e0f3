import assert from "node:assert/strict";
import type { Emulator } from "../../emulator";
import { connect } from "../../provider/api";
import { create, diff, type Properties, read, update } from "../../provider/lifecycle";
import { resourceOf } from "../../provider/registry";
import { Console } from "../support/account";
import { PATIENT, withEmulator } from "./api/support";
import { context } from "./support";

const repo = resourceOf("Repo");

/** A repository of the emulator by way of the provider, and what a person does to it past it. */
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
    // Each question as a process of its own asks it.
    const own = context({ api: async () => connect({ endpoint: emulator.endpoint, token: person.token }, PATIENT) });
    await work(await create(repo, inputs, { ...own, api: async () => api }), own, person, emulator);
  });

describe("read after a change by others", () => {
  it(
    "shows what is declared and keeps the rest as it was",
    withRepo({ region: "eu", alertDays: 2 }, async ({ id, state }, own, person) => {
      await person.edit(id, 'alertDays: 9, name: "renamed", quotaEnabled: true, quota: 700, appendOnly: true');
      const found = (await read(repo, id, state, own)) as Properties;
      assert.deepEqual(found, { ...state, alertDays: 9 });
      const { changed } = await diff(repo, id, found, { region: "eu", alertDays: 2 }, own);
      assert.deepEqual(changed, ["alertDays"]);
    }),
  );

  it(
    "shows compaction only where it is declared",
    withRepo({ region: "eu" }, async ({ id, state }, own, person) => {
      await person.edit(id, "compactionEnabled: true, compactionInterval: 3");
      assert.deepEqual(await read(repo, id, state, own), state);
    }),
  );

  it(
    "an argument declared later takes over what others set, and from then on shows",
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
    "a backup is no change",
    withRepo({ region: "eu" }, async ({ id, state }, own, _person, emulator) => {
      emulator.control.setContent(id, { currentUsage: 12.5, lastModified: "2026-11-21T10:00:00+00:00" });
      assert.deepEqual(await read(repo, id, state, own), state);
    }),
  );

  it(
    "by the id alone, everything is told",
    withRepo({ region: "eu", alertDays: 2 }, async ({ id, state }, own) => {
      const { __declared: _, ...whole } = state;
      assert.deepEqual(await read(repo, id, {}, own), whole);
    }),
  );
});
