import { createHmac, timingSafeEqual } from "node:crypto";
import { isIPv6 } from "node:net";
import { SshError } from "../error";
import { fingerprintSha256 } from "../keys/publicKey";
import { readStrings } from "../keys/wire";

/** The key that a host presented. */
export interface HostKey {
  /** Its name in SSH, for example `ssh-ed25519`. */
  type: string;
  /** `SHA256:…` */
  fingerprint: string;
  /** In base64, as in a `known_hosts` line. */
  blob: string;
}

/** One key that a host may present, or must not. */
export interface Pin {
  revoked: boolean;
  fingerprint: string;
  /** Missing where only a fingerprint is known. */
  type?: string;
  /** A `known_hosts` line that names the host without its port. */
  anyPort?: boolean;
}

/** What one line says: a pin, nothing about this host (null), or something that cannot be used. */
type Reading = Pin | null | Unusable;

class Unusable {
  /**
   * @param skippable OpenSSH passes over such a line when another one of the same text is good
   */
  constructor(
    readonly reason: string,
    readonly skippable: boolean,
  ) {}
}

const KEY_TYPE = /^(ssh-(ed25519|rsa|dss)|ecdsa-sha2-nistp\d+|sk-(ssh|ecdsa)-\S+|\S+-cert-v0\d@openssh\.com)$/;
const DIGEST = "[A-Za-z0-9+/]{43}";
const HOW = "ssh-keygen -lf on the host's public key prints the SHA256:… to use";

/**
 * The pins for a host among `entries`: fingerprints, public keys of the host, and texts of `known_hosts`, whose lines for
 * other hosts decide nothing.
 * @throws SshError `input` when one of them cannot be read, or none is for this host
 */
export function readPins(host: string, port: number, entries: readonly string[]): Pin[] {
  const address = knownHostsName(host, port);
  let isEmpty = true;
  const pins = entries.flatMap((entry) => {
    const found: Pin[] = [];
    const unusable: Unusable[] = [];
    const lines = wholeForm(entry) ?? linesOf(entry);
    for (const line of lines) {
      isEmpty = false;
      const reading = readLine(line, host, port);
      if (reading instanceof Unusable) unusable.push(reading);
      else if (reading) found.push(reading);
    }
    const fatal = unusable.find(({ skippable }) => !skippable || found.length === 0);
    if (fatal) throw unreadable(fatal.reason);
    return found;
  });
  if (isEmpty) throw unreadable("it is empty; give a SHA256: fingerprint or a known_hosts line");
  if (!pins.some((pin) => !pin.revoked)) {
    const revokedOnly = pins.length > 0 ? "has only @revoked entries" : "has no entry";
    throw unreadable(`it ${revokedOnly} for ${address}; give the line that begins with ${address}, or a fingerprint`);
  }
  // As OpenSSH: a line without the port counts only where none with the port has a key of that type.
  const exact = new Set(pins.filter((pin) => pin.type && !pin.anyPort && !pin.revoked).map((pin) => pin.type));
  return pins.filter((pin) => pin.revoked || !pin.anyPort || !exact.has(pin.type));
}

function unreadable(reason: string): SshError {
  return new SshError("input", `hostKey: ${reason}`, { property: "hostKey" });
}

/** Line breaks may have become the two characters `\n` on their way through a variable; no name or key has a backslash. */
function linesOf(entry: string): string[] {
  return entry
    .replace(/^\uFEFF/, "")
    .split(/\r\n|\r|\n|\\n/)
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"));
}

/** Keys that span lines: named for what they are. Undefined where the entry is none. */
function wholeForm(entry: string): string[] | undefined {
  if (/-----BEGIN [A-Z0-9 ]*PRIVATE KEY/.test(entry)) {
    throw unreadable(`this is a private key, which belongs on the host alone; ${HOW}`);
  }
  const ssh2 = /---- BEGIN SSH2 PUBLIC KEY ----([\s\S]*)---- END/.exec(entry)?.[1];
  const body = ssh2?.replace(/\\\r?\n/g, "").replace(/^[^\n:]*:.*$/gm, "");
  if (body !== undefined) return [body.replace(/\s+/g, "")];
  if (/-----BEGIN [A-Z0-9 ]*PUBLIC KEY/.test(entry)) throw unreadable(`this is a public key in PEM form; ${HOW}`);
  if (/-----BEGIN /.test(entry)) throw unreadable(`this is a certificate; ${HOW}`);
  return undefined;
}

function readLine(line: string, host: string, port: number): Reading {
  const found = readFingerprint(line, host, port);
  return found === undefined ? (readPublicKey(line) ?? readKnownHosts(line, host, port)) : found;
}

/** Fingerprints, as OpenSSH, PuTTY and DNS write them. Undefined where the line is none. */
function readFingerprint(line: string, host: string, port: number): Reading | undefined {
  const accept = (digest: string, type?: string): Pin => ({
    revoked: false,
    fingerprint: `SHA256:${digest}`,
    ...(type && { type }),
  });
  const fromHex = (hex: string) =>
    accept(Buffer.from(hex.replaceAll(":", ""), "hex").toString("base64").replace(/=+$/, ""));
  const bare = new RegExp(`^(?:SHA256:)?(${DIGEST})=?$`, "i").exec(line)?.[1];
  if (bare !== undefined) return accept(bare);
  const hex = /^(?:SHA256:)?([0-9a-f]{64}|([0-9a-f]{2}:){31}[0-9a-f]{2})$/i.exec(line)?.[1];
  if (hex !== undefined) return fromHex(hex);
  if (/(^|\s)MD5:|(^|\s)([0-9a-f]{2}:){15}[0-9a-f]{2}(\s|$)|^[0-9a-f]{32}$/i.test(line)) {
    return new Unusable(`MD5 fingerprints can be forged; ${HOW}`, false);
  }
  if (/(^|\s)SHA1:/i.test(line)) return new Unusable(`SHA1 fingerprints can be forged; ${HOW}`, false);
  const dns = /^(\S+)\s+(?:\d+\s+)?(?:IN\s+)?SSHFP\s+\d+\s+(\d+)\s+([0-9a-f\s]+)$/i.exec(line);
  if (dns !== null) {
    const [, name = "", kind, digits = ""] = dns;
    if (name.toLowerCase().replace(/\.$/, "") !== host.toLowerCase()) return null;
    const digest = digits.replace(/\s/g, "");
    if (kind === "2" && digest.length === 64) return fromHex(digest);
    return new Unusable(
      `an SSHFP record of SHA-1 can be forged, ${kind === "1" ? "" : "or it is cut off; "}${HOW}`,
      true,
    );
  }
  const [, digest, ...others] = line.split(/(?:^|[\s(])SHA256:/);
  if (digest === undefined) return undefined;
  const whole = new RegExp(`^(${DIGEST})=?(?![A-Za-z0-9+/=])`).exec(digest)?.[1];
  if (whole === undefined || others.length > 0) {
    const text = others.length > 0 ? "has several fingerprints in one line" : "is no SHA256 fingerprint";
    return new Unusable(`"${line.slice(0, 60)}" ${text} (43 characters after SHA256:)`, false);
  }
  // ssh-keygen -l: bits, fingerprint, then the comment of a .pub file or the names of a known_hosts line.
  const listed = /^\d+ \S+ (.*) \([A-Z0-9-]+\)$/.exec(line)?.[1];
  if (listed !== undefined) {
    if (listed === "no comment" || listed.includes("@") || isFor(listed, host, port)) return accept(whole);
    return new Unusable(
      `a line says that SHA256:${whole} is of "${listed.slice(0, 60)}"; if it is this host's, give SHA256:${whole} alone`,
      true,
    );
  }
  if (/^\S+ key fingerprint is \S+$/.test(line) || /^\S+ \d+ \S+$/.test(line)) return accept(whole);
  return new Unusable(`there is text around the fingerprint; give SHA256:${whole} alone`, false);
}

/** The host's own `.pub` line, or its base64 alone. Undefined where the line is none. */
function readPublicKey(line: string): Pin | Unusable | undefined {
  const [first = "", second] = line.split(/[ \t]+/);
  const isBare = second === undefined && /^AAAA[A-Za-z0-9+/]/.test(first);
  if (!isBare && !(KEY_TYPE.test(first) && /^AAAA/.test(second ?? ""))) return undefined;
  const type = isBare ? undefined : first;
  if (type?.includes("-cert-v0")) return new Unusable(`host certificates are not supported; ${HOW}`, false);
  const key = readBlob(isBare ? first : (second ?? ""), type);
  if (typeof key === "string") return new Unusable(`the public key ${key}`, false);
  return { revoked: false, fingerprint: key.fingerprint, type: key.type };
}

/** A key in base64, or what is wrong with it. */
function readBlob(blob: string, type: string | undefined): HostKey | string {
  const bytes = Buffer.from(blob, "base64");
  if (bytes.toString("base64") !== blob) return "is no base64; was it cut off?";
  const key = describeHostKey(bytes);
  if (key === undefined) return "is damaged; was it cut off?";
  if (type !== undefined && key.type !== type) return `says ${type.slice(0, 40)}, but its key says ${key.type}`;
  return key;
}

function readKnownHosts(line: string, host: string, port: number): Reading {
  const fields = line.split(/[ \t]+/);
  const marker = fields[0]?.startsWith("@") ? fields.shift() : undefined;
  const [hosts, type, blob] = fields;
  if (hosts === undefined || type === undefined) {
    const text = `"${line.slice(0, 60)}" is neither a SHA256: fingerprint nor a known_hosts line (host type base64)`;
    return new Unusable(text, true);
  }
  const match = isFor(hosts, host, port);
  if (match === undefined) return null;
  if (marker === "@cert-authority") {
    return new Unusable("host certificates (@cert-authority) are not supported; give the host's own key", true);
  }
  if (marker !== undefined && marker !== "@revoked") {
    return new Unusable(`unknown marker ${marker.slice(0, 30)}`, true);
  }
  const key = readBlob(blob ?? "", type);
  if (typeof key === "string") return new Unusable(`the key of "${hosts.slice(0, 60)}" ${key}`, true);
  const anyPort = match === "any port";
  return { revoked: marker === "@revoked", fingerprint: key.fingerprint, type: key.type, ...(anyPort && { anyPort }) };
}

/** A host key from its binary form; undefined when that is damaged. */
export function describeHostKey(bytes: Buffer): HostKey | undefined {
  const type = readStrings(bytes)?.[0]?.toString("latin1");
  if (type === undefined || !/^[\x21-\x7e]{1,64}$/.test(type)) return undefined;
  return { type, fingerprint: fingerprintSha256(bytes), blob: bytes.toString("base64") };
}

/** As a person writes it: `host`, or `host:port` where the port is not 22. */
export function hostAndPort(host: string, port: number): string {
  if (port === 22) return host;
  return isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`;
}

// sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT"; hosts are compared in lower case, as OpenSSH does.
export function knownHostsName(host: string, port: number): string {
  const name = host.toLowerCase();
  return port === 22 ? name : `[${name}]:${port}`;
}

/** Whether the names of a line are of this host; like OpenSSH, a line without a port is good for every port. */
function isFor(patterns: string, host: string, port: number): "this port" | "any port" | undefined {
  if (isNameIn(patterns, knownHostsName(host, port))) return "this port";
  return port !== 22 && isNameIn(patterns, knownHostsName(host, 22)) ? "any port" : undefined;
}

function isNameIn(patterns: string, name: string): boolean {
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

/** `*` stands for any characters, `?` for one; square brackets have no special meaning. */
function matchesPattern(pattern: string, name: string): boolean {
  const source = pattern
    .replace(/[\\^$.|+()[\]{}]/g, "\\$&")
    .replace(/\*+/g, ".*")
    .replace(/\?/g, ".");
  return new RegExp(`^${source}$`).test(name);
}
