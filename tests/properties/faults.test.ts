/*
 * Every kind of fault at every request of `up`, `refresh` and `destroy` of a stack with two keys and two repositories:
 * once, and at all later requests until the command fails.
 */
import { strict as assert } from "node:assert";
import { type Emulator, type FaultInput, startEmulator } from "../../emulator";
import { Console } from "../support/account";
import { makeKey } from "../support/sshKeygen";
import type { Outcome } from "./engine";
import { leaveRequestsAlone, superviseRequests } from "./process";
import { type Edit, OPERATIONS, type Trouble } from "./scenario";
import { World } from "./world";

const STACK: Edit[] = [
  { key: "k0", plan: { line: 0, name: "web" } },
  { key: "k1", plan: { line: 1, name: "web" } },
  { repo: "r0", plan: { region: "eu", name: "web", fullAccessKeys: ["k0"] } },
  { repo: "r1", plan: { region: "eu", name: "web", fullAccessKeys: ["k0", "k1"], alertDays: 1 } },
];
/** One key and one repository are replaced; an argument is changed and another one removed. */
const CHANGED: Edit[] = [
  { key: "k0", plan: { line: 2, name: "web" } },
  { repo: "r0", plan: { region: "us", name: "web", fullAccessKeys: ["k0"], quota: 1000 } },
  { repo: "r1", plan: { region: "eu", name: "web", fullAccessKeys: ["k0", "k1"] } },
];
const SMALLER: Edit[] = [
  { key: "k1", plan: null },
  { repo: "r1", plan: null },
];

const COMMANDS: Record<string, (world: World, trouble: Trouble) => Promise<Outcome>> = {
  "up that creates": (world, trouble) => deploy(world, STACK, trouble),
  "up that changes and replaces": (world, trouble) => deploy(world, CHANGED, trouble),
  "up that deletes": (world, trouble) => deploy(world, SMALLER, trouble),
  refresh: (world, trouble) => world.refresh(trouble),
  destroy: (world, trouble) => world.destroy(trouble),
};

const KINDS: (FaultInput & { work?: boolean })[] = [
  { kind: "reset" },
  { kind: "lost" },
  { kind: "silence" },
  { kind: "silence", work: true },
  { kind: "slow", bytesPerSecond: 200 },
  { kind: "status", status: 429 },
  { kind: "status", status: 429, retryAfter: "0" },
  { kind: "status", status: 503, retryAfter: "Sat, 01 Jan 2050 00:00:00 GMT" },
  { kind: "status", status: 500 },
  { kind: "status", status: 502, work: true },
  { kind: "truncated" },
  { kind: "foreign" },
  { kind: "foreign", work: true },
  { kind: "errors" },
  { kind: "expire" },
];

/** Parallel cases, each with a separate account. */
const LANES = 8;

async function deploy(world: World, edits: Edit[], trouble: Trouble): Promise<Outcome> {
  for (const edit of edits) world.source.edit(edit);
  return world.up(trouble);
}

describe("Faults at every request", function () {
  this.timeout(600_000);
  let emulators: Emulator[];
  let lines: string[];

  before(async () => {
    emulators = await Promise.all(Array.from({ length: LANES }, () => startEmulator()));
    lines = await Promise.all(Array.from({ length: 3 }, async () => (await makeKey("-t ed25519")).publicKey));
    superviseRequests();
  });
  after(async () => {
    leaveRequestsAlone();
    await Promise.all(emulators.map((emulator) => emulator.close()));
  });

  /** Runs the command on a deployed stack, or on an empty one for the first up, and passes the world to `judge`. */
  async function stage<T>(
    emulator: Emulator,
    command: string,
    faults: FaultInput[],
    judge: (world: World, outcome: Outcome) => T | Promise<T>,
  ): Promise<T> {
    await emulator.control.reset();
    const works = faults.some((fault) => "work" in fault && fault.work === true);
    const world = new World(emulator, lines, { variants: {}, works });
    try {
      if (command !== "up that creates") {
        const { errors } = await deploy(world, STACK, { faults: [], parallel: 4 });
        assert.deepEqual(errors, []);
      }
      const run = COMMANDS[command] as (typeof COMMANDS)[0];
      return await judge(world, await run(world, { faults, parallel: faults.length ? 2 : 1 }));
    } finally {
      world.close();
    }
  }

  async function assertRecovered(emulator: Emulator, command: string, fault: FaultInput): Promise<void> {
    await stage(emulator, command, [fault], async (world) => {
      if (command !== "destroy") return world.settle();
      const again = await world.destroy({ faults: [], parallel: 4 });
      assert.deepEqual(again.errors, []);
      const console = new Console(emulator);
      assert.deepEqual([await console.keys(), await console.repos(), world.engine.entries], [[], [], []]);
    });
  }

  for (const command of Object.keys(COMMANDS)) {
    it(`A fault at any request of ${command} is corrected by the next run`, async () => {
      const emulator = emulators[0] as Emulator;
      const asked = await stage(emulator, command, [], () => emulator.control.counters().operations);
      assert.ok(Object.keys(asked).length > 0);
      assert.deepEqual(
        Object.keys(asked).filter((operation) => !OPERATIONS.includes(operation)),
        [],
      );
      const cases = Object.entries(asked).flatMap(([operation, times]) =>
        KINDS.flatMap((kind) =>
          Array.from({ length: times }, (_, skip) =>
            [1, null].map((count) => ({ ...kind, operation, skip, count })),
          ).flat(),
        ),
      );
      const failed: string[] = [];
      await Promise.all(
        emulators.map(async (lane) => {
          for (let fault = cases.shift(); fault; fault = cases.shift()) {
            await assertRecovered(lane, command, fault).catch((error: Error) => {
              failed.push(`${JSON.stringify(fault)}: ${error.message}`);
            });
          }
        }),
      );
      assert.deepEqual(failed, []);
    });
  }

  it("A fault at any request is tried at every operation of the provider", async () => {
    const emulator = emulators[0] as Emulator;
    const asked = new Set<string>();
    for (const command of Object.keys(COMMANDS)) {
      const operations = await stage(emulator, command, [], () => emulator.control.counters().operations);
      for (const operation of Object.keys(operations)) asked.add(operation);
    }
    assert.deepEqual([...asked].sort(), [...OPERATIONS].sort());
  });
});
