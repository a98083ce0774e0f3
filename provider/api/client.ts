import type { GraphQLClient } from "graphql-request";
import type { z } from "zod";
import { type Config, checkEndpoint, describeToken, renewToken, requireToken } from "../config";
import { ProviderError } from "../errors";
import { unreachable } from "../remote/networkError";
import { type RequestOptions, Requests } from "../remote/requests";
import { parseRetryAfter, Unavailable } from "../remote/retry";
import { post } from "../remote/transport";
import { type Answer, type AnswerFailure, answerIn, parseBody, valueIn } from "./answer";

/** One operation of the API, with the shape of the only field in its answer. */
export interface Operation<T> {
  /** Verb and object for error messages, for example `add the repository "web"`. */
  purpose: string;
  /** GraphQL field that the document selects. */
  field: string;
  document: string;
  variables?: Record<string, unknown>;
  answer: z.ZodType<T>;
}

/** Concurrent requests: the engine's default parallelism on a large machine. */
const MAX_IN_FLIGHT = 16;

/** Time for which an authentication failure is cached, so that parallel resources fail fast. Milliseconds. */
const REFUSAL_TTL = 10_000;

/** GraphQL client of one account: timeouts, kinds of errors, and retries of operations that are safe to repeat. */
export class Client {
  readonly #config: Config;
  readonly #requests: Requests;
  #transport: Promise<GraphQLClient> | undefined;
  #refused: { error: ProviderError; until: number } | undefined;

  constructor(config: Config, options: RequestOptions = {}) {
    this.#config = config;
    this.#requests = new Requests(options, MAX_IN_FLIGHT);
  }

  /** Reads. Retried, as a query changes nothing. */
  query<T>(operation: Operation<T>): Promise<T> {
    return this.#requests.repeatable(this.#attempt(operation));
  }

  /** An idempotent mutation, as edits and deletions are. Retried. */
  mutate<T>(operation: Operation<T>): Promise<T> {
    return this.#requests.repeatable(this.#attempt(operation));
  }

  /**
   * A create. Retried only after a look-up, as the server may have executed a request whose answer was lost.
   * @param find looks up the object of the lost request; undefined where it does not exist
   */
  create<T>(operation: Operation<T>, find: () => Promise<T | undefined>): Promise<T> {
    return this.#requests.create(this.#attempt(operation), find);
  }

  #attempt<T>(operation: Operation<T>) {
    return { purpose: operation.purpose, send: (signal: AbortSignal) => this.#send(operation, signal) };
  }

  async #send<T>(operation: Operation<T>, signal: AbortSignal): Promise<T> {
    // Without this cache each of a thousand resources would send the refused token again.
    if (this.#refused && Date.now() < this.#refused.until) throw this.#refused.error;
    const answer = await this.#post(operation, signal);
    if (!answer.failure) return readAnswer(operation, answer);
    const failure = this.#translate(operation, answer, answer.failure);
    if (failure.kind === "authentication") this.#refused = { error: failure, until: Date.now() + REFUSAL_TTL };
    throw failure;
  }

  async #post({ purpose, field, document, variables = {} }: Operation<unknown>, signal: AbortSignal): Promise<Answer> {
    this.#transport ??= this.#connect();
    const transport = await this.#transport;
    try {
      const { status, data } = await transport.rawRequest({ query: document, variables, signal });
      return { status, value: valueIn(data, field) };
    } catch (error) {
      const answer = answerIn(error, field);
      if (answer) return answer;
      throw unreachable(purpose, this.#config.endpoint, error);
    }
  }

  async #connect(): Promise<GraphQLClient> {
    const token = requireToken(this.#config);
    const endpoint = checkEndpoint(this.#config.endpoint);
    const { GraphQLClient } = await import("graphql-request");
    return new GraphQLClient(endpoint, {
      headers: { authorization: `Bearer ${token}`, accept: "application/json" },
      excludeOperationName: true,
      fetch: post,
      jsonSerializer: { parse: parseBody, stringify: JSON.stringify },
    });
  }

  #translate(operation: Operation<unknown>, answer: Answer, failure: AnswerFailure): ProviderError {
    const { messages, page, retryAfter } = failure;
    // A server may quote the request's header in its error: the token must not reach the screen.
    const withoutToken = (text: string) => text.replaceAll(requireToken(this.#config), "[token]");
    const reason = withoutToken(messages.join("; "));
    const seen = `status ${answer.status}${page && `, "${withoutToken(page)}"`}`;
    // Data beside errors: the server may have executed the operation.
    if (answer.status === 200 && answer.value != null) {
      return new Unavailable(`BorgBase could not ${operation.purpose}: an error came beside the answer: ${reason}.`, {
        outcomeUnknown: true,
      });
    }
    if (answer.status === 401 || AUTHENTICATION.test(reason)) {
      return new ProviderError(
        "authentication",
        `BorgBase refused ${describeToken(this.#config.tokenSource)}: ${reason || seen}. ` +
          `It may be mistyped, expired or revoked: ${renewToken(this.#config.tokenSource)}.`,
      );
    }
    if (PERMISSION.test(reason)) return this.#forbidden(operation, reason);
    if (answer.status === 403) return this.#refusedWithoutReason(operation, reason || seen);
    if (answer.status === 429 || answer.status >= 500) return overloaded(operation, answer.status, retryAfter);
    if (NOT_FOUND.test(reason))
      return new ProviderError("notFound", `BorgBase could not ${operation.purpose}: ${reason}`);
    if (reason) return new ProviderError("remote", `BorgBase could not ${operation.purpose}: ${reason}`);
    return new ProviderError(
      "answer",
      `BorgBase could not ${operation.purpose}: ${seen}, an answer that is no GraphQL. Is ${this.#config.endpoint} the API's address?`,
    );
  }

  #forbidden({ purpose, field }: Operation<unknown>, reason: string): ProviderError {
    return new ProviderError(
      "permission",
      `BorgBase does not let ${describeToken(this.#config.tokenSource)} ${purpose}: ${reason}. ` +
        `This needs a valid token of the level ${levelNeeded(field)}.`,
    );
  }

  /** Status 403 alone: the API answers so to a low level, a proxy or firewall to anything. */
  #refusedWithoutReason({ purpose, field }: Operation<unknown>, seen: string): ProviderError {
    return new ProviderError(
      "permission",
      `Could not ${purpose}: ${new URL(this.#config.endpoint).host} answered ${seen}, and gave no reason of the API. ` +
        `Check whether a proxy or firewall refuses the request, and whether the token is valid and of the level ${levelNeeded(field)}.`,
    );
  }
}

/** Lowest token level of each operation, in the words of BorgBase's API documentation. */
const LEVEL_NEEDED: Record<string, string> = {
  sshAdd: "Create Only or Full Access",
  repoAdd: "Create Only or Full Access",
  sshList: "Read Only, Create Only or Full Access",
  repoList: "Read Only, Create Only or Full Access",
  repo: "Read Only or Full Access",
  me: "Read Only or Full Access",
  sshDelete: "Full Access",
  repoEdit: "Full Access",
  repoDelete: "Full Access",
};

function levelNeeded(field: string): string {
  return LEVEL_NEEDED[field] ?? "Full Access";
}

// The API answers most failures with HTTP 200 and a sentence: only its text distinguishes them.
const NOT_FOUND = /\bnot found\b|\bdoes not exist\b/i;
const AUTHENTICATION =
  /not (?:logged in|authenticated)|authentication (?:credentials|failed|required)|(?:invalid|expired|bad|revoked|unknown) (?:api )?token|token (?:is |has |was )?(?:invalid|expired|revoked)|unauthorized|not enough segments|signature (?:has expired|verification failed)/i;
const PERMISSION =
  /permission|not (?:allowed|authorized|permitted)|forbidden|access level|insufficient|only allows|scope/i;

function overloaded({ purpose }: Operation<unknown>, status: number, header: string | undefined): Unavailable {
  const what = status === 429 ? "asks to slow down" : "has a fault of its own";
  const retryAfter = parseRetryAfter(header ?? null);
  return new Unavailable(`BorgBase could not ${purpose}: it ${what} (status ${status}).`, {
    outcomeUnknown: status !== 429,
    ...(retryAfter !== undefined && { retryAfter }),
  });
}

function readAnswer<T>(operation: Operation<T>, { status, value }: Answer): T {
  const parsed = operation.answer.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const path = [operation.field, ...(issue?.path ?? [])].join(".");
  throw new ProviderError(
    "answer",
    `BorgBase's answer (status ${status}) to the request to ${operation.purpose} has an unusable field ${path}: ${issue?.message ?? "unknown"}.`,
  );
}
