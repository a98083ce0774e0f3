import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPair,
  type JsonWebKey,
  type KeyObject,
  sign,
  verify,
} from "node:crypto";
import { promisify } from "node:util";
import { SshError } from "../error";
import { MAGIC, missingPassphrase, openOpenSsh, wrongPassphrase } from "./openSshKey";
import { type ArmoredKey, findPrivateKey, unusable } from "./privateKeyText";
import {
  CURVES,
  describePublicKey,
  formatPublicKey,
  type KeyType,
  type PublicKey,
  parsePublicKey,
  sameKey,
} from "./publicKey";
import { mpint, sshString } from "./wire";

export { formatPublicKey, type KeyType, type PublicKey, parsePublicKey, sameKey } from "./publicKey";

/** Both halves of a key. */
export interface KeyMaterial extends PublicKey {
  type: KeyType;
  /** The OpenSSH line, without a newline. */
  publicKey: string;
  /** Secret: OpenSSH's private key form without passphrase, ending with a newline. The same key and comment always give the same text. */
  privateKey: string;
}

/** What {@link generate} makes: `bits` is for rsa (2048–16384, default 4096) and ecdsa (256, 384 or 521, default 256). */
export interface KeySpec {
  keyType?: KeyType;
  bits?: number;
  comment?: string;
}

/**
 * Why a key of this kind cannot be made, per argument; empty when it can.
 */
export function keySpecProblems({
  keyType = "ed25519",
  bits,
  comment = "",
}: KeySpec): { property: string; reason: string }[] {
  const problems: { property: string; reason: string }[] = [];
  if (!["ed25519", "rsa", "ecdsa"].includes(keyType)) {
    problems.push({ property: "keyType", reason: `"${keyType}" is none of ed25519, rsa, ecdsa` });
  } else if (bits !== undefined) {
    if (keyType === "ed25519" && bits !== 256) {
      problems.push({ property: "bits", reason: "an ed25519 key always has 256 bits; leave bits out" });
    }
    if (keyType === "rsa" && !(Number.isInteger(bits) && bits >= 2048 && bits <= 16384)) {
      problems.push({ property: "bits", reason: `an rsa key needs 2048 to 16384 bits, not ${bits}` });
    }
    if (keyType === "ecdsa" && ![256, 384, 521].includes(bits)) {
      problems.push({ property: "bits", reason: `an ecdsa key needs 256, 384 or 521 bits, not ${bits}` });
    }
  }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused
  if (/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/.test(comment)) {
    problems.push({ property: "comment", reason: "the comment of a key must be one line without control characters" });
  } else if (comment !== comment.trim()) {
    problems.push({ property: "comment", reason: "the comment of a key cannot begin or end with a blank" });
  }
  return problems;
}

function checkSpec(spec: KeySpec): void {
  const [problem] = keySpecProblems(spec);
  if (problem) throw new SshError("input", problem.reason, { property: problem.property });
}

/**
 * Makes a new key pair; nothing touches a disk. Runs beside the event loop: an rsa key of 16384 bits takes minutes.
 * @throws SshError `input`
 */
export async function generate(spec: KeySpec = {}): Promise<KeyMaterial> {
  checkSpec(spec);
  const make = promisify(generateKeyPair);
  const { keyType = "ed25519", bits, comment = "" } = spec;
  if (keyType === "rsa") return encode((await make("rsa", { modulusLength: bits ?? 4096 })).privateKey, comment);
  if (keyType === "ed25519") return encode((await make("ed25519", {})).privateKey, comment);
  const curve = Object.values(CURVES).find((each) => each.bits === (bits ?? 256)) ?? CURVES.nistp256;
  return encode((await make("ec", { namedCurve: curve.node })).privateKey, comment);
}

export interface PrivateKeyInput {
  /** Secret: OpenSSH's own form, or PEM (PKCS#1, PKCS#8, SEC 1), encrypted or not, as {@link findPrivateKey} finds it. */
  privateKey: string;
  /** Secret: opens an encrypted key; not needed and then ignored for an open one. */
  passphrase?: string;
  /** Replaces the comment in the key; left out: the key keeps its own (PEM forms have none). */
  comment?: string;
}

/**
 * Reads an existing private key and gives it back in the form of {@link generate}.
 * @throws SshError `input`, with `property` `"passphrase"` (missing or wrong) or `"privateKey"`
 */
export function importPrivateKey({ privateKey, passphrase, comment }: PrivateKeyInput): KeyMaterial {
  if (comment !== undefined) checkSpec({ comment });
  const found = findPrivateKey(privateKey);
  const opened =
    found.label === "OPENSSH" ? openOpenSsh(found.bytes, passphrase) : { key: openPem(found, passphrase), comment: "" };
  const material = encode(opened.key, comment ?? opened.comment);
  const claimed = "publicBlob" in opened ? opened.publicBlob : undefined;
  if (claimed !== undefined && claimed !== material.blob) {
    throw unusable("its public half belongs to another key; the file is damaged");
  }
  provePair(opened.key);
  return material;
}

/**
 * Whether `publicKey` (an OpenSSH line) is the public half of `privateKey`.
 * @throws SshError `input` when one of them cannot be read
 */
export function matches(publicKey: string, privateKey: PrivateKeyInput): boolean {
  return sameKey(parsePublicKey(publicKey), importPrivateKey(privateKey));
}

/** The label is the form: OpenSSH's own, or one of OpenSSL's. */
function openPem({ label, headers, bytes }: ArmoredKey, passphrase: string | undefined): KeyObject {
  const encrypted = label === "ENCRYPTED" || headers.length > 0;
  if (encrypted && !passphrase) throw missingPassphrase();
  const name = [label, "PRIVATE KEY"].filter(Boolean).join(" ");
  const lines = bytes.toString("base64").match(/.{1,64}/g) ?? [];
  const key = [
    `-----BEGIN ${name}-----`,
    ...(headers.length > 0 ? [...headers, ""] : []),
    ...lines,
    `-----END ${name}-----`,
    "",
  ].join("\n");
  try {
    return createPrivateKey(encrypted ? { key, passphrase } : { key });
  } catch (error) {
    if (isCutOff(bytes, headers)) throw unusable("its content is damaged: bytes are missing; was it cut off?");
    if (/envelope routines::unsupported|unsupported (encryption|cipher|prf)|unknown cipher/i.test(String(error))) {
      throw unusable("OpenSSL knows its encryption no longer, or not yet; ssh-keygen -p gives it another");
    }
    throw encrypted && passphrase ? wrongPassphrase(passphrase) : unusable("its content is damaged");
  }
}

/** Whether the outermost element of DER says to be longer than it is. What traditional encryption left says nothing. */
function isCutOff(bytes: Buffer, headers: string[]): boolean {
  if (headers.length > 0) return bytes.length % 8 !== 0;
  const first = bytes[1] ?? 0;
  if (bytes[0] !== 0x30 || first < 0x81 || first > 0x84) return false;
  const size = first & 0x7f;
  return bytes.length < 2 + size + bytes.readUIntBE(2, size);
}

/** OpenSSL takes numbers that do not belong together; only using them shows it. */
function provePair(key: KeyObject): void {
  const hash = key.asymmetricKeyType === "ed25519" ? null : "sha256";
  const probe = Buffer.from("probe");
  let proven = false;
  try {
    proven = verify(hash, probe, createPublicKey(key), sign(hash, probe, key));
  } catch {}
  if (!proven) throw unusable("its numbers do not belong together; the file is damaged");
}

// OpenSSH's PROTOCOL.key and PROTOCOL.agent.
function encode(key: KeyObject, comment: string): KeyMaterial {
  const { publicBlob, privateFields } = sshFields(key);
  const description = describePublicKey(publicBlob, undefined, comment);
  const content = Buffer.concat([privateFields, sshString(comment)]);
  // Two equal check numbers show a reader that the passphrase was right; without one they may be anything.
  const check = createHash("sha256").update(content).digest().subarray(0, 4);
  const secret = Buffer.concat([check, check, content]);
  const padding = Buffer.from(Array.from({ length: (8 - (secret.length % 8)) % 8 }, (_, index) => index + 1));
  const file = Buffer.concat([
    MAGIC,
    sshString("none"),
    sshString("none"),
    sshString(""),
    Buffer.of(0, 0, 0, 1),
    sshString(publicBlob),
    sshString(Buffer.concat([secret, padding])),
  ]);
  const lines = file.toString("base64").match(/.{1,70}/g) ?? [];
  const privateKey = ["-----BEGIN OPENSSH PRIVATE KEY-----", ...lines, "-----END OPENSSH PRIVATE KEY-----", ""].join(
    "\n",
  );
  const type = description.type as KeyType;
  return { ...description, type, publicKey: formatPublicKey(description), privateKey };
}

function sshFields(key: KeyObject): { publicBlob: Buffer; privateFields: Buffer } {
  if (!["rsa", "ec", "ed25519"].includes(key.asymmetricKeyType ?? "")) {
    throw unusable(`its type (${key.asymmetricKeyType}) is none of ed25519, rsa, ecdsa`);
  }
  const jwk = exportJwk(key);
  const part = (name: keyof JsonWebKey) => Buffer.from(String(jwk[name]), "base64url");
  if (jwk.kty === "RSA") {
    const algorithm = sshString("ssh-rsa");
    const [n, e] = [mpint(part("n")), mpint(part("e"))];
    return {
      publicBlob: Buffer.concat([algorithm, e, n]),
      privateFields: Buffer.concat([
        algorithm,
        n,
        e,
        ...(["d", "qi", "p", "q"] as const).map((name) => mpint(part(name))),
      ]),
    };
  }
  if (jwk.kty === "EC") {
    const curve = Object.entries(CURVES).find(([, each]) => each.jwk === jwk.crv)?.[0];
    if (curve === undefined) throw unusable(`its curve (${jwk.crv}) is unknown to SSH`);
    const point = sshString(Buffer.concat([Buffer.of(4), part("x"), part("y")]));
    const publicBlob = Buffer.concat([sshString(`ecdsa-sha2-${curve}`), sshString(curve), point]);
    return { publicBlob, privateFields: Buffer.concat([publicBlob, mpint(part("d"))]) };
  }
  const publicBlob = Buffer.concat([sshString("ssh-ed25519"), sshString(part("x"))]);
  return { publicBlob, privateFields: Buffer.concat([publicBlob, sshString(Buffer.concat([part("d"), part("x")]))]) };
}

function exportJwk(key: KeyObject): JsonWebKey {
  try {
    return key.export({ format: "jwk" });
  } catch {
    throw unusable("its type or curve is unknown to SSH");
  }
}
