import type { GraphQLClient } from "graphql-request";
import type { z } from "zod";
import { type Config, checkEndpoint, describeToken, renewToken, requireToken } from "../config";
import { isKind, ProviderError } from "../errors";
import { limitConcurrency } from "./concurrency";
import { parseRetryAfter, type RetryPolicy, retry, Unavailable } from "./retry";
import { post } from "./transport";

/** One operation of the API: its document, and the shape that the answer's only field must have. */
export interface Operation<T> {
  /** What it does, for people: "add the repository "web"". */
  purpose: string;
  /** The GraphQL field that is asked for. */
  field: string;
  document: string;
  variables?: Record<string, unknown>;
  answer: z.ZodType<T>;
}

/** Milliseconds until one request, its answer read to the end, counts as lost. */
export const REQUEST_TIMEOUT = 30_000;

/** Requests on their way at once: what the engine asks for in parallel by default on a large machine, kind to the service. */
const MAX_IN_FLIGHT = 16;

/** Milliseconds for which a refused token counts as refused without asking again: the length of a run's last moments. */
const REFUSAL_TTL = 10_000;

export interface ClientOptions {
  timeout?: number;
  retry?: RetryPolicy;
}

/**
 * Speaks GraphQL with one account: timeouts, kinds of errors, and retries of what may be repeated.
 * Knows nothing of keys and repositories.
 */
export class Client {
  readonly #config: Config;
  readonly #options: ClientOptions;
  readonly #limitConcurrency = limitConcurrency(MAX_IN_FLIGHT);
  #transport: Promise<GraphQLClient> | undefined;
  #refused: { error: ProviderError; until: number } | undefined;

  constructor(config: Config, options: ClientOptions = {}) {
    this.#config = config;
    this.#options = options;
  }

  /** Asks for something. Repeated on a fault, as a question changes nothing. */
  query<T>(operation: Operation<T>): Promise<T> {
    return this.#withRetry(operation);
  }

  /** A change that ends in the same state however often it is carried out (an edit, a deletion), so it is repeated too. */
  mutate<T>(operation: Operation<T>): Promise<T> {
    return this.#withRetry(operation);
  }

  /**
   * An addition: repeated only after `find` has looked whether the lost request was carried out.
   * `find` answers what it found, or undefined where nothing was added.
   */
  create<T>(operation: Operation<T>, find: () => Promise<T | undefined>): Promise<T> {
    let outcomeUnknown = false;
    return this.#withRetry(operation, async (failure) => {
      // Once lost, always suspected: what a slow server does late shows in a later look only.
      outcomeUnknown ||= failure.details.outcomeUnknown;
      return outcomeUnknown ? find() : undefined;
    });
  }

  #withRetry<T>(operation: Operation<T>, beforeRetry?: (failure: Unavailable) => Promise<T | undefined>): Promise<T> {
    return retry(() => this.#limitConcurrency(() => this.#send(operation)), {
      ...(this.#options.retry && { policy: this.#options.retry }),
      ...(beforeRetry && { beforeRetry }),
    });
  }

  async #send<T>(operation: Operation<T>): Promise<T> {
    // A thousand resources must not knock a thousand times with a token that was just refused.
    if (this.#refused && Date.now() < this.#refused.until) throw this.#refused.error;
    this.#transport ??= this.#connect();
    const transport = await this.#transport;
    let status = 0;
    let data: unknown;
    try {
      const response = await transport.rawRequest({
        query: operation.document,
        variables: operation.variables ?? {},
        signal: AbortSignal.timeout(this.#options.timeout ?? REQUEST_TIMEOUT),
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
    if (!answer) return unreachable(operation, this.#config.endpoint, error);
    // A server that repeats the request's header in its error must not bring the token onto a screen.
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

/** Token levels, as BorgBase's API documentation names them: what each operation needs at least. */
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

// The API answers most failures with HTTP 200 and a sentence, so the sentences are all there is to tell them apart.
const NOT_FOUND = /\bnot found\b|\bdoes not exist\b/i;
const AUTHENTICATION =
  /not (?:logged in|authenticated)|authentication (?:credentials|failed|required)|(?:invalid|expired|bad|revoked|unknown) (?:api )?token|token (?:is |has |was )?(?:invalid|expired|revoked)|unauthorized|not enough segments|signature (?:has expired|verification failed)/i;
const PERMISSION =
  /permission|not (?:allowed|authorized|permitted)|forbidden|access level|insufficient|only allows|scope/i;

interface Answer {
  status: number;
  messages: string[];
  retryAfter: number | undefined;
  /** Errors came beside what was asked for: the work may well be done. */
  hasData: boolean;
}

/** What graphql-request throws for an answer that came. Told by shape: loading its class would load it for every import. */
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

/** Frameworks in front of GraphQL answer `{"detail": "…"}`; HTML and other bodies are worth nothing to a person. */
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

/** Codes of Node's network layer that prove that no request was sent. */
const NEVER_SENT = new Set(["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "EHOSTUNREACH", "ENETUNREACH"]);

function unreachable(operation: Operation<unknown>, endpoint: string, error: unknown): ProviderError {
  if (isKind(error, "authentication", "input", "refused")) return error;
  const origin = URL.canParse(endpoint) ? new URL(endpoint).host : endpoint;
  const code = codeOf(error);
  if (code === "CERT" || /CERT|SSL|TLS|SELF_SIGNED/.test(code)) {
    return new ProviderError(
      "remote",
      `Could not ${operation.purpose}: ${origin} shows no valid certificate (${code}).`,
    );
  }
  const why =
    error instanceof Error && error.name === "TimeoutError"
      ? "it did not answer in time"
      : describeNetworkError(error, code);
  return new Unavailable(`Could not ${operation.purpose}: no answer from ${origin} (${why}).`, {
    outcomeUnknown: !NEVER_SENT.has(code),
    cause: error,
  });
}

function codeOf(error: unknown): string {
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    if ("code" in at && typeof at.code === "string") return at.code;
    // Both families of a name that resolves to IPv4 and IPv6 were refused: Node wraps the two.
    if (at instanceof AggregateError && at.errors.length) return codeOf(at.errors[0]);
  }
  return "";
}

function describeNetworkError(error: unknown, code: string): string {
  if (error instanceof SyntaxError || error instanceof BadBody) return "the answer is no complete JSON";
  return code || (error instanceof Error ? error.message : String(error));
}

class BadBody extends Error {}

/** A truncated or foreign body with status 200 must count as a lost answer, never as an empty one. */
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
