import type { Key } from "../api";
import type { DataFunction } from "../function";
import { chooseOne, type IdOrName, idOrName } from "./choose";

/** A registered SSH key, as a data function tells it. */
export interface SshKeyInfo {
  id: string;
  name: string;
  /** Algorithm and body, without a comment. */
  publicKey: string;
  comment: string;
  keyType: string;
  bits: number;
  fingerprintSha256: string;
  fingerprintMd5: string;
  /** ISO 8601. */
  addedAt?: string;
  /** ISO 8601; absent: never. */
  lastUsedAt?: string;
}

function toInfo(key: Key): SshKeyInfo {
  return {
    id: key.id,
    name: key.name,
    publicKey: key.keyData.trim(),
    comment: key.comment,
    keyType: key.keyType,
    bits: key.bits,
    fingerprintSha256: key.hashSha256,
    fingerprintMd5: key.hashMd5,
    ...(key.addedAt && { addedAt: key.addedAt }),
    ...(key.lastUsedAt && { lastUsedAt: key.lastUsedAt }),
  };
}

export const getSshKey: DataFunction<IdOrName, SshKeyInfo> = {
  args: idOrName,
  async run(wanted, context) {
    return toInfo(chooseOne("SSH key", await (await context.api()).keys.all(), wanted));
  },
};

export const getSshKeys: DataFunction<object, SshKeyInfo[]> = {
  async args() {
    return (await import("zod")).z.strictObject({}, { error: "takes no arguments" });
  },
  async run(_, context) {
    return (await (await context.api()).keys.all()).map(toInfo);
  },
};
