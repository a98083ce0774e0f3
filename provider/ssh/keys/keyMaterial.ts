import { createHash, type JsonWebKey, type KeyObject } from "node:crypto";
import { OPENSSH_MAGIC } from "./openSshKey";
import { unusable } from "./privateKeyText";
import { CURVES, describePublicKey, formatPublicKey, type KeyType, type PublicKey } from "./publicKey";
import { mpint, sshString } from "./wire";

/** Both halves of a key. */
export interface KeyMaterial extends PublicKey {
  type: KeyType;
  /** The OpenSSH line, without a newline. */
  publicKey: string;
  /**
   * Secret: OpenSSH's private key form without passphrase, ending with a newline.
   * Deterministic: the same key and comment always give the same text.
   */
  privateKey: string;
}

/** Both halves of `key` in OpenSSH's forms (PROTOCOL.key, PROTOCOL.agent). */
export function encodeKey(key: KeyObject, comment: string): KeyMaterial {
  const { publicBlob, privateFields } = sshFields(key);
  const description = describePublicKey(publicBlob, undefined, comment);
  const content = Buffer.concat([privateFields, sshString(comment)]);
  // Two equal check numbers confirm a passphrase. Without a passphrase their value is free.
  const check = createHash("sha256").update(content).digest().subarray(0, 4);
  const secret = Buffer.concat([check, check, content]);
  const padding = Buffer.from(Array.from({ length: (8 - (secret.length % 8)) % 8 }, (_, index) => index + 1));
  const file = Buffer.concat([
    OPENSSH_MAGIC,
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
