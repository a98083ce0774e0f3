/*
 * Random scenarios run on a model of Pulumi's engine (engine.ts). These tests run the same programs on the model and on
 * the real engine, and compare steps, mutations and the contents of the account.
 */
import { strict as assert } from "node:assert";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type * as pulumi from "@pulumi/pulumi";
import fc from "fast-check";
import * as borgbase from "../../sdk";
import { startAccount } from "../support/account";
import { makeKey } from "../support/sshKeygen";
import { TestStack } from "../support/stack";
import { Engine, isOf, type Program } from "./engine";
import { Process } from "./process";
import { ADOPTING_KEY, ADOPTING_REPO, type Edit, edit, LINES } from "./scenario";
import { Source } from "./stack";

const SEED = Number(process.env.PROPERTY_SEED ?? 20261126);
const SCENARIOS = 3;
const DEPLOYMENTS = 4;

/** Edits without objects of the account: no adoption, and no move of an object to another resource. */
const isPlain = (one: Edit) =>
  !("move" in one) && !("key" in one && one.key === ADOPTING_KEY) && !("repo" in one && one.repo === ADOPTING_REPO);

const sample = fc.sample(
  fc.array(fc.array(edit.filter(isPlain), { minLength: 2, maxLength: 6 }), {
    minLength: DEPLOYMENTS,
    maxLength: DEPLOYMENTS,
  }),
  { numRuns: SCENARIOS, seed: SEED },
);
// Plain objects, because fast-check's objects have no prototype.
const scenarios: Edit[][][] = JSON.parse(JSON.stringify(sample));

type Account = Awaited<ReturnType<typeof startAccount>>;

describe("Model of Pulumi's engine", function () {
  this.timeout(900_000);
  const classes = { Repo: borgbase.Repo, SshKey: borgbase.SshKey } as unknown as Record<
    string,
    new (
      name: string,
      args: object,
      opts: pulumi.CustomResourceOptions,
    ) => pulumi.CustomResource
  >;
  let lines: string[];
  let modelled: Account;
  let real: Account;
  let home: string;

  before(async () => {
    lines = await Promise.all(Array.from({ length: LINES }, async () => (await makeKey("-t ed25519")).publicKey));
    modelled = await startAccount();
    real = await startAccount();
    home = mkdtempSync(join(tmpdir(), "borgbase-model-"));
  });
  after(async () => {
    rmSync(home, { recursive: true, force: true });
    await modelled.emulator.close();
    await real.emulator.close();
  });

  for (const [index, deployments] of scenarios.entries()) {
    it(`The model of the engine matches the CLI in random scenario ${index + 1} of seed ${SEED}`, async () => {
      await modelled.emulator.control.reset();
      await real.emulator.control.reset();
      const source = new Source(lines);
      const engine = new Engine();
      let program: Program = [];
      const stack = await TestStack.create(async () => declare(program), real.env);
      try {
        for (const edits of deployments) {
          for (const one of edits) source.edit(one);
          program = source.program(engine.entries, { keys: [], repos: [] }, new Set());
          const shown = JSON.stringify(program.map(({ name, aliases, inputs }) => [name, aliases, inputs((id) => id)]));

          const expected = await engine.up(processOf(modelled), program);
          const { ok, output, steps } = await stack.up({ parallel: 1 });
          assert.equal(ok, expected.errors.length === 0, `${shown}\n${output}`);
          assert.deepEqual(
            namesOf(steps.map(({ op, name }) => [op, name])),
            namesOf(expected.steps.map(stepOf)),
            shown,
          );
          assert.deepEqual(real.mutations().sort(), modelled.mutations().sort(), shown);
          assert.deepEqual(await contentsOf(real), await contentsOf(modelled), shown);
          assert.ok(program.every((one) => engine.entries.some(({ name }) => isOf(one, name))));
        }
      } finally {
        await stack.close();
      }
    });
  }

  function declare(program: Program): void {
    const made = new Map<string, pulumi.CustomResource>();
    for (const { type, name, aliases, deleteBeforeReplace, inputs } of program) {
      const opts = {
        aliases: aliases.map((alias) => ({ name: alias })),
        ...(deleteBeforeReplace !== undefined && { deleteBeforeReplace }),
      };
      const Class = classes[type] as (typeof classes)[string];
      made.set(name, new Class(name, inputs((other) => made.get(other)?.id) as object, opts));
    }
  }

  function processOf({ emulator, console }: Account): Process {
    const config = { endpoint: emulator.endpoint, token: console.token, tokenSource: "given" as const };
    return new Process({ config, home, timeout: 10_000, retry: { baseDelay: 2, maxDelay: 60, maxElapsed: 10_000 } });
  }
});

function stepOf(step: string): [string, string] {
  const [, op = "", name = ""] = /^(\w+) ([^:]+)/.exec(step) ?? [];
  return [op, name];
}

/** Creates, updates, replacements and deletions by name; both halves of a replacement count as one. */
function namesOf(steps: [string, string][]): Record<string, string[]> {
  const named: Record<string, string[]> = {};
  const replaced = new Set(steps.filter(([op]) => op === "replace").map(([, name]) => name));
  for (const [op, name] of steps) {
    if (!["create", "update", "replace", "delete"].includes(op)) continue;
    if (op !== "replace" && replaced.has(name)) continue;
    named[op] = [...new Set([...(named[op] ?? []), name])].sort();
  }
  return named;
}

/** The contents of the account without ids, which differ; keys are identified by name and body. */
async function contentsOf({ console }: Account): Promise<unknown> {
  const keys = new Map((await console.keys()).map(({ id, name, keyData }) => [id, `${name} ${keyData}`]));
  const named = (ids: string[]) => ids.map((id) => keys.get(id)).sort();
  const repos = (await console.repos()).map(({ id: _, ...repo }) => ({
    ...repo,
    appendOnlyKeys: named(repo.appendOnlyKeys),
    fullAccessKeys: named(repo.fullAccessKeys),
    rsyncKeys: named(repo.rsyncKeys),
  }));
  const sorted = repos.map((repo) => JSON.stringify(repo)).sort();
  return { keys: [...keys.values()].sort(), repos: sorted };
}
