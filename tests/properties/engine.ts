import { isDeepStrictEqual } from "node:util";
import { check, create, diff, type Properties, read, remove, update } from "../../provider/lifecycle";
import { UNKNOWN } from "../../provider/lifecycle/resource";
import { type ResourceType, resourceOf } from "../../provider/registry";
import { Killed, type Process } from "./process";

/** One resource of a program. */
export interface Declared {
  type: ResourceType;
  /** Unique in the program. */
  name: string;
  /** Former names. */
  aliases: string[];
  deleteBeforeReplace?: boolean | undefined;
  /** Names of the resources whose ids the inputs contain. */
  after: string[];
  inputs(idOf: (name: string) => unknown): Properties;
}

/** Resources in the order of their dependencies. */
export type Program = Declared[];

/** A resource in the state. */
export interface Entry {
  type: ResourceType;
  name: string;
  /** All names up to now. */
  names: string[];
  id: string;
  inputs: Properties;
  state: Properties;
  /** The resource is replaced; this deployment or the next deletes the old object. */
  replaced?: true;
}

/** A replacement decided by the engine, which then calls no diff of the provider. */
export interface Forced {
  name: string;
  how: "replacementTrigger" | "--replace";
}

/** Whether the state entry of this name belongs to the declared resource. */
export function isOf({ name, aliases }: Declared, entry: string): boolean {
  return entry === name || aliases.includes(entry);
}

export interface Outcome {
  /** Steps done or planned: `create web`, `update web: alertDays`, … Unchanged resources have no step. */
  steps: string[];
  /** Failures of the provider. */
  errors: unknown[];
  killed: boolean;
}

/**
 * Pulumi's engine without the CLI: the same calls in the same order with the same checkpoints.
 * Creates and updates follow the dependencies, deletions come last in reverse order. After a failure, running steps end
 * and no new step starts.
 */
export class Engine {
  /** The state of the last checkpoint. */
  entries: Entry[] = [];

  /**
   * @param parallel the number of resources in progress at once
   * @param target the only resource to deploy; its dependencies exist
   * @param forced the resource that the engine decides to replace
   */
  async up(process: Process, program: Program, parallel = 1, target?: string, forced?: Forced): Promise<Outcome> {
    const planned = target
      ? program.filter(({ name }) => name === target).map((one) => ({ ...one, after: [] }))
      : program;
    return this.#all(planned, process, parallel, async (declared, outcome) => {
      const how = forced?.name === declared.name ? forced.how : undefined;
      const idOf = (name: string) => this.#current(name)?.id;
      const { old, inputs, changed, replaces } = await this.#plan(process, declared, idOf, how);
      const { type, name } = declared;
      if (!old || replaces.length > 0) {
        outcome.steps.push(old ? `replace ${name}: ${replaces}` : `create ${name}`);
        if (old && declared.deleteBeforeReplace) {
          outcome.steps.push(`delete ${old.name}`);
          await this.#askDependents(old, process);
          await this.#deleteOne(old, process);
        }
        const made = await process.run(() => create(resourceOf(type), inputs, process.context(name)));
        process.save(() => {
          if (old) old.replaced = true;
          // A new object is called by the name of now, whatever the old one's resource was called.
          this.entries.push({ type, name, names: [name], id: made.id, inputs: json(inputs), state: json(made.state) });
          process.acknowledge(type, name);
        });
      } else {
        let { state } = old;
        if (changed.length > 0) {
          outcome.steps.push(`update ${name}: ${changed}`);
          state = await process.run(() => update(resourceOf(type), old.id, state, inputs, process.context(name)));
        }
        const names = [...old.names, name];
        process.save(() => Object.assign(old, { name, names, inputs: json(inputs), state: json(state) }));
      }
    }).then((outcome) => {
      const isDoomed = (entry: Entry) =>
        target
          ? entry.replaced && entry.name === target
          : entry.replaced || !program.some((one) => isOf(one, entry.name));
      return this.#delete(isDoomed, process, parallel, outcome);
    });
  }

  /** The steps that `up` would take. */
  async preview(process: Process, program: Program): Promise<Outcome> {
    const ids = new Map<string, unknown>();
    const outcome = await this.#all(program, process, 1, async (declared, { steps }) => {
      const { old, changed, replaces } = await this.#plan(process, declared, (name) => ids.get(name));
      const { name } = declared;
      ids.set(name, old && replaces.length === 0 ? old.id : UNKNOWN);
      if (!old) steps.push(`create ${name}`);
      else if (replaces.length > 0) steps.push(`replace ${name}: ${replaces}`);
      else if (changed.length > 0) steps.push(`update ${name}: ${changed}`);
    });
    const doomed = this.entries.filter((entry) => entry.replaced || !program.some((one) => isOf(one, entry.name)));
    outcome.steps.push(...doomed.map(({ name }) => `delete ${name}`));
    return outcome;
  }

  /**
   * Reads every resource into the state and reports the properties that differ from the program or the former state.
   * A failure is reported and does not stop the other reads.
   */
  async refresh(process: Process, parallel = 1): Promise<Outcome> {
    const each = this.entries.map((entry) => ({ ...entry, after: [], entry }));
    return this.#all(
      each,
      process,
      parallel,
      async ({ type, entry }, { steps }) => {
        const state = await process.run(() => read(resourceOf(type), entry.id, entry.state, process.context()));
        if (!state) {
          steps.push(`gone ${entry.name}`);
          process.save(() => {
            this.entries = this.entries.filter((other) => other !== entry);
          });
        } else {
          const news = json(state);
          const context = process.context(entry.name);
          const { changed } = await process.run(() => diff(resourceOf(type), entry.id, news, entry.inputs, context));
          const shown = Object.keys({ ...news, ...entry.state }).filter(
            (key) => !key.startsWith("__") && !isDeepStrictEqual(news[key], entry.state[key]),
          );
          const drifted = new Set([...changed, ...shown]);
          if (drifted.size > 0) steps.push(`drift ${entry.name}: ${[...drifted]}`);
          process.save(() => Object.assign(entry, { state: news }));
        }
      },
      true,
    );
  }

  destroy(process: Process, parallel = 1): Promise<Outcome> {
    return this.#delete(() => true, process, parallel, { steps: [], errors: [], killed: false });
  }

  #current(name: string): Entry | undefined {
    return this.entries.find((entry) => entry.name === name && !entry.replaced);
  }

  async #plan(process: Process, declared: Declared, idOf: (name: string) => unknown, how?: Forced["how"]) {
    const { type, name, inputs: inputsOf } = declared;
    const resource = resourceOf(type);
    const context = process.context(name);
    const old = this.entries.find((entry) => isOf(declared, entry.name) && !entry.replaced);
    const checked = async (olds: Properties | undefined) => {
      const { inputs, failures } = await process.run(() => check(resource, olds, inputsOf(idOf), context));
      if (failures.length > 0) throw new Error(`${name} is bad: ${JSON.stringify(failures)}`);
      return inputs;
    };
    if (!old) return { old, inputs: await checked(undefined), changed: [], replaces: [] };
    if (how === "--replace") return { old, inputs: await checked(undefined), changed: [], replaces: ["id"] };
    const inputs = await checked(old.inputs);
    const { changed, replaces } = how
      ? { changed: [how], replaces: [how] }
      : await process.run(() => diff(resource, old.id, old.state, inputs, context));
    // Without the old arguments, because a replacement is checked as a new object.
    return { old, inputs: replaces.length > 0 ? await checked(undefined) : inputs, changed, replaces };
  }

  /** Before a deletion that comes first, the engine compares all that depend on the object, with its id unknown. */
  async #askDependents({ id }: Entry, process: Process): Promise<void> {
    for (const entry of this.entries.filter(({ replaced }) => !replaced)) {
      const uses = (value: unknown) => value === id || (Array.isArray(value) && value.includes(id));
      if (!Object.values(entry.inputs).some(uses)) continue;
      const inputs = Object.fromEntries(
        Object.entries(entry.inputs).map(([name, value]) => [name, uses(value) ? UNKNOWN : value]),
      );
      const context = process.context(entry.name);
      await process.run(() => diff(resourceOf(entry.type), entry.id, entry.state, inputs, context));
    }
  }

  /** Repositories are deleted before their keys. */
  async #delete(isDoomed: (entry: Entry) => unknown, process: Process, parallel: number, outcome: Outcome) {
    const doomed = this.entries.filter(isDoomed);
    for (const type of ["Repo", "SshKey"]) {
      if (outcome.errors.length > 0 || outcome.killed) return outcome;
      const each = doomed.filter((entry) => entry.type === type).map((entry) => ({ ...entry, after: [], entry }));
      const { steps, errors, killed } = await this.#all(each, process, parallel, async ({ entry }, { steps }) => {
        steps.push(`delete ${entry.name}`);
        await this.#deleteOne(entry, process);
      });
      outcome.steps.push(...steps);
      outcome.errors.push(...errors);
      outcome.killed ||= killed;
    }
    return outcome;
  }

  async #deleteOne(entry: Entry, process: Process): Promise<void> {
    await process.run(() => remove(resourceOf(entry.type), entry.id, entry.state, process.context(entry.name)));
    process.save(() => {
      this.entries = this.entries.filter((other) => other !== entry);
    });
  }

  /** Runs `work` on every resource after its dependencies, at most `parallel` at once. */
  async #all<T extends { name: string; after: string[] }>(
    each: T[],
    process: Process,
    parallel: number,
    work: (one: T, outcome: Outcome) => Promise<void>,
    goesOn = false,
  ): Promise<Outcome> {
    const outcome: Outcome = { steps: [], errors: [], killed: false };
    const waiting = [...each];
    const done = new Set<string>();
    const worker = async () => {
      for (;;) {
        const next = waiting.findIndex(({ after }) => after.every((name) => done.has(name)));
        const one = next < 0 ? undefined : waiting.splice(next, 1)[0];
        if (!one) return;
        try {
          await work(one, outcome);
          done.add(one.name);
        } catch (error) {
          if (error instanceof Killed) outcome.killed = true;
          else outcome.errors.push(error);
          if (!goesOn || outcome.killed) waiting.length = 0;
        }
      }
    };
    // Idle workers are called again when a dependency has ended.
    while (waiting.length > 0) {
      const before = waiting.length;
      await Promise.all(Array.from({ length: parallel }, worker));
      if (waiting.length === before) throw new Error(`The program has a circle: ${waiting.map(({ name }) => name)}`);
    }
    if (outcome.killed) await process.gone();
    return outcome;
  }
}

/** The value after a round trip through a JSON file. */
function json(values: Properties): Properties {
  return JSON.parse(JSON.stringify(values));
}
