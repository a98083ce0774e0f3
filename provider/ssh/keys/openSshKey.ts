/*
 * Parser of OpenSSH's private key form (PROTOCOL.key). ssh2's own parser lacks one of the ciphers. It also strips a
 * leading zero byte from an ed25519 public key, which damages one key in 256.
 */
import { createDecipheriv, createPrivateKey, type JsonWebKey, type KeyObject } from "node:crypto";
import { createRequire } from "node:module";
import { SshError } from "../error";
import { unusable } from "./privateKeyText";
import { CURVES } from "./publicKey";
import { WireReader } from "./wire";

export const OPENSSH_MAGIC = Buffer.from("openssh-key-v1\0");

export interface OpenedKey {
  key: KeyObject;
  comment: string;
  /** The public half that the file states, in base64. */
  publicBlob: string;
}

interface Cipher {
  key: number;
  iv: number;
  /** Bytes of the authentication tag after the secret. */
  tag?: number;
  /** Throws when the tag does not match. */
  open(key: Buffer, iv: Buffer, secret: Buffer, tag: Buffer): Buffer;
}

function block(name: string, key: number, iv: number): Cipher {
  const open: Cipher["open"] = (secretKey, vector, secret) => {
    const decipher = createDecipheriv(name, secretKey, vector).setAutoPadding(false);
    return Buffer.concat([decipher.update(secret), decipher.final()]);
  };
  return { key, iv, open };
}

function gcm(bits: 128 | 256): Cipher {
  const open: Cipher["open"] = (key, iv, secret, tag) => {
    const decipher = createDecipheriv(`aes-${bits}-gcm`, key, iv).setAuthTag(tag);
    return Buffer.concat([decipher.update(secret), decipher.final()]);
  };
  return { key: bits / 8, iv: 12, tag: 16, open };
}

/** The ciphers that `ssh -Q cipher` lists. */
const CIPHERS: Record<string, Cipher> = {
  "3des-cbc": block("des-ede3-cbc", 24, 8),
  ...Object.fromEntries(
    [128, 192, 256].flatMap((bits) =>
      ["cbc", "ctr"].map((mode) => [`aes${bits}-${mode}`, block(`aes-${bits}-${mode}`, bits / 8, 16)]),
    ),
  ),
  "rijndael-cbc@lysator.liu.se": block("aes-256-cbc", 32, 16),
  "aes128-gcm@openssh.com": gcm(128),
  "aes256-gcm@openssh.com": gcm(256),
  "chacha20-poly1305@openssh.com": {
    key: 64,
    iv: 0,
    tag: 16,
    // PROTOCOL.chacha20poly1305: block 0 is the tag's key. The tag is not verified: the check numbers reveal a wrong
    // passphrase, and the importer compares both halves of the key.
    open: (key, _iv, secret) => {
      const start = Buffer.alloc(16);
      start[0] = 1;
      return createDecipheriv("chacha20", key.subarray(0, 32), start).update(secret);
    },
  },
};

/** @throws SshError `input`, with `property` `"passphrase"` (missing or wrong) or `"privateKey"` */
export function openOpenSsh(bytes: Buffer, passphrase: string | undefined): OpenedKey {
  return damagedIfShort(() => {
    const file = new WireReader(bytes);
    if (!file.take(OPENSSH_MAGIC.length).equals(OPENSSH_MAGIC)) throw new RangeError("no magic");
    const cipher = file.string().toString("latin1");
    const kdf = file.string().toString("latin1");
    const kdfOptions = file.string();
    if (file.uint32() !== 1) throw unusable("it holds more than one key");
    const publicBlob = file.string().toString("base64");
    const secret = file.string();
    if (cipher === "none") return { ...readSecret(secret, () => damaged()), publicBlob };
    const known = Object.hasOwn(CIPHERS, cipher) ? CIPHERS[cipher] : undefined;
    if (known === undefined || kdf !== "bcrypt") {
      throw unusable(`its encryption (${cipher.slice(0, 40)}, ${kdf.slice(0, 40)}) is unknown here`);
    }
    if (!passphrase) throw missingPassphrase();
    const tag = file.take(known.tag ?? 0);
    const derived = derive(passphrase, kdfOptions, known.key + known.iv);
    let plain: Buffer;
    try {
      plain = known.open(derived.subarray(0, known.key), derived.subarray(known.key), secret, tag);
    } catch {
      throw wrongPassphrase(passphrase);
    }
    return { ...readSecret(plain, () => wrongPassphrase(passphrase)), publicBlob };
  });
}

export function missingPassphrase(): SshError {
  const text = "the private key is protected by a passphrase, and none was given: set passphrase";
  return new SshError("input", text, { property: "passphrase" });
}

export function wrongPassphrase(passphrase: string): SshError {
  const hint = /[\r\n]$/.test(passphrase) ? "; it ends with a line break, which may not be part of it" : "";
  return new SshError("input", `the passphrase does not open the private key${hint}`, { property: "passphrase" });
}

function damaged(): SshError {
  return unusable("its content is damaged");
}

/** Runs a parser. Bytes that end early, or that OpenSSL rejects, count as damage. */
function damagedIfShort<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw error instanceof SshError ? error : damaged();
  }
}

function derive(passphrase: string, options: Buffer, length: number): Buffer {
  // Loaded on demand: few keys are encrypted.
  const bcrypt = createRequire(__filename)("bcrypt-pbkdf") as {
    pbkdf(
      pass: Buffer,
      passLength: number,
      salt: Buffer,
      saltLength: number,
      key: Buffer,
      keyLength: number,
      rounds: number,
    ): number;
  };
  const reader = new WireReader(options);
  const salt = reader.string();
  const rounds = reader.uint32();
  const pass = Buffer.from(passphrase);
  const key = Buffer.alloc(length);
  if (bcrypt.pbkdf(pass, pass.length, salt, salt.length, key, length, rounds) !== 0) throw new RangeError("bcrypt");
  return key;
}

function readSecret(secret: Buffer, unopened: () => SshError): { key: KeyObject; comment: string } {
  const reader = new WireReader(secret);
  // Two equal check numbers confirm the passphrase.
  if (secret.length < 8 || !reader.take(4).equals(reader.take(4))) throw unopened();
  const algorithm = reader.string().toString("latin1");
  const jwk = readNumbers(algorithm, reader);
  const comment = reader.string().toString("utf8");
  if (reader.rest().some((byte, index) => byte !== ((index + 1) & 0xff))) throw damaged();
  return { key: createPrivateKey({ key: jwk, format: "jwk" }), comment };
}

function readNumbers(algorithm: string, reader: WireReader): JsonWebKey {
  if (algorithm === "ssh-ed25519") {
    const x = reader.string().toString("base64url");
    return { kty: "OKP", crv: "Ed25519", x, d: reader.string().subarray(0, 32).toString("base64url") };
  }
  if (algorithm === "ssh-rsa") {
    const [n, e, d, qi, p, q] = Array.from({ length: 6 }, () => BigInt(`0x${reader.string().toString("hex")}`));
    if (!n || !e || !d || !qi || !p || !q) throw damaged();
    const numbers = { n, e, d, p, q, dp: d % (p - 1n), dq: d % (q - 1n), qi };
    return {
      kty: "RSA",
      ...Object.fromEntries(Object.entries(numbers).map(([name, value]) => [name, base64url(value)])),
    };
  }
  const curve = Object.entries(CURVES).find(([name]) => algorithm === `ecdsa-sha2-${name}`)?.[1];
  if (curve !== undefined) {
    reader.string();
    const size = Math.ceil(curve.bits / 8);
    const point = reader.string();
    if (point.length !== 1 + 2 * size || point[0] !== 4) throw damaged();
    const [x, y] = [point.subarray(1, 1 + size), point.subarray(1 + size)].map((part) => part.toString("base64url"));
    const d = base64url(BigInt(`0x${reader.string().toString("hex")}`), size);
    return { kty: "EC", crv: curve.jwk, ...(x && { x }), ...(y && { y }), d };
  }
  if (algorithm === "ssh-dss") throw unusable("DSA keys are no longer accepted by SSH servers; use ed25519");
  if (algorithm.startsWith("sk-")) {
    throw unusable("it is the handle of a hardware token (sk-…): only a person can log in with it, by a touch");
  }
  throw unusable("its type is none of ed25519, rsa, ecdsa");
}

function base64url(value: bigint, size = 0): string {
  const digits = value.toString(16);
  const hex = digits.padStart(Math.max(size * 2, digits.length + (digits.length % 2)), "0");
  return Buffer.from(hex, "hex").toString("base64url");
}
