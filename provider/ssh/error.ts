/** How far an operation had come: the steps of one SSH connection, in their order. */
export type SshPhase = "resolve" | "connect" | "hostKey" | "authentication" | "session";

/**
 * What went wrong, as a closed set:
 * - `input`: an argument is wrong; nothing was contacted
 * - `resolve`: the name of the host has no address
 * - `connect`: no TCP connection, or no SSH at its other end
 * - `timeout`: the deadline of the whole operation passed (`phase` tells where)
 * - `hostKey`: the host is not the one expected; no secret was sent
 * - `authentication`: the server refused every credential that it was given
 * - `session`: logged in, but the server does not offer what is needed, or the connection was lost
 * - `permission`: the account may not read or write what is needed
 * - `write`: a file could not be written (disk full, quota, refused rename); the old one is still there
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
  /** Where it happened; absent when nothing was contacted. */
  phase?: SshPhase;
  /** The argument to blame, where there is exactly one (`"passphrase"`, `"publicKey"`, …). */
  property?: string;
  cause?: unknown;
}

/** Every failure of this folder that can be expected. The message is one line for a person and holds no secret. */
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

/** Whether an error means that the host could not be spoken to at all; a host with another key than expected could. */
export function isUnreachable(error: unknown): boolean {
  if (!(error instanceof SshError)) return false;
  if (error.kind === "timeout") return error.phase !== "authentication" && error.phase !== "session";
  return error.kind === "resolve" || error.kind === "connect";
}

/** Text of a remote made fit for one line of a terminal. */
export function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, " ").trim();
}
