import type { GraphQLClient } from "graphql-request";
import type { z } from "zod";
import { type Config, checkEndpoint, describeToken, renewToken, requireToken } from "../config";
import { ProviderError } from "../errors";
import { BadBody, unreachable } from "../remote/networkError";
import { type RequestOptions, Requests } from "../remote/requests";
import { parseRetryAfter, Unavailable } from "../remote/retry";
import { post } from "../remote/transport";

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
    this.#transport ??= this.#connect();
    const transport = await this.#transport;
    let status = 0;
    let data: unknown;
    try {
      const response = await transport.rawRequest({
        query: operation.document,
        variables: operation.variables ?? {},
        signal,
      });
      status = response.status;
      data = response.data;
    } catch (error) {
      const failure = this.#translate(operation, error);
      if (failure.kind === "authentication") this.#refused = { error: failure, until: Date.now() + REFUSAL_TTL };
      throw failure;
    }
    return readAnswer(operation, data, status);
  }

  async #connect(): Promise<GraphQLClient> {
    const token = requireToken(this.#config);
    const endpoint = checkEndpoint(this.#config.endpoint);
    const { GraphQLClient } = await import("graphql-request");
    return new GraphQLClient(endpoint, {
      headers: { authorization: `Bearer ${token}`, accept: "application/json" },
      excludeOperationName: true,
      fetch: post,
      jsonSerializer: { parse: parseAnswer, stringify: JSON.stringify },
    });
  }

  #translate(operation: Operation<unknown>, error: unknown): ProviderError {
    const answer = asAnswer(error, operation.field);
    if (!answer) return unreachable(operation.purpose, this.#config.endpoint, error);
    // A server may quote the request's header in its error: the token must not reach the screen.
    const reason = answer.messages.join("; ").replaceAll(requireToken(this.#config), "[token]");
    if (answer.hasData) {
      return new Unavailable(`BorgBase could not ${operation.purpose}: an error came beside the answer: ${reason}.`, {
        outcomeUnknown: true,
      });
    }
    if (answer.status === 401 || AUTHENTICATION.test(reason)) {
      return new ProviderError(
        "authentication",
        `BorgBase refused ${describeToken(this.#config.tokenSource)}${reason && `: ${reason}`}. ` +
          `It may be mistyped, expired or revoked: ${renewToken(this.#config.tokenSource)}.`,
      );
    }
    if (answer.status === 403 || PERMISSION.test(reason)) return this.#forbidden(operation, reason);
    if (answer.status === 429 || answer.status >= 500) return overloaded(operation, answer);
    if (NOT_FOUND.test(reason))
      return new ProviderError("notFound", `BorgBase could not ${operation.purpose}: ${reason}`);
    if (reason) return new ProviderError("remote", `BorgBase could not ${operation.purpose}: ${reason}`);
    return new ProviderError(
      "answer",
      `BorgBase could not ${operation.purpose}: status ${answer.status} with an answer that is no GraphQL. Is ${this.#config.endpoint} the API's address?`,
    );
  }

  #forbidden(operation: Operation<unknown>, reason: string): ProviderError {
    const level = LEVEL_NEEDED[operation.field];
    return new ProviderError(
      "permission",
      `BorgBase does not let ${describeToken(this.#config.tokenSource)} ${operation.purpose}${reason && `: ${reason}`}. ` +
        `This needs a valid token of the level ${level ?? "Full Access"}.`,
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

// The API answers most failures with HTTP 200 and a sentence: only its text distinguishes them.
const NOT_FOUND = /\bnot found\b|\bdoes not exist\b/i;
const AUTHENTICATION =
  /not (?:logged in|authenticated)|authentication (?:credentials|failed|required)|(?:invalid|expired|bad|revoked|unknown) (?:api )?token|token (?:is |has |was )?(?:invalid|expired|revoked)|unauthorized|not enough segments|signature (?:has expired|verification failed)/i;
const PERMISSION =
  /permission|not (?:allowed|authorized|permitted)|forbidden|access level|insufficient|only allows|scope/i;

interface Answer {
  status: number;
  messages: string[];
  retryAfter: number | undefined;
  /** Whether data came beside the errors: the server may have executed the operation. */
  hasData: boolean;
}

/** The answer in an error of graphql-request. Recognised by shape, as its class would load the library at start-up. */
function asAnswer(error: unknown, field: string): Answer | undefined {
  if (!(error instanceof Error) || !("response" in error) || typeof error.response !== "object" || !error.response) {
    return undefined;
  }
  const { status, errors, headers, body, data } = error.response as Record<string, unknown>;
  if (typeof status !== "number") return undefined;
  return {
    status,
    messages: Array.isArray(errors) ? errors.map(messageIn).filter(Boolean) : detailIn(body),
    retryAfter: headers instanceof Headers ? parseRetryAfter(headers.get("retry-after")) : undefined,
    hasData:
      status === 200 && typeof data === "object" && data !== null && (data as Record<string, unknown>)[field] != null,
  };
}

function messageIn(error: unknown): string {
  return typeof error === "object" && error && "message" in error ? String(error.message) : "";
}

/** Frameworks in front of GraphQL answer `{"detail": "…"}`. HTML and other bodies explain nothing. */
function detailIn(body: unknown): string[] {
  try {
    const parsed: unknown = JSON.parse(String(body));
    const detail = typeof parsed === "object" && parsed && "detail" in parsed ? parsed.detail : undefined;
    return typeof detail === "string" ? [detail] : [];
  } catch {
    return [];
  }
}

function overloaded(operation: Operation<unknown>, answer: Answer): Unavailable {
  const what = answer.status === 429 ? "asks to slow down" : "has a fault of its own";
  return new Unavailable(`BorgBase could not ${operation.purpose}: it ${what} (status ${answer.status}).`, {
    outcomeUnknown: answer.status !== 429,
    ...(answer.retryAfter !== undefined && { retryAfter: answer.retryAfter }),
  });
}

/** A truncated or foreign body with status 200 counts as a lost answer, not as an empty one. */
function parseAnswer(body: string): object {
  const parsed: unknown = JSON.parse(body);
  if (typeof parsed === "object" && parsed !== null && ("data" in parsed || "errors" in parsed)) return parsed;
  throw new BadBody("no GraphQL answer");
}

function readAnswer<T>(operation: Operation<T>, data: unknown, status: number): T {
  const field = typeof data === "object" && data ? (data as Record<string, unknown>)[operation.field] : undefined;
  const parsed = operation.answer.safeParse(field);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const path = [operation.field, ...(issue?.path ?? [])].join(".");
  throw new ProviderError(
    "answer",
    `BorgBase's answer (status ${status}) to the request to ${operation.purpose} has an unusable field ${path}: ${issue?.message ?? "unknown"}.`,
  );
}
