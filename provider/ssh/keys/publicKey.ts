import { createHash, createPublicKey, type KeyObject } from "node:crypto";
import { SshError } from "../error";
import { mpint, readStrings } from "./wire";

export type KeyType = "ed25519" | "rsa" | "ecdsa";

/** Types whose private half stays in a hardware token. A login needs a person's touch. */
export type HardwareKeyType = "ed25519-sk" | "ecdsa-sk";

/** A parsed public key. */
export interface PublicKey {
  type: KeyType | HardwareKeyType;
  /** SSH name of the algorithm: `ssh-ed25519`, `ssh-rsa`, `ecdsa-sha2-nistp256`, … */
  algorithm: string;
  /** Key in base64: the second field of an OpenSSH line. */
  blob: string;
  /** 256 for ed25519 and for keys of hardware tokens. */
  bits: number;
  /** Empty for a line without comment. */
  comment: string;
  /** `SHA256:` and base64 without padding, as OpenSSH prints it. */
  fingerprintSha256: string;
  /** `MD5:` and pairs of hexadecimal digits. */
  fingerprintMd5: string;
}

export const CURVES = {
  nistp256: { jwk: "P-256", node: "prime256v1", bits: 256 },
  nistp384: { jwk: "P-384", node: "secp384r1", bits: 384 },
  nistp521: { jwk: "P-521", node: "secp521r1", bits: 521 },
} as const;

// OpenSSH's own limits (SSH_RSA_MINIMUM_MODULUS_SIZE, OPENSSL_RSA_MAX_MODULUS_BITS).
const RSA_BITS = { min: 1024, max: 16384 };

/** Hardware types (PROTOCOL.u2f): the fields of a plain type, and the application. */
const HARDWARE: Record<string, { type: HardwareKeyType; without: string }> = {
  "sk-ssh-ed25519@openssh.com": { type: "ed25519-sk", without: "ssh-ed25519" },
  "sk-ecdsa-sha2-nistp256@openssh.com": { type: "ecdsa-sk", without: "ecdsa-sha2-nistp256" },
};

function invalid(reason: string): SshError {
  return new SshError("input", `not a usable public key: ${reason}`, { property: "publicKey" });
}

/**
 * Parses one line in OpenSSH's public key form: `algorithm base64 comment`.
 * Strict: exactly one key, no options in front, and bytes of that algorithm.
 * @throws SshError `input`
 */
export function parsePublicKey(line: string): PublicKey {
  const text = line.replace(/\r?\n$/, "").trim();
  if (text === "") throw invalid("it is empty");
  if (/PRIVATE KEY-----/.test(text)) throw invalid("this is a private key; give its public half");
  if (/^(-----|---- )BEGIN/.test(text)) {
    throw invalid('give the one-line OpenSSH form ("ssh-ed25519 AAAA… comment"; ssh-keygen -i converts)');
  }
  if (/[\r\n]/.test(text)) throw invalid("it has several lines; give exactly one key");
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the pattern looks for control characters
  if (/[\u0000-\u0008\u000a-\u001f\u007f-\u009f\u2028\u2029]/.test(text)) throw invalid("it has control characters");
  const [, algorithm, blob, comment] = /^(\S+)[ \t]+(\S+)(?:[ \t]+(.*))?$/.exec(text) ?? [];
  if (algorithm === undefined || blob === undefined) {
    throw invalid('expected "algorithm base64 comment", for example "ssh-ed25519 AAAA… me@laptop"');
  }
  assertSupported(algorithm, text);
  const bytes = Buffer.from(blob, "base64");
  if (bytes.toString("base64") !== blob) throw invalid("its second field is no base64; was it cut off?");
  return describePublicKey(bytes, algorithm, (comment ?? "").replace(/\t/g, " "));
}

function assertSupported(algorithm: string, text: string): void {
  if (/^(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(256|384|521))$/.test(algorithm) || Object.hasOwn(HARDWARE, algorithm))
    return;
  if (algorithm === "ssh-dss") throw invalid("DSA keys are no longer accepted by SSH servers; use ed25519");
  if (algorithm.includes("-cert-v0")) throw invalid("this is a certificate; give the plain public key");
  if (/^["'`]/.test(text)) throw invalid("quotes stand around it; give the bare line");
  if (/[\s,"](ssh-|ecdsa-|sk-)\S+\s+AAAA/.test(text)) throw invalid("options stand in front of it; give the key alone");
  throw invalid(
    `unknown type "${algorithm.slice(0, 40)}"; known are ssh-ed25519, ssh-rsa, ecdsa-sha2-nistp256/384/521 and their sk- forms`,
  );
}

/** Whether a text in place of a public key may be a private key, also in base64. Nothing may print such a text. */
export function mayBePrivate(text: string): boolean {
  return /PRIVATE KEY|PuTTY-User-Key-File/.test(text) || /^\s*["'`]?[A-Za-z0-9+/_=\s-]{100,}["'`]?\s*$/.test(text);
}

/**
 * Parses a public key in its binary form.
 * @param expected the required algorithm
 * @throws SshError `input` when the bytes are not such a key
 */
export function describePublicKey(bytes: Buffer, expected?: string, comment = ""): PublicKey {
  const fields = readStrings(bytes);
  if (fields === undefined || fields[0] === undefined) throw invalid("its bytes are damaged; was it cut off?");
  const algorithm = fields[0].toString("latin1");
  if (expected !== undefined && algorithm !== expected) {
    throw invalid(`the line says ${expected}, its bytes say ${algorithm.slice(0, 40)}`);
  }
  const { type, bits } = inspect(algorithm, fields.slice(1));
  return {
    type,
    algorithm,
    blob: bytes.toString("base64"),
    bits,
    comment,
    fingerprintSha256: fingerprintSha256(bytes),
    fingerprintMd5: `MD5:${createHash("md5").update(bytes).digest("hex").match(/../g)?.join(":")}`,
  };
}

/** `SHA256:…` of a key's binary form, also of unsupported types. */
export function fingerprintSha256(bytes: Buffer): string {
  return `SHA256:${createHash("sha256").update(bytes).digest("base64").replace(/=+$/, "")}`;
}

function inspect(algorithm: string, fields: Buffer[]): Pick<PublicKey, "type" | "bits"> {
  const hardware = Object.hasOwn(HARDWARE, algorithm) ? HARDWARE[algorithm] : undefined;
  if (hardware !== undefined) {
    // The last field is the application of the token's key, usually "ssh:".
    if ((fields.at(-1)?.length ?? 0) === 0) throw invalid(`its bytes are no key of the type ${algorithm}`);
    inspect(hardware.without, fields.slice(0, -1));
    return { type: hardware.type, bits: 256 };
  }
  const [first, second, ...more] = fields;
  if (algorithm === "ssh-ed25519") {
    if (first?.length !== 32 || second !== undefined) throw invalid("its bytes are no ed25519 key");
    return { type: "ed25519", bits: 256 };
  }
  if (algorithm === "ssh-rsa") {
    if (first === undefined || second === undefined || more.length > 0 || !isMpint(first) || !isMpint(second)) {
      throw invalid("its bytes are no RSA key");
    }
    const bits = BigInt(`0x${second.toString("hex")}`).toString(2).length;
    if (bits < RSA_BITS.min) throw invalid(`an RSA key of ${bits} bits is refused by SSH servers; use 2048 or more`);
    if (bits > RSA_BITS.max) throw invalid(`an RSA key of ${bits} bits is more than OpenSSH reads (${RSA_BITS.max})`);
    return { type: "rsa", bits };
  }
  const name = algorithm.replace("ecdsa-sha2-", "");
  const curve = Object.hasOwn(CURVES, name) ? CURVES[name as keyof typeof CURVES] : undefined;
  if (curve === undefined) throw invalid(`unknown type "${algorithm.slice(0, 40)}"`);
  if (first?.toString("latin1") !== name || second === undefined || more.length > 0 || !isPoint(second, curve)) {
    throw invalid(`its bytes are no key on the curve ${name}`);
  }
  return { type: "ecdsa", bits: curve.bits };
}

function isMpint(bytes: Buffer): boolean {
  return bytes.length > 0 && mpint(bytes).subarray(4).equals(bytes);
}

function isPoint(point: Buffer, curve: (typeof CURVES)[keyof typeof CURVES]): boolean {
  const size = Math.ceil(curve.bits / 8);
  if (point.length !== 1 + 2 * size || point[0] !== 4) return false;
  const x = point.subarray(1, 1 + size).toString("base64url");
  const y = point.subarray(1 + size).toString("base64url");
  let key: KeyObject;
  try {
    key = createPublicKey({ key: { kty: "EC", crv: curve.jwk, x, y }, format: "jwk" });
  } catch {
    return false;
  }
  return key.asymmetricKeyType === "ec";
}

/** Whether both are the same key. Comments are ignored. */
export function sameKey(a: Pick<PublicKey, "algorithm" | "blob">, b: Pick<PublicKey, "algorithm" | "blob">): boolean {
  return a.algorithm === b.algorithm && a.blob === b.blob;
}

/** The OpenSSH line of a key, without a newline. */
export function formatPublicKey(key: Pick<PublicKey, "algorithm" | "blob" | "comment">): string {
  return [key.algorithm, key.blob, key.comment].filter((part) => part !== "").join(" ");
}
