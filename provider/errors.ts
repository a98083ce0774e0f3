/**
 * Kinds of expected errors, a closed set. The kind is for the caller, the message for the user.
 *
 * - `input`: an argument is wrong; nothing was changed.
 * - `refused`: the provider declines, to protect data or identity; nothing was changed.
 * - `notFound`: the remote says that the object does not exist.
 * - `authentication`: the token is missing, invalid or expired.
 * - `permission`: the token is valid, but its level does not allow the call.
 * - `licence`: the remote would do it under another plan of its maker.
 * - `remote`: the remote understood the request and declined it.
 * - `unavailable`: no usable answer: the network, a timeout, an overloaded or failing server.
 * - `answer`: an answer lacks a field, or has a value of another type.
 * - `host`: an SSH host could not be used: unreachable, another host key, a refused login, a failed write.
 */
export type ErrorKind =
  | "input"
  | "refused"
  | "notFound"
  | "authentication"
  | "permission"
  | "licence"
  | "remote"
  | "unavailable"
  | "answer"
  | "host";

/** An expected error in one line: the operation, the answer of the other side, and the advice. */
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

/**
 * The object exists, but a later step failed. A host that can do so has the engine save the state all the same: the next
 * run then updates the object.
 */
export class PartialFailure extends ProviderError {
  constructor(
    { kind, message }: ProviderError,
    readonly saved: { id: string; state: Record<string, unknown>; inputs?: Record<string, unknown> },
  ) {
    super(kind, message);
  }
}

/** An invalid argument. An empty `property` reports it on the whole resource, as the engine prints the value of a property. */
export interface Failure {
  property: string;
  reason: string;
}

export function isKind(error: unknown, ...kinds: ErrorKind[]): error is ProviderError {
  return error instanceof ProviderError && kinds.includes(error.kind);
}

/** Message of any thrown value, on one line. */
export function messageOf(error: unknown): string {
  return oneLine(error instanceof Error ? error.message : String(error));
}

function oneLine(text: string): string {
  return text.replace(/\s*[\r\n]+\s*/g, " ").trim();
}
