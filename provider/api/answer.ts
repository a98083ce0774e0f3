import { BadBody } from "../remote/networkError";
import type { HttpAnswer } from "../remote/transport";

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

/**
 * Reads the answer to an operation that selects `field`.
 * @throws {BadBody} for a successful status with a truncated or foreign body: it counts as a lost answer, not as an empty one
 */
export function parseAnswer({ status, body, retryAfter }: HttpAnswer, field: string): Answer {
  const content = asRecord(parsedJson(body)) ?? {};
  const { data, errors, detail } = content;
  const isSuccess = status >= 200 && status < 300;
  if (isSuccess && !("data" in content || "errors" in content)) throw new BadBody("no GraphQL answer");
  const value = asRecord(data)?.[field];
  const hasErrors = Array.isArray(errors) ? errors.length > 0 : Boolean(errors);
  if (isSuccess && !hasErrors) return { status, value };
  const messages = messagesIn(errors, detail);
  return { status, value, failure: { messages, page: messages.length > 0 ? "" : textOf(body), retryAfter } };
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
