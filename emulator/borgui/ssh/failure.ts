/** Kinds of failures, in the words of the diagnostics route. */
export type FailureKind =
  | "connection_refused"
  | "dns_resolution_failed"
  | "authentication_failed"
  | "timeout"
  | "network_unreachable"
  | "ssh_command_failed";

/** A failed contact with an SSH server; the message has the words of the `ssh` program. */
export class SshFailure extends Error {
  constructor(
    readonly kind: FailureKind,
    message: string,
  ) {
    super(message);
  }
}

interface SshError extends Error {
  level?: string;
  code?: string;
}

/** Translates an error of the SSH library. */
export function toFailure(error: SshError, host: string, port: number): SshFailure {
  if (error instanceof SshFailure) return error;
  const connect = `ssh: connect to host ${host} port ${port}`;
  switch (error.code) {
    case "ECONNREFUSED":
      return new SshFailure("connection_refused", `${connect}: Connection refused`);
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return new SshFailure(
        "dns_resolution_failed",
        `ssh: Could not resolve hostname ${host}: Name or service not known`,
      );
    case "ETIMEDOUT":
      return new SshFailure("timeout", `${connect}: Connection timed out`);
    case "EHOSTUNREACH":
      return new SshFailure("network_unreachable", `${connect}: No route to host`);
    case "ENETUNREACH":
      return new SshFailure("network_unreachable", `${connect}: Network is unreachable`);
  }
  switch (error.level) {
    case "client-authentication":
      return new SshFailure("authentication_failed", `${host}: Permission denied (publickey,password).`);
    case "client-timeout":
      return new SshFailure("timeout", `${connect}: Connection timed out`);
  }
  return new SshFailure("ssh_command_failed", error.message);
}

/** The kind that the words of a remote command are taken for. */
export function kindOfText(text: string): FailureKind {
  const lower = text.toLowerCase();
  if (lower.includes("connection refused") || lower.includes("connect failed")) return "connection_refused";
  if (lower.includes("permission denied") || lower.includes("authentication")) return "authentication_failed";
  if (lower.includes("timed out") || lower.includes("timeout")) return "timeout";
  if (lower.includes("no route to host") || lower.includes("network is unreachable")) return "network_unreachable";
  return "ssh_command_failed";
}
