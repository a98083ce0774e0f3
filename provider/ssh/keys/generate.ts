import { generateKeyPair } from "node:crypto";
import { promisify } from "node:util";
import { SshError } from "../error";
import { encodeKey, type KeyMaterial } from "./keyMaterial";
import { CURVES, type KeyType } from "./publicKey";

/** The kind of key that {@link generate} makes. */
export interface KeySpec {
  /** Default `ed25519`. */
  keyType?: KeyType;
  /** rsa: 2048–16384, default 4096. ecdsa: 256, 384 or 521, default 256. */
  bits?: number;
  /** One line. Default: none. */
  comment?: string;
}

/** The problems of a key specification, per argument; empty when it is valid. */
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
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the pattern looks for control characters
  if (/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/.test(comment)) {
    problems.push({ property: "comment", reason: "the comment of a key must be one line without control characters" });
  } else if (comment !== comment.trim()) {
    problems.push({ property: "comment", reason: "the comment of a key cannot begin or end with a blank" });
  }
  return problems;
}

/** @throws SshError `input` with the first problem */
export function checkSpec(spec: KeySpec): void {
  const [problem] = keySpecProblems(spec);
  if (problem) throw new SshError("input", problem.reason, { property: problem.property });
}

/**
 * Generates a key pair in memory, off the main thread: an rsa key of 16384 bits takes minutes.
 * @throws SshError `input`
 */
export async function generate(spec: KeySpec = {}): Promise<KeyMaterial> {
  checkSpec(spec);
  const make = promisify(generateKeyPair);
  const { keyType = "ed25519", bits, comment = "" } = spec;
  if (keyType === "rsa") return encodeKey((await make("rsa", { modulusLength: bits ?? 4096 })).privateKey, comment);
  if (keyType === "ed25519") return encodeKey((await make("ed25519", {})).privateKey, comment);
  const curve = Object.values(CURVES).find((each) => each.bits === (bits ?? 256)) ?? CURVES.nistp256;
  return encodeKey((await make("ec", { namedCurve: curve.node })).privateKey, comment);
}
