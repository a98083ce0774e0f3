import { fingerprintSha256 } from "../keys/publicKey";
import { readStrings } from "../keys/wire";

/** The key that a host presented. */
export interface HostKey {
  /** SSH name of its type, for example `ssh-ed25519`. */
  type: string;
  /** `SHA256:…` */
  fingerprint: string;
  /** Key in base64, as in a `known_hosts` line. */
  blob: string;
}

/** Parses a host key in its binary form. Undefined when the bytes are damaged. */
export function describeHostKey(bytes: Buffer): HostKey | undefined {
  const type = readStrings(bytes)?.[0]?.toString("latin1");
  if (type === undefined || !/^[\x21-\x7e]{1,64}$/.test(type)) return undefined;
  return { type, fingerprint: fingerprintSha256(bytes), blob: bytes.toString("base64") };
}
