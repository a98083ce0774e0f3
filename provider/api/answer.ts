import { BadBody } from "../remote/networkError";

/** An answer of the API, by its GraphQL content. */
export interface Answer {
  status: number;
  /** The value of the operation's field; undefined where the answer has none. */
  value: unknown;
  /** Absent after a success. */
  failure?: AnswerFailure;
}

export interface AnswerFailure {
  /** The API's reasons. May be empty. */
  messages: string[];
  /** Start of a body without such a reason, as text. Empty for an empty body. */
  page: string;
  /** `Retry-After`, as it came. */
  retryAfter: string | undefined;
}

/** A `ClientError` of graphql-request. Recognised by its shape, as its class would load the library at start-up. */
interface ClientErrorResponse {
  status: number;
  body: string;
  headers: Headers;
}

/** The answer in an error of graphql-request: another status than 2xx, or errors. Undefined for any other error. */
export function answerIn(error: unknown, field: string): Answer | undefined {
  const response = asRecord(error)?.response as ClientErrorResponse | undefined;
  if (typeof response?.status !== "number") return undefined;
  const { status, body, headers } = response;
  const { data, errors, detail } = asRecord(parsedJson(body)) ?? {};
  const messages = messagesIn(errors, detail);
  const page = messages.length > 0 ? "" : textOf(body);
  const retryAfter = headers.get("retry-after") ?? undefined;
  return { status, value: valueIn(data, field), failure: { messages, page, retryAfter } };
}

/** The value of the operation's field; undefined where the data has none. */
export function valueIn(data: unknown, field: string): unknown {
  return asRecord(data)?.[field];
}

/**
 * Parses a body for graphql-request.
 * @throws {BadBody} for a truncated or foreign body: with a good status it counts as a lost answer, not as an empty one
 */
export function parseBody(body: string): object {
  const content = asRecord(parsedJson(body));
  if (!content || !("data" in content || "errors" in content)) throw new BadBody("no GraphQL answer");
  return content;
}

/** Frameworks in front of GraphQL answer `{"detail": "…"}`. HTML and other bodies explain nothing. */
function messagesIn(errors: unknown, detail: unknown): string[] {
  if (!Array.isArray(errors)) return typeof detail === "string" ? [detail] : [];
  return errors.map((error) => String(asRecord(error)?.message ?? "")).filter(Boolean);
}

/** The visible text of a page. It comes from anywhere, so it is quoted and never interpreted. */
function textOf(body: string): string {
  const text = body
    .slice(0, 20_000)
    .replace(/<(script|style|head(?=>))\b.*?<\/\1>/gis, " ")
    .replace(/<[^>]*>/g, " ");
  return text.replace(/\s+/g, " ").trim().slice(0, 100);
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function asRecord(value: unknown): Record<string, unknown> | undefined {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined;
}
