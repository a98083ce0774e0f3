/*
 * Faults that need the real CLI: killed processes, an unreachable address, tokens that expire during a run,
 * and the lines printed for the user. tests/properties tries every kind of fault at every request.
 */
import { strict as assert } from "node:assert";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { type Emulator, type EmulatorOptions, type FaultInput, startEmulator } from "../../emulator";
import { TestHost } from "../provider/ssh/support/accounts";
import { Sshd } from "../provider/ssh/support/sshd";
import { assertOneLineError } from "../support/output";
import { killBelow, processesBelow, until, untilDead } from "../support/processes";
import type { Run } from "../support/stack";
import { WholeStack } from "../support/wholeStack";

const CLI = /pulumi (up|refresh|destroy)/;
const PROVIDER = /dynamic-provider/;
const BOTH = new RegExp(`${CLI.source}|${PROVIDER.source}`);

describe("Faults of a stack with all resources", function () {
  this.timeout(600_000);
  let host: TestHost;
  let sshd: Sshd;
  let folder: string;
  /** A service that goes away and comes back with its port and its accounts. */
  let away: Emulator;
  let emulator: Emulator;
  let whole: WholeStack;
  const stacks: WholeStack[] = [];
  /** Commands that try for a minute while the other tests run. */
  let inVain: { deployed: WholeStack; fresh: WholeStack; runs: Promise<[destroyed: Run, created: Run]> };

  before(async () => {
    host = new TestHost();
    sshd = await Sshd.start(host);
    folder = await mkdtemp(join(tmpdir(), "borgbase-faults-"));
    emulator = await startEmulator();
    away = await startEmulator(keeping({ port: await quietPort() }));
    const [deployed, fresh] = [await stackAt(away), await stackAt(away)];
    const { ok, output } = await deployed.up();
    assert.ok(ok, output);
    await away.close();
    inVain = { deployed, fresh, runs: Promise.all([deployed.destroy(), fresh.up()]) };
  });
  after(async () => {
    await inVain?.runs;
    await Promise.all(stacks.map((stack) => stack.close()));
    await Promise.all([emulator, away].map((each) => each?.close()));
    await rm(folder, { recursive: true, force: true });
    await sshd?.stop();
    host?.remove();
  });
  beforeEach(async () => {
    await emulator.control.reset();
    whole = await stackAt(emulator);
  });

  const keeping = (more: EmulatorOptions = {}): EmulatorOptions => ({ dataDir: join(folder, "away"), ...more });

  /** A port below the ephemeral range, so that no other process gets it while the service is away. */
  async function quietPort(): Promise<number> {
    for (;;) {
      const port = 20_000 + Math.floor(Math.random() * 10_000);
      const server = createServer();
      const isFree = await new Promise<boolean>((resolve) => {
        server.once("error", () => resolve(false)).listen(port, "127.0.0.1", () => resolve(true));
      });
      await new Promise((resolve) => server.close(resolve));
      if (isFree) return port;
    }
  }

  async function stackAt({ endpoint, accounts }: Emulator): Promise<WholeStack> {
    const stack = await WholeStack.create(host, sshd, { endpoint, token: accounts[0].tokens.fullAccess });
    stacks.push(stack);
    return stack;
  }

  function fault(operation: string, kind: FaultInput["kind"], more: object = {}): void {
    emulator.control.addFault({ operation, kind, ...more } as FaultInput);
  }

  const wasAsked = (operation: string) =>
    emulator.control.log().some((request) => request.operations.includes(operation));

  /**
   * Runs a command that an unanswered request blocks, and kills `victims` once `moment` holds.
   * Returns the ids of the provider processes.
   */
  async function killed(command: () => Promise<Run>, victims: RegExp, moment: () => boolean): Promise<number[]> {
    emulator.control.resetCounters();
    const others = processesBelow();
    const run = command();
    await until(moment, 120, "it may be killed");
    const providers = [...processesBelow(PROVIDER)].filter((pid) => !others.has(pid));
    assert.ok(killBelow(victims, others) > 0, "there was nothing to kill");
    const { ok, output } = await run;
    assert.ok(!ok, output);
    emulator.control.clearFaults();
    await whole.recover();
    return providers;
  }

  it("A stack killed at create, update, rotation, refresh and destroy is as declared after the next run", async () => {
    const logins = sshd.log().length;
    fault("repoAdd", "silence", { count: null });
    await killed(whole.up, BOTH, () => /Accepted password/.test(sshd.log().slice(logins)));
    await whole.assertRecovered(emulator);

    whole.plan.alertDays = 2;
    fault("repoEdit", "silence", { work: true });
    await killed(whole.up, PROVIDER, () => wasAsked("repoEdit"));
    await whole.assertRecovered(emulator);

    whole.plan.rotation = "2";
    fault("sshDelete", "silence", { work: true });
    await killed(whole.up, BOTH, () => wasAsked("sshDelete"));
    await whole.assertRecovered(emulator);

    fault("repoList", "silence");
    await killed(whole.refresh, CLI, () => wasAsked("repoList"));
    await whole.assertAsDeclared(emulator);

    fault("repoDelete", "silence", { work: true });
    await killed(whole.destroy, BOTH, () => wasAsked("repoDelete"));
    await whole.assertDestroyed(emulator);
  });

  it("A provider whose CLI was killed during a retry wait creates no second repository", async () => {
    // Longer than the provider needs to notice that the CLI is gone, also on a busy machine.
    fault("repoAdd", "status", { status: 429, retryAfter: "50", count: 2 });
    await untilDead(await killed(whole.up, CLI, () => wasAsked("repoAdd")), 60);
    await whole.assertRecovered(emulator);
  });

  it("A stack is created without a diagnostic when every request fails once", async () => {
    fault("me", "reset");
    fault("sshList", "status", { status: 502 });
    fault("sshAdd", "lost");
    fault("repoList", "truncated");
    fault("repoAdd", "status", { status: 429, retryAfter: new Date(Date.now() + 4_000).toUTCString() });
    fault("repoAdd", "errors");
    const run = await whole.up();
    assert.ok(run.ok, run.output);
    assert.doesNotMatch(run.output, /Diagnostics|error|warning/i);
    assert.deepEqual(emulator.control.faults(), []);
    await whole.assertRecovered(emulator);
  });

  it("A service that asks to wait for years stops up, refresh and destroy with one line each", async () => {
    const years = { status: 503, retryAfter: "Sat, 01 Jan 2050 00:00:00 GMT", count: null };
    const says = (run: Run, purpose: RegExp) => {
      assertOneLineError(run, purpose, /has a fault of its own \(status 503\)\. Tried 1 time\. It asks to wait \d+ s/);
      emulator.control.clearFaults();
    };
    fault("repoAdd", "status", years);
    says(await whole.up(), /could not add the repository/);
    await whole.assertRecovered(emulator);
    fault("repoList", "status", years);
    says(await whole.refresh(), /could not list the repositories/);
    fault("repoDelete", "status", years);
    says(await whole.destroy(), /could not delete the repository/);
    await whole.assertDestroyed(emulator);
  });

  it("An error about an expired token names its source and the token that refresh and destroy use", async () => {
    const [{ email: account, tokens }] = emulator.accounts;
    // The Full Access token stays reserved for the console.
    for (const token of ["readOnly", "createOnly"] as const) {
      emulator.control.changeToken({ account, token, level: "fullAccess" });
    }
    await whole.stack.setConfig("borgbase:token", tokens.readOnly);
    fault("repoAdd", "expire");
    const stopped = await whole.up();
    assertOneLineError(stopped, /BorgBase refused the stack's token/, /pulumi config set --secret borgbase:token/);
    await whole.stack.setConfig("borgbase:token", tokens.createOnly);
    await whole.assertRecovered(emulator);

    emulator.control.changeToken({ account, token: "readOnly", expiresAt: null });
    await whole.stack.setConfig("borgbase:token", tokens.readOnly);
    emulator.control.changeToken({ account, token: "createOnly", expiresAt: "now" });
    const refreshed = await whole.refresh();
    assertOneLineError(refreshed, /refresh and destroy use the one that the last `pulumi up` saved/, /run `pulumi up`/);
    await whole.assertRecovered(emulator);

    fault("sshDelete", "expire");
    assertOneLineError(await whole.destroy(), /BorgBase refused the stack's token/);
    emulator.control.changeToken({ account, token: "readOnly", expiresAt: null });
    await whole.assertDestroyed(emulator);
  });

  async function comeBack(): Promise<void> {
    away = await startEmulator(keeping({ port: away.port }));
  }

  it("An unreachable service fails up and destroy in one line after a minute, and both succeed later", async () => {
    const [destroyed, created] = await inVain.runs;
    const reason = /no answer from 127\.0\.0\.1:\d+ \(ECONNREFUSED\)\. Tried \d+ times\./;
    assertOneLineError(destroyed, /Could not (read|delete) the repository/, reason);
    assertOneLineError(created, /Could not list the/, reason);
    await comeBack();
    await inVain.deployed.assertDestroyed(away);
    await inVain.fresh.assertRecovered(away);
  });

  it("An up waits without a diagnostic for a service that is away for a few seconds", async () => {
    const { fresh } = inVain;
    fresh.plan.alertDays = 3;
    await away.close();
    const run = fresh.up();
    await until(() => processesBelow(PROVIDER).size > 0, 60, "the provider runs");
    await delay(4_000);
    await comeBack();
    const { ok, output } = await run;
    assert.ok(ok, output);
    assert.doesNotMatch(output, /Diagnostics|error|warning/i);
    await fresh.assertRecovered(away);
  });
});
