/** The steps of one SSH connection, in their order. The `phase` of an error is the failed step. */
export type SshPhase = "resolve" | "connect" | "hostKey" | "authentication" | "session";

/**
 * The kinds of errors, a closed set:
 * - `input`: an argument is wrong; nothing was contacted
 * - `resolve`: the name of the host has no address
 * - `connect`: no TCP connection, or no SSH at its other end
 * - `timeout`: the deadline of the whole operation passed, in the step `phase`
 * - `hostKey`: the host key is not an expected one; no secret was sent
 * - `authentication`: the server refused every credential
 * - `session`: after the login the server lacks a needed service, or the connection was lost
 * - `permission`: the account may not read or write a needed file
 * - `write`: a file could not be written (disk full, quota, refused rename); the old content remains
 * - `conflict`: others kept changing the same file
 */
export type SshErrorKind =
  | "input"
  | "resolve"
  | "connect"
  | "timeout"
  | "hostKey"
  | "authentication"
  | "session"
  | "permission"
  | "write"
  | "conflict";

export interface SshErrorDetails {
  /** The failed step. Unset when nothing was contacted. */
  phase?: SshPhase;
  /** The argument that caused the error, when exactly one did (`"passphrase"`, `"publicKey"`, …). */
  property?: string;
  cause?: unknown;
}

/** An expected SSH failure. Its message is one line without secrets. */
export class SshError extends Error {
  override readonly name = "SshError";
  readonly kind: SshErrorKind;
  readonly phase: SshPhase | undefined;
  readonly property: string | undefined;

  constructor(kind: SshErrorKind, message: string, details: SshErrorDetails = {}) {
    super(printable(message), details.cause === undefined ? undefined : { cause: details.cause });
    this.kind = kind;
    this.phase = details.phase;
    this.property = details.property;
  }
}

/** Whether no SSH host answered at all. A host with an unexpected key did answer. */
export function isUnreachable(error: unknown): boolean {
  if (!(error instanceof SshError)) return false;
  if (error.kind === "timeout") return error.phase !== "authentication" && error.phase !== "session";
  return error.kind === "resolve" || error.kind === "connect";
}

/** Text of a server as one line without control characters. */
export function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the pattern looks for control characters
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, " ").trim();
}
