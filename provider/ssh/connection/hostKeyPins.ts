import { SshError } from "../error";
import { describeHostKey, type HostKey } from "./hostKey";
import { knownHostsName, matchHost } from "./knownHosts";

/** A host key to accept, or a revoked one to refuse. */
export interface Pin {
  revoked: boolean;
  fingerprint: string;
  /** Missing for a bare fingerprint. */
  type?: string;
  /** Whether a `known_hosts` line names the host without its port. */
  anyPort?: boolean;
}

/** The meaning of one line: a pin, null for another host, or an unusable line. */
type Reading = Pin | null | Unusable;

class Unusable {
  /** @param skippable whether OpenSSH skips such a line when the same text has a valid one */
  constructor(
    readonly reason: string,
    readonly skippable: boolean,
  ) {}
}

const KEY_TYPE = /^(ssh-(ed25519|rsa|dss)|ecdsa-sha2-nistp\d+|sk-(ssh|ecdsa)-\S+|\S+-cert-v0\d@openssh\.com)$/;
const DIGEST = "[A-Za-z0-9+/]{43}";
const HOW = "ssh-keygen -lf on the host's public key prints the SHA256:… to use";

/**
 * The pins for a host among `entries`: fingerprints, public keys, and texts of `known_hosts`.
 * Lines of `known_hosts` for other hosts are ignored.
 * @throws SshError `input` for an unreadable entry, or when none is for this host
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
  // As in OpenSSH, a line with the port overrides lines without it, per key type.
  const exact = new Set(pins.filter((pin) => pin.type && !pin.anyPort && !pin.revoked).map((pin) => pin.type));
  return pins.filter((pin) => pin.revoked || !pin.anyPort || !exact.has(pin.type));
}

function unreadable(reason: string): SshError {
  return new SshError("input", `hostKey: ${reason}`, { property: "hostKey" });
}

/** The lines of an entry, also with escaped line breaks or in quotes: no name or key has a backslash or a quote. */
function linesOf(entry: string): string[] {
  return withoutBase64(entry)
    .replace(/^\uFEFF/, "")
    .split(/\r\n|\r|\n|\\r\\n|\\n/)
    .map((line) =>
      line
        .trim()
        .replace(/^["'`]+|["'`]+,?$/g, "")
        .trim(),
    )
    .filter((line) => line !== "" && !line.startsWith("#"));
}

/** The text in an entry that is base64 as a whole, as CI systems store files. A bare key or fingerprint stays as it is. */
function withoutBase64(entry: string): string {
  const bare = entry.replace(/\s/g, "");
  if (!/^[A-Za-z0-9+/]{40,}={0,2}$/.test(bare)) return entry;
  const inner = Buffer.from(bare, "base64").toString("utf8");
  return /^[\x20-\x7e\s]*$/.test(inner) && /SHA256:|(ssh-|ecdsa-|sk-)\S+ +AAAA/.test(inner) ? inner : entry;
}

/** Recognises keys that span several lines. Undefined for any other entry. */
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

/** Parses a fingerprint in the forms of OpenSSH, PuTTY and DNS. Undefined for any other line. */
function readFingerprint(line: string, host: string, port: number): Reading | undefined {
  const accept = (digest: string, type?: string): Pin => ({
    revoked: false,
    fingerprint: `SHA256:${digest}`,
    ...(type && { type }),
  });
  const fromHex = (hex: string) =>
    accept(Buffer.from(hex.replaceAll(":", ""), "hex").toString("base64").replace(/=+$/, ""));
  // WinSCP writes the type and bits in front.
  const bare = new RegExp(`^(?:(?:ssh|ecdsa)-\\S+ \\d+ )?(?:SHA256:)?(${DIGEST})=?$`, "i").exec(line)?.[1];
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
  // ssh-keygen -l prints bits, fingerprint, then the comment of a .pub file or the names of a known_hosts line.
  const listed = /^\d+ \S+ (.*) \([A-Z0-9-]+\)$/.exec(line)?.[1];
  if (listed !== undefined) {
    if (listed === "no comment" || listed.includes("@") || matchHost(listed, host, port)) return accept(whole);
    return new Unusable(
      `a line says that SHA256:${whole} is of "${listed.slice(0, 60)}"; if it is this host's, give SHA256:${whole} alone`,
      true,
    );
  }
  if (/^\S+ key fingerprint is \S+$/.test(line) || /^\S+ \d+ \S+$/.test(line)) return accept(whole);
  return new Unusable(`there is text around the fingerprint; give SHA256:${whole} alone`, false);
}

/** Parses the host's `.pub` line, or its base64 alone. Undefined for any other line. */
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

/** Parses a key in base64, or returns its fault. */
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
  if (/^(~|\.{0,2})\/\S*$|^[A-Za-z]:\\\S*$|^file:/.test(line)) {
    return new Unusable(`"${line.slice(0, 60)}" looks like the name of a file; give the file's content`, true);
  }
  if (hosts === undefined || type === undefined) {
    const text = `"${line.slice(0, 60)}" is neither a SHA256: fingerprint nor a known_hosts line (host type base64)`;
    return new Unusable(text, true);
  }
  const match = matchHost(hosts, host, port);
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
