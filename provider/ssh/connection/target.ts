import { isIP } from "node:net";
import { SshError } from "../error";
import { importPrivateKey } from "../keys";
import type { HostKeyPolicy } from "./hostKeys";

/** An account on a host. */
export interface Account {
  /** A name, an IPv4 or an IPv6 address (without brackets). */
  host: string;
  /** Default 22. */
  port?: number | undefined;
  username: string;
}

/** A way into an account; all are secret but `agent`. What is given is tried in this order, each at most once. */
export interface Credentials {
  privateKey?: string | undefined;
  passphrase?: string | undefined;
  /** The keys of the ssh-agent that SSH_AUTH_SOCK names. */
  agent?: boolean | undefined;
  /** For password and for keyboard-interactive login, whichever the server offers. */
  password?: string | undefined;
}

/** A host that a connection goes through: verified as strictly as its end. */
export interface Hop extends Account, Credentials {
  /** As for the host itself. Required: without it the connection fails, and shows what the hop presented. */
  hostKey?: string | readonly string[] | undefined;
}

/** An account, how to know its host, and how to get in. */
export interface Target extends Account, HostKeyPolicy {
  /** The ways in, the preferred one first. */
  credentials: readonly Credentials[];
  /** Hosts to go through, the nearest first. */
  proxyJump?: Hop | readonly Hop[] | undefined;
  /** Seconds for one whole operation; default 30. */
  timeout?: number | undefined;
}

export interface Problem {
  property: string;
  reason: string;
}

/** What is wrong with an account's address, per argument; empty when nothing is. Contacts nothing. */
export function accountProblems({ host, port = 22, username }: Account): Problem[] {
  const problems: Problem[] = [];
  if (/^\[.*\]$/.test(host)) problems.push({ property: "host", reason: "give an IPv6 address without brackets" });
  else if (isIP(host) === 0 && !/^(?=.{1,253}$)[A-Za-z0-9_]([A-Za-z0-9_.-]*)$/.test(host)) {
    problems.push({ property: "host", reason: "must be a host name or an IP address, and nothing else" });
  }
  if (!Number.isInteger(port) || port < 1 || port > 65535) {
    problems.push({ property: "port", reason: `must be a whole number from 1 to 65535, not ${port}` });
  }
  const bad = usernameProblem(username);
  if (bad) problems.push({ property: "username", reason: bad });
  return problems;
}

function usernameProblem(username: string): string | undefined {
  if (username === "") return "is empty";
  if (username.startsWith("-")) return "cannot begin with a dash";
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused
  if (/[\s\u0000-\u001f\u007f-\u009f]/.test(username)) return "cannot have blanks or control characters";
  return undefined;
}

/**
 * What is wrong with a way in, per argument: a key that cannot be read, a passphrase missing or wrong. Contacts nothing.
 * @param names the arguments' names where they are not `privateKey` and `passphrase`
 */
export function credentialProblems(
  credentials: Credentials,
  names: { privateKey?: string; passphrase?: string } = {},
): Problem[] {
  if (credentials.privateKey === undefined) return [];
  try {
    readKey(credentials);
    return [];
  } catch (error) {
    if (!(error instanceof SshError)) throw error;
    const property =
      error.property === "passphrase" ? (names.passphrase ?? "passphrase") : (names.privateKey ?? "privateKey");
    return [{ property, reason: error.message }];
  }
}

/** The private key of a way in without its passphrase; undefined when there is none. */
export function readKey({ privateKey, passphrase }: Credentials): string | undefined {
  if (privateKey === undefined) return undefined;
  return importPrivateKey({ privateKey, ...(passphrase === undefined ? {} : { passphrase }) }).privateKey;
}

/** What a person cannot see in a secret that is refused: it came with more than was meant. */
export function endsOddly(name: string, secret: string | undefined): string[] {
  if (secret === undefined) return [];
  if (/[\r\n]$/.test(secret)) return [`the ${name} given ends with a line break`];
  if (/\s$/.test(secret)) return [`the ${name} given ends with a blank`];
  return /^\s/.test(secret) ? [`the ${name} given begins with a blank or a line break`] : [];
}

/**
 * The ways into an account whose key is managed, the preferred one first.
 * @param bootstrap what was given to get in the first time; without any, the deployed key is the way
 * @param deployed the managed key
 * @param state `restricted`: the key may not edit files, so it is no way in beside another; `there`: it was deployed
 *   before, and is tried before the bootstrap, which may have been withdrawn since
 */
export function waysIn(
  bootstrap: Credentials,
  deployed: Credentials,
  state: { restricted: boolean; there: boolean },
): Credentials[] {
  const hasBootstrap =
    bootstrap.password !== undefined || bootstrap.privateKey !== undefined || bootstrap.agent === true;
  if (!hasBootstrap) return [deployed];
  if (state.restricted || deployed.privateKey === undefined) return [bootstrap];
  return state.there ? [deployed, bootstrap] : [bootstrap, deployed];
}

export function portOf({ port }: Account): number {
  return port ?? 22;
}
