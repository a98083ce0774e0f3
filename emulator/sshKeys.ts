import { createHash, createPublicKey } from "node:crypto";
import { GraphQLError } from "graphql";
import { type ParsedKey, utils } from "ssh2";
import { checkName } from "./checkName";
import { isoTime } from "./clock";
import type { Context } from "./context";
import { listOwned } from "./listing";
import { unsetValue } from "./serverVariants";
import type { Account, SshKey } from "./store";

/** Fields of a key that the API computes from the public key line. */
export type PublicKeyFacts = Pick<SshKey, "keyData" | "keyType" | "bits" | "comment" | "hashMd5" | "hashSha256">;

const ECDSA_BITS: Record<string, number> = {
  "ecdsa-sha2-nistp256": 256,
  "ecdsa-sha2-nistp384": 384,
  "ecdsa-sha2-nistp521": 521,
};

/** Characters; an RSA key of 16,384 bits takes 2,800. */
const MAX_KEY_LENGTH = 10_000;

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are rejected here; a tab may separate two words
const CONTROL = /[\0-\x08\x0a-\x1f\x7f]/;

/**
 * Reads one OpenSSH public key line. Forms of the hashes: gjabell/terraform-provider-borgbase, acceptance tests.
 * Accepts Ed25519, ECDSA of the three NIST curves and RSA of more than 1024 bits.
 *
 * @throws GraphQLError for any other line.
 */
export function readPublicKey(line: string): PublicKeyFacts {
  const text = line.trim();
  if (text.length > MAX_KEY_LENGTH || CONTROL.test(text)) throw invalid();
  const [keyType = "", body = ""] = text.split(/\s+/);
  const parsed = utils.parseKey(text);
  if (parsed instanceof Error || Array.isArray(parsed) || parsed.isPrivateKey()) throw invalid();
  const blob = parsed.getPublicSSH();
  // A line that changes in a round trip has extra bytes behind the key.
  if (parsed.type !== keyType || blob.toString("base64").replace(/=+$/, "") !== body.replace(/=+$/, ""))
    throw invalid();
  const digest = (algorithm: string) => createHash(algorithm).update(blob);
  return {
    keyData: `${keyType} ${body}`,
    keyType,
    bits: bitsOf(parsed),
    comment: parsed.comment ?? "",
    hashMd5: digest("md5")
      .digest("hex")
      .replace(/..(?=.)/g, "$&:"),
    hashSha256: digest("sha256").digest("base64").replace(/=+$/, ""),
  };
}

function bitsOf(key: ParsedKey): number {
  if (key.type === "ssh-ed25519") return 256;
  const curve = ECDSA_BITS[key.type];
  if (curve !== undefined) return curve;
  if (key.type !== "ssh-rsa") throw new GraphQLError(`Invalid SSH key: type ${key.type} is not supported.`);
  const bits = createPublicKey(key.getPublicPEM()).asymmetricKeyDetails?.modulusLength ?? 0;
  if (bits <= 1024) throw new GraphQLError(`Invalid SSH key: RSA keys need more than 1024 bits, this one has ${bits}.`);
  return bits;
}

function invalid(): GraphQLError {
  return new GraphQLError("Invalid SSH key.");
}

export function keyResult(context: Context, key: SshKey) {
  const { account: _, lastUsedAt, ...fields } = key;
  return { ...fields, lastUsedAt: lastUsedAt ?? unsetValue(context.variants) };
}

export function sshList(context: Context, account: Account, args: { name?: string | null }) {
  return listOwned(context, context.store.keys.values(), account, args.name).map((key) => keyResult(context, key));
}

export function sshAdd(context: Context, account: Account, args: { name?: string | null; keyData?: string | null }) {
  const name = checkName(args.name ?? "");
  if (!args.keyData) throw invalid();
  const key: SshKey = {
    ...readPublicKey(args.keyData),
    id: context.store.newKeyId(),
    account: account.email,
    name,
    addedAt: isoTime(context.clock.now()),
    lastUsedAt: null,
  };
  context.store.saveKey(key);
  return { keyAdded: keyResult(context, key) };
}

/** Also removes the key from all repositories: a desktop app warns of the repositories that this locks. */
export function sshDelete(context: Context, account: Account, args: { id: string | number }) {
  const id = String(args.id);
  if (context.store.keys.get(id)?.account !== account.email) {
    if (context.variants.missing === "null") return null;
    throw new GraphQLError("SSH key not found");
  }
  context.store.deleteKey(id);
  for (const repo of context.store.repos.values()) {
    const lists = (["appendOnlyKeys", "fullAccessKeys", "rsyncKeys"] as const).filter((list) =>
      repo[list].includes(id),
    );
    for (const list of lists) repo[list] = repo[list].filter((other) => other !== id);
    if (lists.length) context.store.saveRepo(repo);
  }
  return { ok: true };
}
