import { SshError } from "../error";
import { importPrivateKey, type KeyMaterial, type PublicKey, parsePublicKey, sameKey } from "../keys";
import type { AuthorizedLine } from "./lines";

/** The wanted line of a key in `authorized_keys`, and its verification. */
export interface Deployment {
  /** One OpenSSH line. */
  publicKey: string;
  /** Result of `renderOptions`. Empty or unset: no restriction. */
  options?: string | undefined;
  /** Secret: enables a test login with the deployed key. Unset: no login is tried. */
  privateKey?: string | undefined;
  passphrase?: string | undefined;
  /** Called before any write when the key already has other options. Throws to refuse the change. */
  mayChange?: (present: readonly AuthorizedLine[], path: string) => void;
  /** OpenSSH line of the replaced key. It is removed after the verification of the new one. */
  replaces?: string | undefined;
}

/** A deployment with its keys parsed. */
export interface ResolvedDeployment {
  key: PublicKey;
  options: string;
  privateKey: KeyMaterial | undefined;
  replaced: PublicKey | undefined;
  mayChange: Deployment["mayChange"];
}

/** @throws SshError `input` for an unreadable key, or a private key that is not the other half of `publicKey` */
export function resolveDeployment(deployment: Deployment): ResolvedDeployment {
  const { publicKey, options = "", privateKey, passphrase, replaces, mayChange } = deployment;
  const key = parsePublicKey(publicKey);
  const replaced = replaces === undefined ? undefined : parsePublicKey(replaces);
  if (privateKey === undefined) return { key, options, privateKey, replaced, mayChange };
  const material = importPrivateKey({ privateKey, ...(passphrase === undefined ? {} : { passphrase }) });
  if (!sameKey(key, material)) {
    throw new SshError("input", "the private key is not the other half of publicKey", { property: "privateKey" });
  }
  return { key, options, privateKey: material, replaced, mayChange };
}
