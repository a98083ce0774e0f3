/*
 * Random scenarios against the real provider and the emulator. PROPERTY_RUNS=5000 plays more of them (default 100);
 * PROPERTY_SEED=N with the N of a failure report plays those again, and with PROPERTY_PATH=P its least scenario at once.
 */
import fc from "fast-check";
import { type Emulator, startEmulator } from "../../emulator";
import { makeKey } from "../support/sshKeygen";
import { leaveRequestsAlone, superviseRequests } from "./process";
import { type Action, LINES, type RepoPlan, type Scenario, scenario } from "./scenario";
import { World } from "./world";

const RUNS = Number(process.env.PROPERTY_RUNS ?? 100);
const { PROPERTY_SEED, PROPERTY_PATH } = process.env;
/** Scenarios played at once, each at an account of its own: most of their time is waiting for what never comes. */
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
/** Dies when the server has answered and the state does not know it yet; `skip` checkpoints are written before. */
const dies = (skip = 0) => ({ kill: { at: "save", skip } });

/** What random scenarios have found, or seldom meet, as the least of them. */
const FOUND: Record<string, Action[]> = {
  "a key that was added for an older program is not taken for the new one": [
    deploy([{ key: "k0", plan: { line: 0 } }], dies()),
    deploy([{ key: "k0", plan: { line: 1 } }]),
  ],
  "a repository that was added for an older program makes way for one elsewhere": [
    deploy([repo("r0", {})], dies()),
    deploy([repo("r0", { region: "us" })]),
  ],
  "a repository that was added for an older program forgets what is not declared any more": [
    deploy([repo("r0", { alertDays: 5 })], dies()),
    deploy([repo("r0", {})]),
  ],
  "a replacement that was interrupted is not made twice": [
    deploy([repo("r0", {})]),
    deploy([repo("r0", { region: "us" })], dies()),
  ],
  "a create that never happened does not adopt another resource's object": [
    deploy([repo("r1", { name: "web" })], {
      faults: [{ operation: "repoAdd", skip: 0, count: null, kind: "status", status: 503 }],
    }),
    deploy([repo("r1", null), repo("r0", { name: "web" })]),
    deploy([repo("r1", { name: "web" })]),
  ],
  "a repository that goes on under another resource outlives an interruption": [
    deploy([repo("r0", {})]),
    deploy([{ move: "r0" }], dies(1)),
  ],
  "a repository that is renamed in the program keeps the default name that it went back to": [
    deploy([repo("r0", { name: "web" })]),
    deploy([repo("r0", {})]),
  ],
  "two equal creates with lost answers are named, and not guessed": [
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
  "a token that may only add begins no replacement": [
    deploy([repo("r0", {}), { key: "k0", plan: { line: 0 } }]),
    deploy([repo("r0", { region: "us" }), { key: "k0", plan: { line: 1 } }], { token: "createOnly" }),
  ],
  "a revoked token is tried once": [deploy([repo("r0", {})]), deploy([repo("r1", {})], { token: "revoked" })],
  "a repository makes way for its successor before that is made, and an interruption leaves neither twice": [
    deploy([repo("r0", { deleteBeforeReplace: true })]),
    deploy([repo("r0", { deleteBeforeReplace: true, region: "us" })], dies(1)),
  ],
  "a repository with backups is not replaced because the engine says so": [
    deploy([repo("r0", {})]),
    { do: "back up", which: 0, usage: 5 },
    deploy([repo("r0", { alertDays: 1 })], { forced: { which: 0, how: "replacementTrigger" } }),
  ],
  "a repository that waits for its deletion with backups is left in the account by keepOnDelete": [
    deploy([repo("r0", {})]),
    { do: "back up", which: 0, usage: 5 },
    deploy([repo("r0", { alertDays: 1 })], { forced: { which: 0, how: "--replace" } }),
    deploy([repo("r0", { keepOnDelete: true })]),
  ],
  "a key that was replaced stays as long as another's repository lists it": [
    { do: "add repo", name: "theirs" },
    deploy([{ key: "k0", plan: { line: 0 } }]),
    { do: "list keys", which: 0, keys: [0] },
    deploy([{ key: "k0", plan: { line: 1 } }]),
  ],
  "a repository that the engine replaces in the run that renames its resource is replaced once": [
    deploy([repo("r1", {})]),
    deploy([{ rename: "r1" }], { forced: { which: 0, how: "replacementTrigger" } }),
  ],
};

describe("Whatever happens to a stack", function () {
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
    // Plain objects, as fast-check's have no prototype.
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

  it("the account holds what the program says once it can be deployed", async () => {
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
