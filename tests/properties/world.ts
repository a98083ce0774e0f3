import { strict as assert } from "node:assert";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Emulator, FaultInput } from "../../emulator";
import { isKind, ProviderError } from "../../provider/errors";
import type { PendingCreate } from "../../provider/pendingCreates";
import { Console } from "../support/account";
import { Engine, isOf, type Outcome, type Program } from "./engine";
import { assertAsDeclared, Known } from "./invariants";
import { Process, type ProcessOptions } from "./process";
import { type Action, type Force, RENAMED, type Scenario, type Trouble } from "./scenario";
import { Secrets } from "./secrets";
import { type Found, Source } from "./stack";
import { type Before, forcedIn, violations } from "./watch";

/** A quarter of a second of retries for runs with faults, and enough retries for all others. */
const IMPATIENT = { timeout: 80, retry: { baseDelay: 2, maxDelay: 60, maxElapsed: 200 } };
const PATIENT = { timeout: 10_000, retry: { baseDelay: 2, maxDelay: 60, maxElapsed: 10_000 } };
const CALM: Trouble = { faults: [], parallel: 4 };

/** One stack with its account and the people who use the web console. */
export class World {
  readonly engine = new Engine();
  readonly source: Source;
  readonly #console: Console;
  readonly #home = mkdtempSync(join(tmpdir(), "borgbase-properties-"));
  readonly #known = new Known();
  readonly #secrets: Secrets;
  /** Ids of repositories with data. */
  readonly #full = new Set<string>();
  /** Ids of repositories whose keys changed outside since the last refresh. */
  readonly #drifted = new Set<string>();
  /** Whether any object changed outside since the last refresh. */
  #isStale = false;
  #program: Program = [];

  constructor(
    private readonly emulator: Emulator,
    private readonly lines: string[],
    private readonly scenario: Pick<Scenario, "variants" | "works">,
  ) {
    this.source = new Source(lines);
    this.#console = new Console(emulator);
    this.#secrets = new Secrets(emulator);
  }

  close(): void {
    rmSync(this.#home, { recursive: true, force: true });
  }

  async act(action: Action): Promise<void> {
    if (action.do === "deploy") {
      if (action.refresh) await this.refresh(action);
      for (const edit of action.edits) this.source.edit(edit);
      const { errors, killed } = await this.up(action, action.target, action.forced);
      const isWhole = action.target === undefined && errors.length === 0 && !killed;
      if (isWhole && !this.#isStale) await this.#assertAsDeclared();
    } else if (action.do === "destroy") {
      await this.destroy(action);
    } else await this.#change(action);
  }

  /** Ends all faults, runs `up` and compares the account with the program; a further run must change nothing. */
  async settle(): Promise<void> {
    if (this.#isStale) assertNone(await this.refresh(CALM), "refresh");
    let outcome = await this.up(CALM);
    if (outcome.errors.length > 0 && outcome.errors.every((error) => isKind(error, "refused"))) {
      // Refusals are correct for repositories with data; a person then empties the repository.
      for (const error of outcome.errors as ProviderError[]) {
        // Two equal creates without answers are indistinguishable: a person deletes the objects that the error names.
        const [, alike] = /unused ones look like it: ([^.]+)\./.exec(error.message) ?? [];
        if (alike) {
          const { keys, repos } = await this.#look();
          for (const { id } of [...keys, ...repos]) if (alike.split(", ").includes(id)) await this.#delete(id);
          continue;
        }
        // A person removes the old key from a repository that the program does not manage.
        const [, replaced] =
          /^The SSH key (\d+) is not deleted(?:, though \d+ has taken its place| before its replacement exists)/.exec(
            error.message,
          ) ?? [];
        if (replaced) {
          await this.#removeFromLists(replaced);
          continue;
        }
        assert.ok(
          [...this.#full].some((id) => error.message.includes(`(${id}) holds backups`)),
          error.message,
        );
      }
      for (const id of this.#full) this.#setContent(id, null);
      if (this.#isStale) assertNone(await this.refresh(CALM), "refresh");
      outcome = await this.up(CALM);
    }
    assertNone(outcome, "up");
    // A resource whose object another one adopted is declared again once its entry is gone.
    for (let names = ""; names !== this.#names(); ) {
      names = this.#names();
      assertNone(await this.up(CALM), "up");
    }
    await this.#assertAsDeclared();

    const preview = await this.engine.preview(this.#process(PATIENT), this.#program);
    assertNone(preview, "preview");
    assert.deepEqual(preview.steps, [], "a second preview is empty");
    await this.#upToNothing("a second up");
    for (const rename of RENAMED) this.source.edit({ rename });
    await this.#upToNothing("up after resources were renamed, with aliases,");
    await this.#assertAsDeclared();
    const refresh = await this.refresh(CALM);
    assertNone(refresh, "refresh");
    assert.deepEqual(refresh.steps, [], "refresh shows no drift");
  }

  #names(): string {
    return this.#program.map(({ name }) => name).join();
  }

  async #upToNothing(what: string): Promise<void> {
    const outcome = await this.up(CALM);
    assertNone(outcome, what);
    assert.deepEqual(outcome.steps, [], `${what} does nothing`);
    assert.equal(this.emulator.control.counters().mutations, 0, `${what} changes nothing`);
  }

  /** @param target index of the only repository to deploy, among those whose keys exist */
  async up(trouble: Trouble, target?: number, force?: Force): Promise<Outcome> {
    const found = await this.#look();
    this.#program = this.source.program(this.engine.entries, found, this.#known.unrelated(found, this.engine));
    this.#known.deploying(this.engine, this.#program);
    const there = (key: string) => this.engine.entries.some(({ name, replaced }) => name === key && !replaced);
    const targets = this.#program.filter(({ type, after }) => type === "Repo" && after.every(there));
    const only = target === undefined ? undefined : targets[target % (targets.length || 1)]?.name;
    const known = this.#program.filter((one) =>
      this.engine.entries.some(({ name, replaced }) => isOf(one, name) && !replaced),
    );
    const name = force && known[force.which % (known.length || 1)]?.name;
    const forced = force && name !== undefined ? { name, how: force.how } : undefined;
    const outcome = await this.#watched(
      trouble,
      found,
      (process) => this.engine.up(process, this.#program, trouble.parallel, only, forced),
      forced?.how,
    );
    if (forced && (outcome.killed || outcome.errors.length > 0)) this.#known.interrupted.add(forced.name);
    return outcome;
  }

  async refresh(trouble: Trouble): Promise<Outcome> {
    const found = await this.#look();
    const outcome = await this.#watched(trouble, found, (process) => this.engine.refresh(process, trouble.parallel));
    if (outcome.errors.length === 0 && !outcome.killed) {
      this.#isStale = false;
      this.#drifted.clear();
    }
    return outcome;
  }

  async destroy(trouble: Trouble): Promise<Outcome> {
    this.#program = [];
    return this.#watched(trouble, await this.#look(), (process) => this.engine.destroy(process, trouble.parallel));
  }

  /** Runs a command in a separate process with its faults and checks the server's log. */
  async #watched(
    trouble: Trouble,
    found: Found,
    command: (process: Process) => Promise<Outcome>,
    how?: Force["how"],
  ): Promise<Outcome> {
    const { control } = this.emulator;
    const { faults, kill, refused, token } = trouble;
    const isCalm = faults.length === 0 && !kill && !refused;
    const process = this.#process(isCalm ? PATIENT : IMPATIENT, trouble);
    // What is kept asks for no deletion, so that a token which may only add ends its replacement too.
    const kept = this.#program.filter(({ inputs }) => inputs((name) => name).keepOnDelete === true);
    const replaced = () =>
      this.engine.entries.filter((entry) => entry.replaced && !kept.some((one) => isOf(one, entry.name))).length;
    const replacedBefore = replaced();
    const before: Before = {
      repos: found.repos,
      full: new Set(this.#full),
      forced: forcedIn(this.engine, this.#program),
      drifted: new Set(this.#drifted),
    };
    const program = this.#program;
    const nameOf = new Map(this.engine.entries.filter((entry) => !entry.replaced).map(({ id, name }) => [id, name]));
    if (token === "revoked") this.#changeTokens("now");
    control.resetCounters();
    for (const fault of faults) control.addFault(this.#fitted(fault));
    const outcome = await command(process);
    control.clearFaults();
    // A person renews an expired token.
    this.#changeTokens(null);
    // Objects left in the account on purpose are unmanaged afterwards.
    for (const line of process.log) {
      const [, kept] = /^leaves the repository (\w+) /.exec(line) ?? [];
      if (kept) this.#known.touched.add(kept);
    }
    // An unanswered deletion stays in the state, and a new declaration of the object needs a refresh.
    const isOpen = outcome.killed || outcome.errors.length > 0;
    if (isOpen && outcome.steps.some((step) => step.startsWith("delete "))) this.#isStale = true;
    const declares = (id: string, list: string) => {
      // A program that deletes a key before its successor accepts the gap.
      if (program.some(({ type, deleteBeforeReplace }) => type === "SshKey" && deleteBeforeReplace)) return false;
      const name = nameOf.get(id) ?? "";
      // What was replaced and stays in the account is no resource's any more.
      const isCurrent = this.engine.entries.some((entry) => entry.id === id && !entry.replaced);
      const declared = program.find((one) => isOf(one, name))?.inputs((key) => key) ?? {};
      if (declared.keepOnDelete === true && !isCurrent) return false;
      const keys = declared[list];
      return Array.isArray(keys) && keys.length > 0;
    };
    assert.deepEqual(violations(control.log(), this.scenario.works, before, declares), []);
    // `--replace` looks like a first creation to the provider, which cannot refuse it then.
    if (token === "createOnly" && how !== "--replace")
      assert.ok(replaced() <= replacedBefore, "no replacement was begun that cannot be ended");
    // A bare 403 may also concern the level, which says nothing about the next request.
    if (isCalm && token === "revoked" && outcome.errors.every((error) => isKind(error, "authentication"))) {
      const { requests } = control.counters();
      assert.ok(requests <= trouble.parallel, `a refused token was tried ${requests} times`);
    }
    this.#assertPrintable(outcome.errors, process.log);
    const log = control.log();
    this.#secrets.see(await this.#console.passwords());
    this.#secrets.assertNone(
      { errors: outcome.errors, lines: process.log, journal: this.#journal(), log },
      this.engine,
    );
    return outcome;
  }

  /** Sets `work` of ambiguous faults, whose work the log does not show, as the scenario says; a 429 does no work. */
  #fitted(fault: FaultInput): FaultInput {
    const mayWork =
      fault.kind === "silence" || fault.kind === "foreign" || (fault.kind === "status" && fault.status !== 429);
    return mayWork ? { ...fault, work: this.scenario.works } : fault;
  }

  #process(patience: Pick<ProcessOptions, "retry" | "timeout">, { kill, refused, token }: Trouble = CALM): Process {
    const { endpoint, accounts } = this.emulator;
    const level = token === undefined || token === "revoked" ? "fullAccess" : token;
    const config = { endpoint, token: accounts[0].tokens[level], tokenSource: "given" as const };
    return new Process({ config, home: this.#home, ...patience, kill, refused });
  }

  #changeTokens(expiresAt: "now" | null): void {
    for (const token of ["readOnly", "createOnly", "fullAccess"] as const) {
      this.emulator.control.changeToken({ account: this.emulator.accounts[0].email, token, expiresAt });
    }
  }

  async #look(): Promise<Found> {
    return { keys: await this.#console.keys(), repos: await this.#console.repos() };
  }

  async #assertAsDeclared(): Promise<void> {
    assertAsDeclared(this.engine, this.#program, await this.#look(), this.#known, this.#journal());
  }

  /** The open pending creates. */
  #journal(): PendingCreate[] {
    const files = readdirSync(this.#home, { recursive: true, withFileTypes: true }).filter((file) => file.isFile());
    return files.map((file) => JSON.parse(readFileSync(join(file.parentPath, file.name), "utf8")));
  }

  /** Checks that every failure is an expected one on one line, and that every log line is one line. */
  #assertPrintable(errors: unknown[], log: string[]): void {
    for (const error of errors) {
      assert.ok(error instanceof ProviderError, `unexpected: ${error instanceof Error ? error.stack : error}`);
    }
    for (const text of [...log, ...errors.map((error) => (error as Error).message)]) {
      assert.doesNotMatch(text, /[\r\n]/);
    }
  }

  #setContent(id: string, usage: number | null): void {
    const content = usage === null ? null : { currentUsage: usage, lastModified: "2026-01-02T03:04:05Z" };
    this.emulator.control.setContent(id, content);
    if (content) this.#full.add(id);
    else this.#full.delete(id);
  }

  async #delete(id: string): Promise<void> {
    if ((await this.#console.repos()).some((repo) => repo.id === id)) return this.#console.deleteRepo(id);
    // The console writes the id of a key in the form of its server.
    const written = this.scenario.variants.sshDeleteId === "int" ? id : JSON.stringify(id);
    await this.#console.ask(`mutation { sshDelete(id: ${written}) { ok } }`);
  }

  /** A person removes a key from all lists. */
  async #removeFromLists(key: string): Promise<void> {
    for (const repo of (await this.#look()).repos) {
      const lists = (["fullAccessKeys", "appendOnlyKeys", "rsyncKeys"] as const).filter((list) =>
        repo[list]?.includes(key),
      );
      if (lists.length === 0) continue;
      const changes = lists.map((list) => `${list}: ${JSON.stringify(repo[list].filter((id) => id !== key))}`);
      await this.#console.edit(repo.id, changes.join(", "));
      this.#drifted.add(repo.id);
      this.#isStale = true;
      this.#known.see((await this.#look()).repos.find(({ id }) => id === repo.id));
    }
  }

  /** A person uses the web console or makes a backup. */
  async #change(action: Exclude<Action, { do: "deploy" | "destroy" }>): Promise<void> {
    const { keys, repos } = await this.#look();
    const repo = "which" in action ? repos[action.which % (repos.length || 1)] : undefined;
    const edit = async (changes: string) => {
      if (!repo) return;
      await this.#console.edit(repo.id, changes);
      this.#isStale = true;
      this.#known.see((await this.#look()).repos.find(({ id }) => id === repo.id));
    };
    switch (action.do) {
      case "rename repo":
        return edit(`name: ${JSON.stringify(action.name)}`);
      case "set alert":
        return edit(`alertDays: ${action.alertDays}`);
      case "list keys": {
        const ids = action.keys.flatMap((which) => keys[which % (keys.length || 1)]?.id ?? []);
        if (repo) this.#drifted.add(repo.id);
        return edit(`fullAccessKeys: ${JSON.stringify(ids)}`);
      }
      case "delete repo":
        this.#isStale = true;
        if (repo) await this.#console.deleteRepo(repo.id);
        if (repo) this.#full.delete(repo.id);
        return;
      case "delete key": {
        const key = keys[action.which % (keys.length || 1)];
        this.#isStale = true;
        for (const each of repos) this.#drifted.add(each.id);
        for (const { id } of repos) this.#known.touched.add(id);
        if (key) await this.#delete(key.id);
        return;
      }
      case "add repo": {
        const args = `name: ${JSON.stringify(action.name)}, region: "eu", alertDays: 77`;
        await this.#console.ask(`mutation { repoAdd(${args}) { repoAdded { id } } }`);
        return this.#known.add(repos, (await this.#look()).repos);
      }
      case "add key": {
        const args = `name: ${JSON.stringify(`${action.name}, by hand`)}, keyData: ${JSON.stringify(this.lines[action.line])}`;
        await this.#console.ask(`mutation { sshAdd(${args}) { keyAdded { id } } }`);
        return this.#known.add(keys, (await this.#look()).keys);
      }
      case "back up":
        if (repo) this.#known.touched.add(repo.id);
        return repo && this.#setContent(repo.id, action.usage);
      case "empty":
        return repo && this.#setContent(repo.id, null);
    }
  }
}

function assertNone({ errors, killed }: Outcome, command: string): void {
  assert.ok(!killed);
  const [error] = errors;
  assert.equal(errors.length, 0, `${command} without trouble: ${error instanceof Error ? error.stack : error}`);
}
