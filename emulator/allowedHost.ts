import { isIP } from "node:net";

/** Protects controls against DNS rebinding: allows loopback names, IP addresses and configured names only. */
export function isAllowedHost(header: string, allowed: readonly string[]): boolean {
  const name = header
    .replace(/:\d*$/, "")
    .replace(/^\[(.*)\]$/, "$1")
    .replace(/\.$/, "")
    .toLowerCase();
  return name === "localhost" || name.endsWith(".localhost") || isIP(name) !== 0 || allowed.includes(name);
}
