import assert from "node:assert/strict";
import { connectBorgUi } from "../../../../provider/borgui";
import { check, create, diff, type Properties, read, remove } from "../../../../provider/lifecycle";
import { DeploymentMemory } from "../../../../provider/lifecycle/deploymentMemory";
import type { Context } from "../../../../provider/lifecycle/resource";
import { PendingCreates } from "../../../../provider/pendingCreates";
import { type FunctionName, functionOf, resourceOf } from "../../../../provider/registry";
import type { RequestOptions } from "../../../../provider/remote/requests";
import type { Ui } from "../../../support/borgUi";
import { context } from "../../support";

/** Enough tries for a few faults. */
const PATIENT: RequestOptions = { timeout: 4_000, retry: { baseDelay: 2, maxDelay: 8, maxElapsed: 20_000 } };

/** One run of the program on this machine: a session, and the pending creates that outlive it. */
export class Run {
  readonly lines: string[] = [];
  readonly #context: (name: string) => Context;

  constructor({ settings, emulator }: Ui, home: string, options: RequestOptions = PATIENT) {
    const pendingCreates = new PendingCreates(settings.borgUiUrl, home);
    const config = { url: emulator.url, login: { source: "given" as const, token: emulator.token } };
    const ui = connectBorgUi(config, { ...options, pendingCreates });
    const memory = new DeploymentMemory(pendingCreates);
    this.#context = (name) =>
      context({
        name,
        origin: `project/stack/${name}`,
        borgUi: async () => ui,
        memory,
        log: (line) => void this.lines.push(line),
      });
  }

  async create(type: string, news: Properties, name = "web") {
    const { inputs, failures } = await check(resourceOf(type), undefined, news, this.#context(name));
    assert.deepEqual(failures, []);
    return { inputs, ...(await create(resourceOf(type), inputs, this.#context(name))) };
  }

  invoke<T>(name: FunctionName): Promise<T> {
    return functionOf(name).run({}, this.#context("")) as Promise<T>;
  }

  read(type: string, id: string, state: Properties, name = "web") {
    return read(resourceOf(type), id, state, this.#context(name));
  }

  diff(type: string, id: string, state: Properties, inputs: Properties, name = "web") {
    return diff(resourceOf(type), id, state, inputs, this.#context(name));
  }

  remove(type: string, id: string, state: Properties, name = "web") {
    return remove(resourceOf(type), id, state, this.#context(name));
  }
}
