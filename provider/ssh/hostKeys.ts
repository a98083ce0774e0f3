import { createHmac, timingSafeEqual } from "node:crypto";
import { isIPv6 } from "node:net";
import { SshError } from "./error";
import { fingerprintSha256 } from "./publicKey";
import { readStrings } from "./wire";

/** The key that a host presented. */
export interface HostKey {
  /** Its name in SSH, for example `ssh-ed25519`. */
  type: string;
  /** `SHA256:…` */
  fingerprint: string;
  /** In base64, as in a `known_hosts` line. */
  blob: string;
}

/** What a host must present. */
export interface HostKeyPolicy {
  /** `SHA256:…` fingerprints and `known_hosts` lines; one that matches is enough (a roll-over). */
  hostKey?: string | readonly string[];
  /** Take whatever key comes when `hostKey` is absent; the caller keeps it and demands it from then on. */
  trustOnFirstUse?: boolean;
}

interface Pin {
  /** Of the known_hosts form only: whose key it is. */
  hosts?: string;
  revoked: boolean;
  fingerprint: string;
  type?: string;
}

/** Decides about the key that a host presents: undefined accepts it. Never throws. */
export type HostKeyVerifier = (key: Buffer) => SshError | undefined;

function unreadable(reason: string): SshError {
  return new SshError("input", `hostKey: ${reason}`, { property: "hostKey" });
}

/**
 * Why `hostKey` cannot be used for this host; undefined when it can. Contacts nothing.
 * Neither a pin nor `trustOnFirstUse` is no problem here: then the connection fails and shows what it saw.
 */
export function hostKeyProblem(host: string, port: number, policy: HostKeyPolicy): string | undefined {
  try {
    readPins(host, port, policy);
    return undefined;
  } catch (error) {
    if (error instanceof SshError) return error.message;
    throw error;
  }
}

/**
 * Makes the judge of a host's keys.
 * @throws SshError `input` when an entry of `hostKey` cannot be read, or none is for this host: it fails closed
 */
export function hostKeyVerifier(host: string, port: number, policy: HostKeyPolicy): HostKeyVerifier {
  const pins = readPins(host, port, policy);
  const address = hostAndPort(host, port);
  return (bytes) => {
    const seen = describeHostKey(bytes);
    const refuse = (text: string) => new SshError("hostKey", text, { phase: "hostKey", property: "hostKey" });
    if (seen === undefined) return refuse(`${address} presented a host key that cannot be read; no secret was sent`);
    const said = `${seen.fingerprint} (${seen.type})`;
    if (pins === undefined) {
      if (policy.trustOnFirstUse) return undefined;
      return refuse(
        `${address} presented the host key ${said}, and nothing says whether that is right; no secret was sent. ` +
          "Compare it with what the host's owner publishes, or with ssh-keygen -lf /etc/ssh/ssh_host_…_key.pub run on " +
          `the host, then set hostKey: "${seen.fingerprint}"`,
      );
    }
    if (pins.some((pin) => pin.revoked && pin.fingerprint === seen.fingerprint)) {
      return refuse(`${address} presented the host key ${said}, which hostKey marks as @revoked; no secret was sent`);
    }
    const accepted = pins.filter((pin) => !pin.revoked);
    if (accepted.some((pin) => pin.fingerprint === seen.fingerprint)) return undefined;
    return refuse(
      `${address} presented the host key ${said}, but ${accepted.map((pin) => pin.fingerprint).join(" or ") || "none"} ` +
        "is expected: either its key was changed or someone stands in between; no secret was sent. " +
        "When the host's owner confirms the new key, add it to hostKey",
    );
  };
}

/** The algorithms to ask for, so that a host with several keys presents the one that is pinned; undefined: any. */
export function pinnedTypes(host: string, port: number, policy: HostKeyPolicy): string[] | undefined {
  const accepted = readPins(host, port, policy)?.filter((pin) => !pin.revoked);
  const types = new Set<string>();
  for (const { type } of accepted ?? []) {
    // A bare fingerprint does not say what type of key it is of.
    if (type === undefined) return undefined;
    types.add(type);
  }
  return types.size === 0 ? undefined : [...types];
}

/** A host key from its binary form; undefined when that is damaged. */
export function describeHostKey(bytes: Buffer): HostKey | undefined {
  const type = readStrings(bytes)?.[0]?.toString("latin1");
  if (type === undefined || !/^[\x21-\x7e]{1,64}$/.test(type)) return undefined;
  return { type, fingerprint: fingerprintSha256(bytes), blob: bytes.toString("base64") };
}

/** A line for a `known_hosts` file, without a newline. */
export function formatKnownHosts(host: string, port: number, key: HostKey): string {
  return `${knownHostsName(host, port)} ${key.type} ${key.blob}`;
}

/** As a person writes it: `host`, or `host:port` where the port is not 22. */
export function hostAndPort(host: string, port: number): string {
  if (port === 22) return host;
  return isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`;
}

// sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT"; hosts are compared in lower case, as OpenSSH does.
function knownHostsName(host: string, port: number): string {
  const name = host.toLowerCase();
  return port === 22 ? name : `[${name}]:${port}`;
}

function readPins(host: string, port: number, { hostKey }: HostKeyPolicy): Pin[] | undefined {
  if (hostKey === undefined) return undefined;
  const entries = (typeof hostKey === "string" ? [hostKey] : [...hostKey])
    .flatMap((entry) => entry.split(/\r?\n/))
    .map((entry) => entry.trim())
    .filter((entry) => entry !== "" && !entry.startsWith("#"));
  if (entries.length === 0) throw unreadable("it is empty; give a SHA256: fingerprint or a known_hosts line");
  const pins = entries.map(readPin).filter(({ hosts }) => hosts === undefined || isFor(hosts, host, port));
  if (!pins.some((pin) => !pin.revoked)) {
    const address = knownHostsName(host, port);
    const revokedOnly = pins.length > 0 ? "has only @revoked entries" : "has no entry";
    throw unreadable(`it ${revokedOnly} for ${address}; give the line that begins with ${address}, or a fingerprint`);
  }
  return pins;
}

function readPin(entry: string): Pin {
  if (/^MD5:|^([0-9a-f]{2}:){15}[0-9a-f]{2}$/i.test(entry)) {
    throw unreadable("MD5 fingerprints can be forged; give the SHA256: one");
  }
  if (/^SHA256:/i.test(entry)) {
    const digest = /^SHA256:([A-Za-z0-9+/]{43})=?$/.exec(entry)?.[1];
    if (digest === undefined)
      throw unreadable(`"${entry.slice(0, 60)}" is no SHA256 fingerprint (43 characters after SHA256:)`);
    return { revoked: false, fingerprint: `SHA256:${digest}` };
  }
  const fields = entry.split(/[ \t]+/);
  const marker = fields[0]?.startsWith("@") ? fields.shift() : undefined;
  if (marker === "@cert-authority") {
    throw unreadable("host certificates (@cert-authority) are not supported; give the host's own key");
  }
  if (marker !== undefined && marker !== "@revoked") throw unreadable(`unknown marker ${marker.slice(0, 30)}`);
  const [hosts, type, blob] = fields;
  if (hosts === undefined || type === undefined || blob === undefined) {
    throw unreadable(
      `"${entry.slice(0, 60)}" is neither a SHA256: fingerprint nor a known_hosts line (host type base64)`,
    );
  }
  const bytes = Buffer.from(blob, "base64");
  if (bytes.toString("base64") !== blob)
    throw unreadable(`the key of "${hosts.slice(0, 60)}" is no base64; was it cut off?`);
  const key = describeHostKey(bytes);
  if (key === undefined) throw unreadable(`the key of "${hosts.slice(0, 60)}" is damaged; was it cut off?`);
  if (key.type !== type) throw unreadable(`a line says ${type.slice(0, 40)}, its key says ${key.type}`);
  return { hosts, revoked: marker === "@revoked", fingerprint: key.fingerprint, type };
}

function isFor(patterns: string, host: string, port: number): boolean {
  // Like OpenSSH, a line without a port is good for every port of the host.
  const names = [...new Set([knownHostsName(host, port), knownHostsName(host, 22)])];
  if (patterns.startsWith("|")) return names.some((name) => isHashOf(patterns, name));
  let found = false;
  for (const pattern of patterns.toLowerCase().split(",")) {
    if (pattern.startsWith("|")) throw unreadable("a hashed name cannot stand in a list of names");
    const negated = pattern.startsWith("!");
    if (!names.some((name) => matchesPattern(negated ? pattern.slice(1) : pattern, name))) continue;
    if (negated) return false;
    found = true;
  }
  return found;
}

function isHashOf(hashed: string, name: string): boolean {
  const [empty, magic, salt, digest, ...rest] = hashed.split("|");
  const expected = Buffer.from(digest ?? "", "base64");
  if (empty !== "" || magic !== "1" || !salt || rest.length > 0 || expected.length !== 20) {
    throw unreadable("a hashed name (|1|…) cannot be read");
  }
  const actual = createHmac("sha1", Buffer.from(salt, "base64")).update(name).digest();
  return timingSafeEqual(actual, expected);
}

/** `*` stands for any characters, `?` for one; square brackets have no special meaning. */
function matchesPattern(pattern: string, name: string): boolean {
  const source = pattern
    .replace(/[\\^$.|+()[\]{}]/g, "\\$&")
    .replace(/\*+/g, ".*")
    .replace(/\?/g, ".");
  return new RegExp(`^${source}$`).test(name);
}
