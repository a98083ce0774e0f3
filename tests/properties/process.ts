import assert from "node:assert/strict";
import { AsyncLocalStorage } from "node:async_hooks";
import { connect } from "../../provider/api";
import type { Config } from "../../provider/config";
import { DeploymentMemory } from "../../provider/lifecycle/deploymentMemory";
import type { Context } from "../../provider/lifecycle/resource";
import { type PendingCreate, PendingCreates } from "../../provider/pendingCreates";
import type { RetryPolicy } from "../../provider/remote/retry";

/**
 * Moments of a kill with different remains: before a request, after the server executed it and before its answer,
 * before or after a pending create is recorded, before or after a checkpoint.
 */
export const MOMENTS = ["request", "answer", "note", "noted", "save", "saved"] as const;
export type Moment = (typeof MOMENTS)[number];

/** The moment, and the number of such moments that pass first. */
export interface Kill {
  at: Moment;
  skip: number;
}

/** Refused connections: `skip` requests succeed first, then `count` fail; null: all others. */
export interface Refused {
  skip: number;
  count: number | null;
}

export interface ProcessOptions {
  config: Config;
  /** Folder of the pending creates, shared by all processes. */
  home: string;
  retry: RetryPolicy;
  /** Milliseconds for one request. */
  timeout: number;
  kill?: Kill | undefined;
  refused?: Refused | undefined;
}

/** Rejects the work of a killed process: no failure of its own. */
export class Killed extends Error {}

/**
 * A provider process that can be killed. After the kill it sends no request, records no create and reaches no
 * checkpoint. Requests in flight reach the server; their answers are lost.
 */
export class Process {
  dead = false;
  /** Lines for the user. */
  readonly log: string[] = [];
  #die: (reason: Killed) => void = () => {};
  readonly #death = new Promise<never>((_, reject) => {
    this.#die = reject;
  });
  readonly #underWay = new Set<Promise<unknown>>();
  readonly #memory: DeploymentMemory;
  readonly #pendingCreates: PendingCreates;
  readonly #api: ReturnType<typeof connect>;
  #left: number;
  #sent = 0;

  constructor(private readonly options: ProcessOptions) {
    this.#death.catch(() => {});
    this.#left = options.kill?.skip ?? 0;
    const pendingCreates = new MortalPendingCreates(this, options.config.endpoint, options.home);
    this.#pendingCreates = pendingCreates;
    this.#memory = new DeploymentMemory(pendingCreates);
    const { retry, timeout } = options;
    this.#api = connect(options.config, { retry, timeout, pendingCreates });
  }

  /** Runs a call of the engine; rejects with {@link Killed} when the process dies. */
  run<T>(work: () => Promise<T>): Promise<T> {
    if (this.dead) return this.#death;
    const result = running.run(this, work);
    result.catch(() => {});
    return Promise.race([result, this.#death]);
  }

  /** The context as the dynamic host builds it: reads get neither name nor origin. */
  context(name = ""): Context {
    const base = {
      api: async () => this.#api,
      borgUi: () => assert.fail("no scenario has a Borg UI"),
      memory: this.#memory,
      name,
      log: (line: string) => void this.log.push(line),
    };
    return name ? { ...base, origin: `project/stack/${name}` } : base;
  }

  /** Passes a moment or dies at it. */
  pass(moment: Moment): void {
    if (this.dead) throw new Killed();
    if (this.options.kill?.at !== moment || this.#left-- > 0) return;
    this.dead = true;
    this.#die(new Killed());
    throw new Killed();
  }

  /** As the program does once the engine has answered it, which comes after the checkpoint. */
  acknowledge(type: string, name: string): void {
    this.#pendingCreates.acknowledge(type, `project/stack/${name}`);
  }

  /** A checkpoint of the engine. */
  save(change: () => void): void {
    this.pass("save");
    change();
    this.pass("saved");
  }

  /** Resolves when no request of the process is in flight. */
  async gone(): Promise<void> {
    await Promise.allSettled(this.#underWay);
  }

  async fetch(...request: Parameters<typeof fetch>): Promise<Response> {
    try {
      this.pass("request");
      const response = this.#isRefused() ? send(NOBODY) : send(...request);
      this.#underWay.add(response);
      await response.finally(() => this.#underWay.delete(response)).catch(() => {});
      this.pass("answer");
      return await response;
    } catch (error) {
      // A dead process must not handle its failures.
      if (error instanceof Killed) return new Promise(() => {});
      throw error;
    }
  }

  #isRefused(): boolean {
    const { skip, count } = this.options.refused ?? { skip: Number.POSITIVE_INFINITY, count: 0 };
    const number = this.#sent++;
    return number >= skip && (count === null || number < skip + count);
  }
}

/** A local port without a listener. */
const NOBODY = "http://127.0.0.1:2/graphql";

class MortalPendingCreates extends PendingCreates {
  constructor(
    private readonly process: Process,
    account: string,
    home: string,
  ) {
    super(account, home);
  }

  override record(pending: PendingCreate): void {
    this.process.pass("note");
    super.record(pending);
    this.process.pass("noted");
  }

  override resolve(kind: string, origin: string): void {
    if (!this.process.dead) super.resolve(kind, origin);
  }
}

const running = new AsyncLocalStorage<Process>();
const send = globalThis.fetch;

/** Routes every request through the process that sends it, for the duration of a test. */
export function superviseRequests(): void {
  globalThis.fetch = (...request) => running.getStore()?.fetch(...request) ?? send(...request);
}

export function leaveRequestsAlone(): void {
  globalThis.fetch = send;
}
