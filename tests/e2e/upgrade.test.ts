import { strict as assert } from "node:assert";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as borgbase from "../../sdk";
import { startAccount } from "../support/account";
import { TestStack } from "../support/stack";

/*
 * One folder per released version: the stack in the state of that version, and its account.
 * `WRITE_STATE=1 npm test -- tests/e2e/upgrade.test.ts` writes the folder of the version in package.json.
 */
const ROOT = join(__dirname, "../../..");
const STATES = join(ROOT, "tests/states");

/** Every resource without a host. This program must stay unchanged. */
async function program() {
  const pair = new borgbase.KeyPair("web", { comment: "root@web" });
  const key = new borgbase.SshKey("web", { publicKey: pair.publicKey });
  new borgbase.Repo("web", {
    region: "eu",
    quota: 5000,
    appendOnlyKeys: [key.id],
    compaction: { interval: 1, unit: "weeks", hour: 4, timezone: "UTC" },
  });
  new borgbase.Repo("plain", { region: "us" });
  new borgbase.Repo("restic", { region: "eu", format: "restic", forceDestroy: true });
}

/** Omits source positions, which belong to the machine that wrote the state. */
function withoutPlaces(key: string, value: unknown): unknown {
  return key === "sourcePosition" || key === "stackTrace" ? undefined : value;
}

/** A copy of the account in a separate folder, because the emulator writes there. */
async function accountIn(folder: string) {
  const dataDir = mkdtempSync(join(tmpdir(), "borgbase-state-"));
  if (existsSync(folder)) cpSync(folder, dataDir, { recursive: true });
  const account = await startAccount({ dataDir });
  return { ...account, dataDir };
}

describe("States of released versions", function () {
  this.timeout(600_000);

  if (process.env.WRITE_STATE) {
    it("The state of the current version is written", async () => {
      const { version } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
      const folder = join(STATES, version);
      const account = await accountIn("");
      const stack = await TestStack.create(program, account.env);
      const up = await stack.up();
      assert.ok(up.ok, up.output);
      rmSync(folder, { recursive: true, force: true });
      mkdirSync(folder, { recursive: true });
      writeFileSync(join(folder, "stack.json"), JSON.stringify(await stack.state(), withoutPlaces, 1));
      await account.emulator.close();
      cpSync(account.dataDir, join(folder, "account"), { recursive: true });
      await stack.close();
    });
  }

  for (const version of readdirSync(STATES).filter((name) => /^\d/.test(name))) {
    it(`The state of version ${version} shows no drift, needs no change and is destroyed`, async () => {
      const folder = join(STATES, version);
      const account = await accountIn(join(folder, "account"));
      const stack = await TestStack.create(program, account.env);
      try {
        await stack.cli("stack", "import", "--file", join(folder, "stack.json"));
        const drift = await stack.drift();
        assert.ok(drift.ok, drift.output);
        const preview = await stack.preview();
        assert.ok(preview.ok, preview.output);
        assert.deepEqual(preview.steps, []);
        account.mutations();
        const up = await stack.up({ refresh: true });
        assert.ok(up.ok, up.output);
        assert.deepEqual(
          up.steps.filter(({ op }) => op !== "refresh"),
          [],
        );
        assert.deepEqual(account.mutations(), []);
        assert.ok((await stack.destroy()).ok);
        assert.deepEqual([await account.console.repos(), await account.console.keys()], [[], []]);
      } finally {
        await stack.close();
        await account.emulator.close();
        rmSync(account.dataDir, { recursive: true, force: true });
      }
    });
  }

  it("The state of the current version is kept in tests/states", () => {
    const { version } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
    assert.ok(
      existsSync(join(STATES, version, "stack.json")),
      `tests/states lacks ${version}: see the head of this file`,
    );
  });
});
