import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

export const KEY_TYPES = ["rsa", "ed25519", "ecdsa"] as const;

export type KeyType = (typeof KEY_TYPES)[number];

/** A new key pair with the sizes and the comment of `ssh-keygen`. */
export async function generateKey(type: KeyType): Promise<{ publicKey: string; privateKey: string }> {
  const folder = await mkdtemp(join(tmpdir(), "borg-ui-key-"));
  try {
    const file = join(folder, "id");
    await promisify(execFile)("ssh-keygen", ["-q", "-t", type, "-N", "", "-f", file]);
    const [publicKey, privateKey] = await Promise.all([readFile(`${file}.pub`, "utf8"), readFile(file, "utf8")]);
    return { publicKey: publicKey.trim(), privateKey };
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** The type of a public key by its first word; undefined for any other text. */
export function typeOfPublicKey(line: string): KeyType | undefined {
  if (line.startsWith("ssh-rsa")) return "rsa";
  if (line.startsWith("ssh-ed25519")) return "ed25519";
  return line.startsWith("ecdsa-sha2") ? "ecdsa" : undefined;
}

/** `SHA256:…` of a public key's body. */
export function fingerprint(line: string): string {
  const body = Buffer.from(line.split(/\s+/)[1] ?? "", "base64");
  return `SHA256:${createHash("sha256").update(body).digest("base64").replace(/=+$/, "")}`;
}
