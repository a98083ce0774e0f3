/** The host names of `known_hosts` lines: sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT". */
import { createHmac, timingSafeEqual } from "node:crypto";
import { DEFAULT_PORT } from "../defaults";
import type { HostKey } from "./hostKey";

/** The name of a host in `known_hosts`. OpenSSH compares names in lower case. */
export function knownHostsName(host: string, port: number): string {
  const name = host.toLowerCase();
  return port === DEFAULT_PORT ? name : `[${name}]:${port}`;
}

/** A line for a `known_hosts` file, without a newline. */
export function formatKnownHosts(host: string, port: number, key: HostKey): string {
  return `${knownHostsName(host, port)} ${key.type} ${key.blob}`;
}

/** Whether the names of a line include a host. As in OpenSSH, a name without a port matches every port. */
export function matchHost(patterns: string, host: string, port: number): "this port" | "any port" | undefined {
  if (includesName(patterns, knownHostsName(host, port))) return "this port";
  return port !== DEFAULT_PORT && includesName(patterns, knownHostsName(host, DEFAULT_PORT)) ? "any port" : undefined;
}

function includesName(patterns: string, name: string): boolean {
  if (patterns.startsWith("|")) return isHashOf(patterns, name);
  let found = false;
  for (const pattern of patterns.toLowerCase().split(",")) {
    const negated = pattern.startsWith("!");
    if (!matchesPattern(negated ? pattern.slice(1) : pattern, name)) continue;
    if (negated) return false;
    found = true;
  }
  return found;
}

function isHashOf(hashed: string, name: string): boolean {
  const [empty, magic, salt, digest, ...rest] = hashed.split("|");
  const expected = Buffer.from(digest ?? "", "base64");
  if (empty !== "" || magic !== "1" || !salt || rest.length > 0 || expected.length !== 20) return false;
  const actual = createHmac("sha1", Buffer.from(salt, "base64")).update(name).digest();
  return timingSafeEqual(actual, expected);
}

/** Whether a name matches a pattern: `*` is any text, `?` one character. Square brackets have no special meaning. */
function matchesPattern(pattern: string, name: string): boolean {
  const source = pattern
    .replace(/[\\^$.|+()[\]{}]/g, "\\$&")
    .replace(/\*+/g, ".*")
    .replace(/\?/g, ".");
  return new RegExp(`^${source}$`).test(name);
}
