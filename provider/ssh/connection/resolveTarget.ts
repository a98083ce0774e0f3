import { DEFAULT_PORT, DEFAULT_TIMEOUT } from "../defaults";
import { SshError } from "../error";
import { type Address, addressProblems, hostAndPort } from "./address";
import { type Credentials, type ResolvedCredentials, resolveCredentials } from "./credentials";
import { type HostKeyPolicy, type ResolvedHostKeys, resolveHostKeys } from "./hostKeys";
import { hopName, hopPath, hopsOf, NO_CREDENTIALS } from "./jumps";
import type { Hop, Target } from "./target";

/** One host to log in to: every default filled, every text parsed. */
export interface Endpoint extends Address {
  port: number;
  /** `host` or `host:port`, for messages. */
  address: string;
  hostKeys: ResolvedHostKeys;
  /** Credentials in the order of preference. */
  credentials: readonly ResolvedCredentials[];
}

/** A jump host and its name for messages: the argument's path in the program, and the address. */
export interface ResolvedHop extends Endpoint {
  name: string;
}

/** A target ready to connect to. Parsed once per operation, and passed down from there. */
export interface ResolvedTarget extends Endpoint {
  /** Jump hosts, from the first to the last. */
  hops: readonly ResolvedHop[];
  /** Limit of one whole operation in seconds. */
  timeout: number;
}

/**
 * Fills the defaults of a target, and parses its host keys and credentials. Contacts nothing.
 * @throws SshError `input` with the first argument that cannot be used
 */
export function resolveTarget(target: Target): ResolvedTarget {
  const endpoint = resolveAccount(target);
  const hops = hopsOf(target.proxyJump).map((hop, index) => resolveHop(target.proxyJump, hop, index));
  const hostKeys = resolveHostKeys(endpoint.host, endpoint.port, target);
  return { ...endpoint, hostKeys, hops, timeout: target.timeout ?? DEFAULT_TIMEOUT };
}

function resolveAccount(account: Address & { credentials: readonly Credentials[] }): Omit<Endpoint, "hostKeys"> {
  const { host, port = DEFAULT_PORT, username } = account;
  const [problem] = addressProblems(account);
  if (problem) throw inputError(problem.property, `${problem.property}: ${problem.reason}`);
  const credentials = account.credentials.map((each) => {
    try {
      return resolveCredentials(each);
    } catch (error) {
      if (!(error instanceof SshError) || error.property === undefined) throw error;
      throw inputError(error.property, `${error.property}: ${error.message}`);
    }
  });
  return { host, port, username, address: hostAndPort(host, port), credentials };
}

/** Errors name the jump host by its place in the program, and hold none of its values. */
function resolveHop(proxyJump: Target["proxyJump"], hop: Hop, index: number): ResolvedHop {
  const { hostKey, privateKey, passphrase, agent, password } = hop;
  const path = hopPath(proxyJump, index);
  if (!privateKey && !password && !agent) throw inputError("proxyJump", `${path} ${NO_CREDENTIALS}`);
  const credentials: Credentials[] = [{ privateKey, passphrase }, { agent: agent || undefined }, { password }];
  const policy: HostKeyPolicy = hostKey === undefined ? {} : { hostKey };
  try {
    const account = resolveAccount({ ...hop, credentials });
    const hostKeys = resolveHostKeys(account.host, account.port, policy);
    return { ...account, hostKeys, name: hopName(proxyJump, index) };
  } catch (error) {
    if (!(error instanceof SshError)) throw error;
    const { property = "" } = error;
    throw inputError("proxyJump", `${path}.${property} ${error.message.replace(`${property}: `, "")}`);
  }
}

function inputError(property: string, message: string): SshError {
  return new SshError("input", message, { property });
}
