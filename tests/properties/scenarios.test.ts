/*
 * Random scenarios against the real provider and the emulator. PROPERTY_RUNS=5000 runs more of them (default 100).
 * PROPERTY_SEED=N with the N of a failure report repeats them; PROPERTY_PATH=P runs its smallest scenario at once.
 */
import fc from "fast-check";
import { type Emulator, startEmulator } from "../../emulator";
import { makeKey } from "../support/sshKeygen";
import { leaveRequestsAlone, superviseRequests } from "./process";
import { type Action, LINES, type RepoPlan, type Scenario, scenario } from "./scenario";
import { World } from "./world";

const RUNS = Number(process.env.PROPERTY_RUNS ?? 100);
const { PROPERTY_SEED, PROPERTY_PATH } = process.env;
/** Parallel scenarios, each with a separate account: most of their time passes in timeouts. */
const LANES = PROPERTY_SEED ? 1 : 16;

const deploy = (edits: Extract<Action, { do: "deploy" }>["edits"], trouble = {}): Action => ({
  do: "deploy",
  edits,
  refresh: false,
  faults: [],
  parallel: 1,
  ...trouble,
});
const repo = (name: string, plan: Partial<RepoPlan> | null) => ({
  repo: name,
  plan: plan && { region: "eu", ...plan },
});
/** A kill after the server's answer and before the checkpoint; `skip` checkpoints are written first. */
const dies = (skip = 0) => ({ kill: { at: "save", skip } });

/** Small scenarios that random runs have found or rarely reach. */
const FOUND: Record<string, Action[]> = {
  "A new program does not adopt the orphaned key of an older program": [
    deploy([{ key: "k0", plan: { line: 0 } }], dies()),
    deploy([{ key: "k0", plan: { line: 1 } }]),
  ],
  "A new program replaces the orphaned repository of an older program for another region": [
    deploy([repo("r0", {})], dies()),
    deploy([repo("r0", { region: "us" })]),
  ],
  "A new program resets removed arguments of the orphaned repository of an older program": [
    deploy([repo("r0", { alertDays: 5 })], dies()),
    deploy([repo("r0", {})]),
  ],
  "An interrupted replacement creates no duplicate": [
    deploy([repo("r0", {})]),
    deploy([repo("r0", { region: "us" })], dies()),
  ],
  "A pending create that failed does not adopt another resource's object": [
    deploy([repo("r1", { name: "web" })], {
      faults: [{ operation: "repoAdd", skip: 0, count: null, kind: "status", status: 503 }],
    }),
    deploy([repo("r1", null), repo("r0", { name: "web" })]),
    deploy([repo("r1", { name: "web" })]),
  ],
  "A repository moved to another resource survives an interruption": [
    deploy([repo("r0", {})]),
    deploy([{ move: "r0" }], dies(1)),
  ],
  "A repository keeps its default name after a removed name and renames": [
    deploy([repo("r0", { name: "web" })]),
    deploy([repo("r0", {})]),
  ],
  "Two equal creates without answers fail with both ids instead of a guess": [
    deploy(
      [
        { key: "k0", plan: { name: "web", line: 0 } },
        { key: "k1", plan: { name: "web", line: 0 } },
      ],
      {
        faults: [{ skip: 2, count: null, kind: "truncated" }],
        parallel: 4,
      },
    ),
  ],
  "A Create Only token starts no replacement": [
    deploy([repo("r0", {}), { key: "k0", plan: { line: 0 } }]),
    deploy([repo("r0", { region: "us" }), { key: "k0", plan: { line: 1 } }], { token: "createOnly" }),
  ],
  "A revoked token is tried once": [deploy([repo("r0", {})]), deploy([repo("r1", {})], { token: "revoked" })],
  "An interrupted replacement with deleteBeforeReplace creates no duplicate": [
    deploy([repo("r0", { deleteBeforeReplace: true })]),
    deploy([repo("r0", { deleteBeforeReplace: true, region: "us" })], dies(1)),
  ],
  "A repository with backups is not replaced by a decision of the engine": [
    deploy([repo("r0", {})]),
    { do: "back up", which: 0, usage: 5 },
    deploy([repo("r0", { alertDays: 1 })], { forced: { which: 0, how: "replacementTrigger" } }),
  ],
  "A repository with backups and a pending deletion stays in the account with keepOnDelete": [
    deploy([repo("r0", {})]),
    { do: "back up", which: 0, usage: 5 },
    deploy([repo("r0", { alertDays: 1 })], { forced: { which: 0, how: "--replace" } }),
    deploy([repo("r0", { keepOnDelete: true })]),
  ],
  "A keepOnDelete that the run of a replacement removes leaves no repository behind": [
    deploy([
      { key: "k1", plan: { line: 0 } },
      { key: "k2", plan: { line: 1 } },
      repo("r0", { rsyncKeys: ["k1"], keepOnDelete: true }),
    ]),
    deploy([{ key: "k1", plan: null }, repo("r0", { region: "us", rsyncKeys: ["k2"] })]),
  ],
  "A replaced key stays while an unmanaged repository lists it": [
    { do: "add repo", name: "theirs" },
    deploy([{ key: "k0", plan: { line: 0 } }]),
    { do: "list keys", which: 0, keys: [0] },
    deploy([{ key: "k0", plan: { line: 1 } }]),
  ],
  "A repository is replaced once when one run both renames and replaces its resource": [
    deploy([repo("r1", {})]),
    deploy([{ rename: "r1" }], { forced: { which: 0, how: "replacementTrigger" } }),
  ],
};

describe("Random scenarios of a stack", function () {
  this.timeout(Math.max(300_000, RUNS * 1_000));
  let emulators: Emulator[];
  let lines: string[];

  before(async () => {
    emulators = await Promise.all(Array.from({ length: LANES }, () => startEmulator()));
    lines = await Promise.all(Array.from({ length: LINES }, async () => (await makeKey("-t ed25519")).publicKey));
    superviseRequests();
  });
  after(async () => {
    leaveRequestsAlone();
    await Promise.all(emulators.map((emulator) => emulator.close()));
  });

  async function play(given: Scenario, emulator: Emulator): Promise<void> {
    // Plain objects, because fast-check's objects have no prototype.
    const { actions, ...rest }: Scenario = JSON.parse(JSON.stringify(given));
    await emulator.control.reset();
    emulator.control.setVariants(rest.variants);
    const world = new World(emulator, lines, rest);
    try {
      for (const action of actions) await world.act(action);
      await world.settle();
    } finally {
      world.close();
    }
  }

  for (const [what, actions] of Object.entries(FOUND)) {
    it(what, () => play({ variants: {}, works: false, actions }, emulators[0] as Emulator));
  }

  it("The account matches the program after any random scenario once an up succeeds", async () => {
    const lane = (emulator: Emulator) =>
      fc.assert(
        fc.asyncProperty(scenario, (given) => play(given, emulator)),
        {
          numRuns: Math.ceil(RUNS / LANES),
          ...(PROPERTY_SEED && { seed: Number(PROPERTY_SEED) }),
          ...(PROPERTY_PATH && { path: PROPERTY_PATH }),
        },
      );
    for (const end of await Promise.allSettled(emulators.map(lane))) if (end.status === "rejected") throw end.reason;
  });
});
