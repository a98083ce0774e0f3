import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { Context } from "../context";
import { fingerprint } from "./keys";
import type { Target } from "./session";

/** Key types of a scan, best first. */
const TYPES = ["ssh-ed25519", "ssh-rsa", "ecdsa-sha2"];

/** The host's keys as lines of known_hosts, best first; null when it shows none. */
export async function scanHostKeys({ host, port }: Pick<Target, "host" | "port">): Promise<string | null> {
  const args = ["-T", "10", "-t", "ed25519,rsa,ecdsa", "-p", String(port), host];
  const { stdout } = await promisify(execFile)("ssh-keyscan", args).catch(() => ({ stdout: "" }));
  const lines = linesOf(stdout).filter((line) => !line.startsWith("#"));
  return lines.length === 0 ? null : lines.sort((a, b) => rank(a) - rank(b)).join("\n");
}

function rank(line: string): number {
  return TYPES.findIndex((type) => line.split(" ")[1]?.startsWith(type));
}

/** `SHA256:…` of the first key; null without one. */
export function firstFingerprint(keys: string | null): string | null {
  const [line] = linesOf(keys ?? "");
  return line === undefined ? null : fingerprint(line.split(" ").slice(1).join(" "));
}

/** How the keys of a scan compare with the pinned keys. A host may offer more than was pinned. */
export function compareHostKeys(pinned: string | null, observed: string | null) {
  if (observed === null) return "unreachable";
  if (pinned === null) return "unknown";
  const offered = new Set(linesOf(observed));
  return linesOf(pinned).every((line) => offered.has(line)) ? "trusted" : "changed";
}

/** Whether two texts hold the same keys, in any order. */
export function areSameKeys(one: string, other: string): boolean {
  return linesOf(one).sort().join("\n") === linesOf(other).sort().join("\n");
}

/** The pinned keys for a target; null where none are, or where several connections lead there. */
export function pinnedKeys({ store }: Context, { host, port, username }: Target): string | null {
  const rows = store.connections
    .all()
    .filter((row) => row.host === host && row.port === port && row.username === username);
  return rows.length === 1 ? (rows[0]?.known_host_key ?? null) : null;
}

/** Whether one of the pinned keys is the one of a connection. */
export function isPinned(pinned: string, key: Buffer): boolean {
  return linesOf(pinned).some((line) => Buffer.from(line.split(" ")[2] ?? "", "base64").equals(key));
}

function linesOf(text: string): string[] {
  return text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
}
