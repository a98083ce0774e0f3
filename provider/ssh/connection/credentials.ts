import { SshError } from "../error";
import { importPrivateKey, type KeyMaterial } from "../keys";
import type { Problem } from "./address";

/** Credentials of an account, tried in the order of the fields, each at most once. All are secret but `agent`. */
export interface Credentials {
  privateKey?: string | undefined;
  passphrase?: string | undefined;
  /** Whether to try the keys of the ssh-agent at SSH_AUTH_SOCK. */
  agent?: boolean | undefined;
  /** Password for both password and keyboard-interactive login. */
  password?: string | undefined;
}

/** Credentials with the private key parsed and decrypted. */
export interface ResolvedCredentials {
  key?: KeyMaterial | undefined;
  agent?: boolean | undefined;
  password?: string | undefined;
}

/** @throws SshError `input` for a private key that cannot be read, or a missing or wrong passphrase */
export function resolveCredentials({ privateKey, passphrase, agent, password }: Credentials): ResolvedCredentials {
  if (privateKey === undefined) return { agent, password };
  const key = importPrivateKey({ privateKey, ...(passphrase === undefined ? {} : { passphrase }) });
  return { key, agent, password };
}

/**
 * The problems of credentials, per argument: an unreadable key, a missing or wrong passphrase. Contacts nothing.
 * @param names the arguments' names, when they are not `privateKey` and `passphrase`
 */
export function credentialProblems(
  credentials: Credentials,
  names: { privateKey?: string; passphrase?: string } = {},
): Problem[] {
  try {
    resolveCredentials(credentials);
    return [];
  } catch (error) {
    if (!(error instanceof SshError)) throw error;
    const property =
      error.property === "passphrase" ? (names.passphrase ?? "passphrase") : (names.privateKey ?? "privateKey");
    return [{ property, reason: error.message }];
  }
}

/** Hints at invisible characters around a refused secret. */
export function whitespaceHints(name: string, secret: string | undefined): string[] {
  if (secret === undefined) return [];
  if (/[\r\n]$/.test(secret)) return [`the ${name} given ends with a line break`];
  if (/\s$/.test(secret)) return [`the ${name} given ends with a blank`];
  return /^\s/.test(secret) ? [`the ${name} given begins with a blank or a line break`] : [];
}

/**
 * The credentials to try on an account with a managed key, in the order of preference.
 * @param bootstrap credentials of the first login; without any, only the managed key is left
 * @param managedKey the deployed key
 * @param state `restricted`: the key cannot edit files, so bootstrap credentials replace it.
 *   `deployed`: the key comes before bootstrap credentials, which may have been withdrawn since
 */
export function credentialCandidates(
  bootstrap: Credentials,
  managedKey: Credentials,
  state: { restricted: boolean; deployed: boolean },
): Credentials[] {
  const hasBootstrap =
    bootstrap.password !== undefined || bootstrap.privateKey !== undefined || bootstrap.agent === true;
  if (!hasBootstrap) return [managedKey];
  if (state.restricted || managedKey.privateKey === undefined) return [bootstrap];
  return state.deployed ? [managedKey, bootstrap] : [bootstrap, managedKey];
}
