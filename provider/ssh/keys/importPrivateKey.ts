import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from "node:crypto";
import { checkSpec } from "./generate";
import { encodeKey, type KeyMaterial } from "./keyMaterial";
import { missingPassphrase, openOpenSsh, wrongPassphrase } from "./openSshKey";
import { type ArmoredKey, findPrivateKey, unusable } from "./privateKeyText";
import { parsePublicKey, sameKey } from "./publicKey";

export interface PrivateKeyInput {
  /** Secret: OpenSSH's form or PEM (PKCS#1, PKCS#8, SEC 1), encrypted or not. See {@link findPrivateKey}. */
  privateKey: string;
  /** Secret: decrypts the key. Ignored for an unencrypted key. */
  passphrase?: string;
  /** Replaces the comment of the key. Unset: the key keeps its own; PEM forms have none. */
  comment?: string;
}

/**
 * Parses a private key and returns it in the form of {@link generate}.
 * @throws SshError `input`, with `property` `"passphrase"` (missing or wrong) or `"privateKey"`
 */
export function importPrivateKey({ privateKey, passphrase, comment }: PrivateKeyInput): KeyMaterial {
  if (comment !== undefined) checkSpec({ comment });
  const found = findPrivateKey(privateKey);
  const opened =
    found.label === "OPENSSH" ? openOpenSsh(found.bytes, passphrase) : { key: openPem(found, passphrase), comment: "" };
  const material = encodeKey(opened.key, comment ?? opened.comment);
  const claimed = "publicBlob" in opened ? opened.publicBlob : undefined;
  if (claimed !== undefined && claimed !== material.blob) {
    throw unusable("its public half belongs to another key; the file is damaged");
  }
  verifyNumbers(opened.key);
  return material;
}

/**
 * Whether `publicKey` (an OpenSSH line) is the public half of `privateKey`.
 * @throws SshError `input` when either cannot be parsed
 */
export function matches(publicKey: string, privateKey: PrivateKeyInput): boolean {
  return sameKey(parsePublicKey(publicKey), importPrivateKey(privateKey));
}

/** Opens a key in one of OpenSSL's forms, which its label names. */
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

/** Whether the outermost DER element is shorter than its length field. Traditional encryption hides that field. */
function isCutOff(bytes: Buffer, headers: string[]): boolean {
  if (headers.length > 0) return bytes.length % 8 !== 0;
  const first = bytes[1] ?? 0;
  if (bytes[0] !== 0x30 || first < 0x81 || first > 0x84) return false;
  const size = first & 0x7f;
  return bytes.length < 2 + size + bytes.readUIntBE(2, size);
}

/** A signature and its verification. OpenSSL imports numbers of different keys without an error. */
function verifyNumbers(key: KeyObject): void {
  const hash = key.asymmetricKeyType === "ed25519" ? null : "sha256";
  const probe = Buffer.from("probe");
  let verified = false;
  try {
    verified = verify(hash, probe, createPublicKey(key), sign(hash, probe, key));
  } catch {}
  if (!verified) throw unusable("its numbers do not belong together; the file is damaged");
}
