import { isIP, isIPv6 } from "node:net";
import { DEFAULT_PORT } from "../defaults";

/** An account on a host. */
export interface Address {
  /** Name, IPv4 or IPv6 address, without brackets. */
  host: string;
  /** Default 22. */
  port?: number | undefined;
  username: string;
}

/** An argument that cannot be used, and the reason. */
export interface Problem {
  property: string;
  reason: string;
}

/** The problems of an address, per argument; empty when it is valid. Contacts nothing. */
export function addressProblems({ host, port = DEFAULT_PORT, username }: Address): Problem[] {
  const problems: Problem[] = [];
  if (/^\[.*\]$/.test(host)) problems.push({ property: "host", reason: "give an IPv6 address without brackets" });
  else if (isIP(host) === 0 && !/^(?=.{1,253}$)[A-Za-z0-9_]([A-Za-z0-9_.-]*)$/.test(host)) {
    problems.push({ property: "host", reason: "must be a host name or an IP address, and nothing else" });
  }
  if (!Number.isInteger(port) || port < 1 || port > 65535) {
    problems.push({ property: "port", reason: `must be a whole number from 1 to 65535, not ${port}` });
  }
  const reason = usernameProblem(username);
  if (reason) problems.push({ property: "username", reason });
  return problems;
}

function usernameProblem(username: string): string | undefined {
  if (username === "") return "is empty";
  if (username.startsWith("-")) return "cannot begin with a dash";
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the pattern looks for control characters
  if (/[\s\u0000-\u001f\u007f-\u009f]/.test(username)) return "cannot have blanks or control characters";
  return undefined;
}

/** An address for messages: `host`, or `host:port` for a port other than 22. */
export function hostAndPort(host: string, port: number): string {
  if (port === DEFAULT_PORT) return host;
  return isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`;
}
