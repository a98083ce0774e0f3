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
import { createRequire } from "node:module";
import { promisify } from "node:util";
import { SshError } from "./error";
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
  /** Secret: OpenSSH's own form, or PEM (PKCS#1, PKCS#8, SEC 1), encrypted or not. */
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
  const text = privateKey.replace(/\r\n/g, "\n").trim();
  const form = /^-----BEGIN ([A-Z ]*)PRIVATE KEY-----\n/.exec(text)?.[1]?.trim();
  if (form === undefined) throw unusable(whyNoPrivateKey(text));
  if (form === "DSA") throw unusable("DSA keys are no longer accepted by SSH servers; use ed25519");
  if (!text.endsWith("PRIVATE KEY-----")) throw unusable("its end is missing; was it cut off?");
  const opened = form === "OPENSSH" ? openOpenSsh(text, passphrase) : { key: openPem(text, passphrase), comment: "" };
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

function unusable(reason: string): SshError {
  return new SshError("input", `not a usable private key: ${reason}`, { property: "privateKey" });
}

function whyNoPrivateKey(text: string): string {
  if (text === "") return "it is empty";
  if (text.startsWith("PuTTY-User-Key-File")) return "it is in PuTTY's form; puttygen -O private-openssh converts it";
  if (/^(ssh-|ecdsa-|sk-|-----BEGIN [A-Z ]*PUBLIC|---- BEGIN)/.test(text)) return "this is a public key";
  if (/^-----BEGIN CERTIFICATE/.test(text)) return "this is a certificate";
  return 'expected text that begins with "-----BEGIN … PRIVATE KEY-----"';
}

const MISSING = "the private key is protected by a passphrase, and none was given: set passphrase";
const WRONG = "the passphrase does not open the private key";

function openPem(text: string, passphrase: string | undefined): KeyObject {
  const encrypted = /^-----BEGIN ENCRYPTED |^Proc-Type: 4,ENCRYPTED$/m.test(text);
  if (encrypted && !passphrase) throw new SshError("input", MISSING, { property: "passphrase" });
  try {
    return createPrivateKey(encrypted ? { key: text, passphrase } : { key: text });
  } catch (error) {
    if (/unsupported/i.test(String(error))) throw unusable("OpenSSL knows neither its form nor its encryption");
    throw encrypted ? new SshError("input", WRONG, { property: "passphrase" }) : unusable("its content is damaged");
  }
}

interface OpenedKey {
  key: KeyObject;
  comment: string;
  /** The public half that the file claims. */
  publicBlob: string;
}

function openOpenSsh(text: string, passphrase: string | undefined): OpenedKey {
  const encrypted = cipherOf(text) !== "none";
  if (encrypted && !passphrase) throw new SshError("input", MISSING, { property: "passphrase" });
  // Loaded here only: whoever reads PEM or makes a new key does not wait for it.
  const { utils } = createRequire(__filename)("ssh2") as typeof import("ssh2");
  const parsed = utils.parseKey(text, encrypted ? passphrase : undefined);
  if (parsed instanceof Error) {
    if (/integrity|unable to authenticate/i.test(parsed.message) && encrypted) {
      throw new SshError("input", WRONG, { property: "passphrase" });
    }
    if (/key type/.test(parsed.message)) throw unusable("its type is none of ed25519, rsa, ecdsa");
    throw unusable(
      encrypted ? `it is damaged, or its cipher (${cipherOf(text)}) unknown here` : "its content is damaged",
    );
  }
  if (parsed.type === "ssh-dss") throw unusable("DSA keys are no longer accepted by SSH servers; use ed25519");
  try {
    const key = createPrivateKey(parsed.getPrivatePEM());
    return { key, comment: parsed.comment, publicBlob: parsed.getPublicSSH().toString("base64") };
  } catch {
    throw unusable("its content is damaged");
  }
}

const MAGIC = Buffer.from("openssh-key-v1\0");

function cipherOf(text: string): string {
  const bytes = Buffer.from(text.replace(/-----[^-]*-----/g, ""), "base64");
  if (!bytes.subarray(0, MAGIC.length).equals(MAGIC)) throw unusable("its content is damaged");
  const length = bytes.length < MAGIC.length + 4 ? 0 : bytes.readUInt32BE(MAGIC.length);
  const cipher = bytes.subarray(MAGIC.length + 4, MAGIC.length + 4 + length);
  if (length === 0 || length > 64 || cipher.length !== length) throw unusable("its content is damaged");
  return cipher.toString("latin1");
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

// OpenSSH's PROTOCOL.key and PROTOCOL.agent. ssh2's own key writer is not used: it strips a leading zero byte from
// an ed25519 public key, which damages one key in 256.
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
  return { ...description, publicKey: formatPublicKey(description), privateKey };
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
