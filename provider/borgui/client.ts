import type { z } from "zod";
import { ProviderError } from "../errors";
import { BadBody, unreachable } from "../remote/networkError";
import { type RequestOptions, Requests } from "../remote/requests";
import { type HttpAnswer, request } from "../remote/transport";
import { type BorgUiConfig, requireUrl } from "./config";
import { failureOf, jsonIn, ServerFault } from "./failure";
import { authorization, Session } from "./session";

/** Requests at a time: the server has one worker. */
const MAX_IN_FLIGHT = 8;

/** Work over SSH takes up to 30 s where a host stays silent, and waits for the one worker. Milliseconds. */
export const SSH_TIMEOUT = 90_000;

/** borg's own timeouts at the server are 300 s. Milliseconds. */
export const BORG_TIMEOUT = 330_000;

/** One call of the REST API. */
export interface Call<T> {
  /** Verb and object for error messages, for example `make the connection root@nas:22`. */
  purpose: string;
  /** Default `GET`. */
  method?: "GET" | "POST" | "PUT" | "DELETE";
  /** The exact path: the server redirects neither to nor from a slash at its end. */
  path: string;
  body?: object;
  /** Default: that of all requests. Milliseconds. */
  timeout?: number;
  answer: z.ZodType<T>;
}

/** REST client of one Borg UI server: one session per process, kinds of errors, and retries of calls that are safe to repeat. */
export class Client {
  readonly #config: BorgUiConfig;
  readonly #requests: Requests;
  readonly #session: Session;

  constructor(config: BorgUiConfig, options: RequestOptions = {}) {
    this.#config = config;
    this.#requests = new Requests(options, MAX_IN_FLIGHT);
    this.#session = new Session(config, options);
  }

  /** The address of the server. Not checked yet: a wrong one is an error of the first call. */
  get url(): string {
    return this.#config.url ?? "";
  }

  /** A call that changes nothing. Retried, also after a fault of the server. */
  async read<T>(call: Call<T>): Promise<T> {
    await this.#session.token();
    const { purpose, timeout } = call;
    return this.#requests.repeatable({
      purpose,
      ...(timeout !== undefined && { timeout }),
      send: (signal) => this.#send(call, signal, true),
    });
  }

  /** A change that may be made twice, as edits, deletions and tests may. Retried without an answer, not after a fault. */
  async change<T>(call: Call<T>): Promise<T> {
    await this.#session.token();
    const { purpose, timeout } = call;
    return this.#requests.repeatable({
      purpose,
      ...(timeout !== undefined && { timeout }),
      send: (signal) => this.#send(call, signal),
    });
  }

  /**
   * A create. After a lost answer or a fault the object is looked up: the server may have made it.
   * @param find looks up the object of the request; undefined where it does not exist
   */
  async create<T>(call: Call<T>, find: () => Promise<T | undefined>): Promise<T> {
    await this.#session.token();
    const { purpose, timeout } = call;
    try {
      return await this.#requests.create(
        { purpose, ...(timeout !== undefined && { timeout }), send: (signal) => this.#send(call, signal) },
        find,
      );
    } catch (error) {
      if (!(error instanceof ServerFault)) throw error;
      const found = await find();
      if (found === undefined) throw error;
      return found;
    }
  }

  async #send<T>(call: Call<T>, signal: AbortSignal, repeatable = false): Promise<T> {
    const { purpose } = call;
    const url = requireUrl(this.#config);
    const token = await this.#session.token();
    let answer = await this.#request(call, token, signal);
    if (answer.status === 401) {
      const renewed = await this.#session.renew(token);
      if (renewed !== undefined) answer = await this.#request(call, renewed, signal);
    }
    if (answer.status >= 200 && answer.status < 300) return readAnswer(call, answer, url);
    throw failureOf({ purpose, url, repeatable, secrets: [token, ...secretsIn(call.body)] }, answer);
  }

  async #request({ purpose, method = "GET", path, body }: Call<unknown>, token: string, signal: AbortSignal) {
    const url = requireUrl(this.#config);
    try {
      return await request(new URL(url + path), {
        method,
        signal,
        headers: { ...authorization(token), ...(body && { "content-type": "application/json" }) },
        ...(body && { body: JSON.stringify(body) }),
      });
    } catch (error) {
      throw unreachable(purpose, url, error);
    }
  }
}

const SECRET_FIELDS = ["password", "passphrase", "private_key"];

function secretsIn(body: object = {}): string[] {
  return Object.entries(body).flatMap(([name, value]) =>
    SECRET_FIELDS.includes(name) && typeof value === "string" ? [value] : [],
  );
}

/** A body that is no JSON counts as a lost answer, not as an empty one. */
function readAnswer<T>({ purpose, answer }: Call<T>, { status, body }: HttpAnswer, url: string): T {
  const data = status === 204 ? {} : jsonIn(body);
  if (data === undefined) throw unreachable(purpose, url, new BadBody());
  const parsed = answer.safeParse(data);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new ProviderError(
    "answer",
    `Borg UI's answer (status ${status}) to the request to ${purpose} has an unusable field ${issue?.path.join(".")}: ${issue?.message}.`,
  );
}
