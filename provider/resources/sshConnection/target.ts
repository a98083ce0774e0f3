import { ProviderError } from "../../errors";
import type { SshConnectionInputs, SshConnectionState } from "../../schema/sshConnection";
import type { ManagedAccount } from "../../ssh/authorizedKeys/managedAccount";
import type { Credentials } from "../../ssh/connection/credentials";

/**
 * The account that a connection's arguments describe.
 * @param knownHosts the host key that the state has pinned, used without `hostKey`
 * @param candidates credentials in the order of preference; empty ones are left out
 */
export function accountOf(
  args: SshConnectionInputs,
  knownHosts: string | undefined,
  candidates: Credentials[],
): ManagedAccount {
  const { host, port, username, passwordEnv, trustOnFirstUse = false } = args;
  const { proxyJump, useSftpMode, sshPathPrefix, authorizedKeysPath, timeout } = args;
  const hostKey = args.hostKey ?? knownHosts;
  const credentials = candidates.filter(({ privateKey, password, agent }) => privateKey ?? password ?? agent);
  if (credentials.length === 0 && passwordEnv !== undefined) {
    throw new ProviderError(
      "input",
      `There is no way into ${username}@${host}: the environment variable ${passwordEnv} (passwordEnv) is not set.`,
    );
  }
  return {
    host,
    port,
    username,
    ...(hostKey !== undefined ? { hostKey } : { trustOnFirstUse }),
    credentials,
    proxyJump,
    useSftpMode,
    sshPathPrefix,
    authorizedKeysPath,
    timeout,
  };
}

/** The account of a deployed key: the state's pinned host key, and every credential that can edit the file. */
export async function deployedAccountOf(state: SshConnectionState): Promise<ManagedAccount> {
  const { credentialCandidates } = await import("../../ssh/connection/credentials.js");
  const candidates = credentialCandidates(bootstrapCredentials(state), managedKeyCredentials(state), {
    restricted: isRestricted(state),
    deployed: true,
  });
  return accountOf(state, state.knownHosts, candidates);
}

/** The credentials of the first login. */
export function bootstrapCredentials(args: SshConnectionInputs): Credentials {
  return {
    privateKey: args.bootstrapPrivateKey,
    passphrase: args.bootstrapPassphrase,
    agent: args.agent || undefined,
    password: args.password ?? (args.passwordEnv === undefined ? undefined : process.env[args.passwordEnv]),
  };
}

/** The managed key as credentials. */
export function managedKeyCredentials({ privateKey, passphrase }: SshConnectionInputs): Credentials {
  return { privateKey, passphrase };
}

/** Whether options limit the managed key. An empty option string lifts every limit. */
export function isRestricted({ restrict }: SshConnectionState): boolean {
  return restrict !== undefined && restrict.options !== "";
}

/** Whether the managed key is the only credential, and its options may forbid editing files. */
export function hasOnlyRestrictedKey({ credentials }: ManagedAccount, state: SshConnectionState): boolean {
  return isRestricted(state) && credentials.every(({ privateKey }) => privateKey === state.privateKey);
}
