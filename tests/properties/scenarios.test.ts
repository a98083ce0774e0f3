/*
 * Random scenarios against the real provider and the emulator. PROPERTY_RUNS=5000 plays more of them (default 500);
 * PROPERTY_SEED=N with the N of a failure report plays those again, and with PROPERTY_PATH=P its least scenario at once.
 */
import fc from "fast-check";
import { type Emulator, startEmulator } from "../../emulator";
import { makeKey } from "../support/sshKeygen";
import { leaveRequestsAlone, superviseRequests } from "./process";
import { LINES, type Scenario, scenario } from "./scenario";
import { World } from "./world";

const RUNS = Number(process.env.PROPERTY_RUNS ?? 500);
const { PROPERTY_SEED, PROPERTY_PATH } = process.env;
/** Scenarios played at once, each at an account of its own: most of their time is waiting for what never comes. */
const LANES = PROPERTY_SEED ? 1 : 16;

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
