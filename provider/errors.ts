/**
 * What can go wrong, as a closed set. The kind says what a caller may do about it, the message what a person may.
 *
 * - `input`: an argument is wrong; nothing was changed.
 * - `refused`: the provider declines to do it, to protect data or identity; nothing was changed.
 * - `notFound`: the remote says that the object does not exist.
 * - `authentication`: the token is missing, invalid or expired.
 * - `permission`: the token is valid, but its level does not allow the call.
 * - `remote`: the remote understood the request and declined it.
 * - `unavailable`: no usable answer: the network, a timeout, an overloaded or failing server.
 * - `answer`: an answer came and lacks a field, or holds something else than it should.
 * - `host`: an SSH host could not be used: unreachable, another host key, a refused login, a failed write.
 */
export type ErrorKind =
  | "input"
  | "refused"
  | "notFound"
  | "authentication"
  | "permission"
  | "remote"
  | "unavailable"
  | "answer"
  | "host";

/** An expected failure: one line that says what was asked for, what the other side said, and what to do. */
export class ProviderError extends Error {
  override readonly name = "ProviderError";

  constructor(
    readonly kind: ErrorKind,
    message: string,
    options?: ErrorOptions,
  ) {
    super(oneLine(message), options);
  }
}

/** One bad argument. An empty `property` reports it on the whole resource, as secret arguments need. */
export interface Failure {
  property: string;
  reason: string;
}

export function isKind(error: unknown, ...kinds: ErrorKind[]): error is ProviderError {
  return error instanceof ProviderError && kinds.includes(error.kind);
}

/** The text of anything thrown, on one line. */
export function messageOf(error: unknown): string {
  return oneLine(error instanceof Error ? error.message : String(error));
}

function oneLine(text: string): string {
  return text.replace(/\s*[\r\n]+\s*/g, " ").trim();
}
