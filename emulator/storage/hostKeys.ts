import { createHash } from "node:crypto";
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type ParsedKey, utils } from "ssh2";
import type { HostKey, HostKeyType } from "./types";

const BITS = { rsa: 3072, ecdsa: 256 } as const;

/** A host key with its private half. */
export interface HostKeyPair extends HostKey {
  privateKey: string;
}

/**
 * Reads the three host keys of a folder and creates missing ones, in OpenSSH's own format (`ssh_host_TYPE_key`, mode 0600).
 * They stay the same as long as the folder exists.
 *
 * @throws an error with the file's path when a file there is no private key.
 */
export function loadHostKeys(dir: string): HostKeyPair[] {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  return (["rsa", "ecdsa", "ed25519"] as const).map((type) => {
    const path = join(dir, `ssh_host_${type}_key`);
    const privateKey = readOrCreate(path, type);
    const key = parse(privateKey);
    if (!key) throw new Error(`${path} is not a private SSH key: delete it and the emulator makes a new one`);
    return { privateKey, ...describe(type, key) };
  });
}

function readOrCreate(path: string, type: HostKeyType): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
  // A link never overwrites: two emulators that start at once use the same key, and no key is half-written.
  const draft = `${path}.${process.pid}`;
  writeFileSync(draft, generate(type), { mode: 0o600 });
  try {
    linkSync(draft, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  } finally {
    rmSync(draft);
  }
  return readFileSync(path, "utf8");
}

function generate(type: HostKeyType): string {
  // About one in 300 ed25519 keys of ssh2 1.17 cannot be parsed, not even by ssh2 itself.
  for (;;) {
    const { private: text } =
      type === "ed25519"
        ? utils.generateKeyPairSync(type)
        : type === "rsa"
          ? utils.generateKeyPairSync(type, { bits: BITS.rsa })
          : utils.generateKeyPairSync(type, { bits: BITS.ecdsa });
    if (parse(text)) return text;
  }
}

function parse(text: string): ParsedKey | undefined {
  const key = utils.parseKey(text);
  if (key instanceof Error) return undefined;
  const [first] = [key].flat() as ParsedKey[];
  return first?.isPrivateKey() ? first : undefined;
}

function describe(type: HostKeyType, key: ParsedKey): HostKey {
  const blob = key.getPublicSSH();
  const md5 = createHash("md5").update(blob).digest("hex");
  return {
    type,
    publicKey: `${key.type} ${blob.toString("base64")}`,
    fingerprintSha256: `SHA256:${createHash("sha256").update(blob).digest("base64").replace(/=+$/, "")}`,
    fingerprintMd5: `MD5:${md5.match(/../g)?.join(":")}`,
  };
}
