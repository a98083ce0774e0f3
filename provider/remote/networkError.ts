import { isKind, ProviderError } from "../errors";
import { Unavailable } from "./retry";

/** Error codes of Node that prove that no request was sent. */
const NEVER_SENT = new Set(["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "EHOSTUNREACH", "ENETUNREACH"]);

/** Reasons of a request that this process has ended, by the error's name. */
const ABORT_REASONS: Record<string, string> = {
  TimeoutError: "it did not answer in time",
  AbortError: "the run was interrupted",
};

/** A body with a good status that is not the service's own: it counts as a lost answer. */
export class BadBody extends Error {}

/**
 * The error of a request without an answer.
 * @param purpose verb and object, for example `add the repository "web"`
 */
export function unreachable(purpose: string, address: string, error: unknown): ProviderError {
  if (isKind(error, "authentication", "input", "refused")) return error;
  const origin = URL.canParse(address) ? new URL(address).host : address;
  const code = codeOf(error);
  if (code === "CERT" || /CERT|SSL|TLS|SELF_SIGNED/.test(code)) {
    return new ProviderError("remote", `Could not ${purpose}: ${origin} shows no valid certificate (${code}).`);
  }
  const why = (error instanceof Error && ABORT_REASONS[error.name]) || describeNetworkError(error, code);
  return new Unavailable(`Could not ${purpose}: no answer from ${origin} (${why}).`, {
    outcomeUnknown: !NEVER_SENT.has(code),
    cause: error,
  });
}

function codeOf(error: unknown): string {
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    if ("code" in at && typeof at.code === "string") return at.code;
    // Node wraps the two errors of a name that resolves to IPv4 and IPv6.
    if (at instanceof AggregateError && at.errors.length) return codeOf(at.errors[0]);
  }
  return "";
}

function describeNetworkError(error: unknown, code: string): string {
  if (error instanceof SyntaxError || error instanceof BadBody) return "the answer is no complete JSON";
  return code || (error instanceof Error ? error.message : String(error));
}
