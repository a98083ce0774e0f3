import { isDeepStrictEqual } from "node:util";
import { messageOf, ProviderError } from "../../errors";
import { differences } from "../../lifecycle/compare";
import type { Context, DeleteContext, Resource } from "../../lifecycle/resource";
import { DEFAULT_PORT } from "../../schema/host";
import {
  DEFAULT_PATH,
  optionsOf,
  type SshConnectionInputs,
  type SshConnectionState,
  sshConnectionSchema,
  UNRESTRICTED,
} from "../../schema/sshConnection";
import type { Deployed, ManagedAccount } from "../../ssh/authorizedKeys/deploy";
import type { Credentials } from "../../ssh/connection/target";
import { isUnreachable, SshError } from "../../ssh/error";
import { plainPath } from "../../ssh/files/paths";
import { rules } from "./rules";

/**
 * Target of a connection: account, pinned host key and credentials.
 * @param pinned host key of the state, where the program sets none
 * @param candidates credentials in the order of their use; empty ones are dropped
 */
function connectionTarget(
  args: SshConnectionInputs,
  pinned: string | undefined,
  candidates: Credentials[],
): ManagedAccount {
  const hostKey = args.hostKey ?? pinned;
  const credentials = candidates.filter(({ privateKey, password, agent }) => privateKey ?? password ?? agent);
  if (credentials.length === 0 && args.passwordEnv !== undefined) {
    throw new ProviderError(
      "input",
      `There is no way into ${args.username}@${args.host}: the environment variable ${args.passwordEnv} (passwordEnv) is not set.`,
    );
  }
  return {
    host: args.host,
    port: args.port ?? DEFAULT_PORT,
    username: args.username,
    ...(hostKey !== undefined ? { hostKey } : { trustOnFirstUse: args.trustOnFirstUse ?? false }),
    credentials,
    ...(args.proxyJump !== undefined && { proxyJump: args.proxyJump }),
    ...(args.useSftpMode !== undefined && { useSftpMode: args.useSftpMode }),
    ...(args.sshPathPrefix !== undefined && { sshPathPrefix: args.sshPathPrefix }),
    ...(args.authorizedKeysPath !== undefined && { authorizedKeysPath: args.authorizedKeysPath }),
    ...(args.timeout !== undefined && { timeout: args.timeout }),
  };
}

/** Credentials that exist before the first deployment. */
function bootstrapCredentials(args: SshConnectionInputs): Credentials {
  return {
    privateKey: args.bootstrapPrivateKey,
    passphrase: args.bootstrapPassphrase,
    agent: args.agent || undefined,
    password: args.password ?? (args.passwordEnv === undefined ? undefined : process.env[args.passwordEnv]),
  };
}

/** The managed key as credentials. */
function managedKeyCredentials({ privateKey, passphrase }: SshConnectionInputs): Credentials {
  return { privateKey, passphrase };
}

/** Credentials for the file of a deployed key. */
async function credentialsFor(state: SshConnectionState): Promise<Credentials[]> {
  const { waysIn } = await import("../../ssh/connection/target.js");
  return waysIn(bootstrapCredentials(state), managedKeyCredentials(state), {
    restricted: isRestricted(state),
    there: true,
  });
}

/** The outputs that a connection observes. */
type Observation = Pick<
  SshConnectionState,
  "status" | "access" | "hostKeyFingerprint" | "hostKeyType" | "knownHosts" | "fingerprintSha256"
>;

function toState(inputs: SshConnectionInputs, observation: Observation): SshConnectionState {
  const { status, access, hostKeyFingerprint, hostKeyType, knownHosts, fingerprintSha256 } = observation;
  return {
    ...inputs,
    port: inputs.port ?? DEFAULT_PORT,
    status,
    ...(access && { access }),
    hostKeyFingerprint,
    hostKeyType,
    knownHosts,
    fingerprintSha256,
  };
}

/** The arguments without the values that stand for a removed one. */
function withoutCleared(inputs: SshConnectionInputs): SshConnectionInputs {
  const isGiven = (value: unknown) => value !== undefined && value !== "" && !isDeepStrictEqual(value, UNRESTRICTED);
  return Object.fromEntries(
    Object.entries(inputs).filter(([, value]) => isGiven(value)),
  ) as unknown as SshConnectionInputs;
}

async function observationOf(
  { status, access, hostKey, knownHosts }: Deployed,
  publicKey: string,
): Promise<Observation> {
  const { parsePublicKey } = await import("../../ssh/keys/publicKey.js");
  return {
    status,
    ...(access && { access }),
    hostKeyFingerprint: hostKey.fingerprint,
    hostKeyType: hostKey.type,
    knownHosts,
    fingerprintSha256: parsePublicKey(publicKey).fingerprintSha256,
  };
}

/** Deploys the key as declared. A line that matches already stays untouched. @param old the previous state of an update */
async function reconcile(
  inputs: SshConnectionInputs,
  old: SshConnectionState | undefined,
  context: Context,
): Promise<SshConnectionState> {
  const { deploy } = await import("../../ssh/authorizedKeys/deploy.js");
  const options = await optionsOf(inputs.restrict, inputs);
  // The old key may be the only one with access. The new key works where someone else has deployed it.
  const candidates = [
    bootstrapCredentials(inputs),
    ...(old && !isRestricted(old) ? [managedKeyCredentials(old)] : []),
    managedKeyCredentials(inputs),
  ];
  const target = connectionTarget(inputs, old?.knownHosts, candidates);
  const result = await deploy(target, {
    publicKey: inputs.publicKey,
    options,
    ...(old?.publicKey !== inputs.publicKey && { mayChange: optionChangeGuard(inputs, options, context) }),
    ...(inputs.privateKey !== undefined && { privateKey: inputs.privateKey }),
    ...(inputs.passphrase !== undefined && { passphrase: inputs.passphrase }),
    ...(old !== undefined && { replaces: old.publicKey }),
  }).catch((error) => {
    throw old ? withRestrictionHint(error, target, old) : error;
  });
  const state = toState(inputs, await observationOf(result, inputs.publicKey));
  deployedThisRun.set(keyLocation(state), { state, wasThere: result.wasThere });
  return state;
}

/**
 * Guards options of the line that the provider did not write. Called before deploy changes them.
 * @throws `refused` without `restrict`
 */
function optionChangeGuard({ restrict, host, username }: SshConnectionInputs, options: string, { log }: Context) {
  let isReported = false;
  return (present: readonly { options: string }[], path: string) => {
    const foreign = present.map((line) => line.options).filter((each) => each !== options && each !== "");
    if (foreign.length === 0 || isReported) return;
    isReported = true;
    // An environment variable may contain a secret.
    const shown = foreign.join(" and ").replace(/(environment=")(?:\\"|[^"])*"/gi, '$1…"');
    const where = `The key stands in ${path} of ${username}@${host} already, with the options ${shown}`;
    if (restrict === undefined) {
      throw new ProviderError(
        "refused",
        `${where}, which a deployment would take away. Keep them with restrict: { options: "…" }, or set restrict: { options: "" } to let the key do everything.`,
      );
    }
    log(`${where}; they become ${options === "" ? "none" : options}, as restrict says`);
  };
}

/** Keys that this process has deployed, by location. */
const deployedThisRun = new Map<string, { state: SshConnectionState; wasThere: boolean }>();

/** Location of the line: account, file and key, as the arguments name them. */
function keyLocation({
  host,
  port,
  username,
  authorizedKeysPath = DEFAULT_PATH,
  fingerprintSha256,
}: SshConnectionState) {
  return JSON.stringify([host, port, username, plainPath(authorizedKeysPath), fingerprintSha256]);
}

/**
 * Targets whose file may be the old key's file under another name: a host with two names, or a file with two paths. This
 * run has deployed the same key there. A key that was new there requires the same host key for an alias.
 */
async function possibleAliases(old: SshConnectionState): Promise<ManagedAccount[]> {
  const deployments = [...deployedThisRun.values()].filter(
    ({ state, wasThere }) =>
      state.fingerprintSha256 === old.fingerprintSha256 &&
      (wasThere || state.hostKeyFingerprint === old.hostKeyFingerprint),
  );
  const rank = ({ state }: (typeof deployments)[number]) =>
    state.hostKeyFingerprint === old.hostKeyFingerprint ? 0 : 1;
  deployments.sort((a, b) => rank(a) - rank(b));
  return Promise.all(
    deployments.map(async ({ state }) => connectionTarget(state, state.knownHosts, await credentialsFor(state))),
  );
}

/** A public key in the `authorized_keys` of an account on a host. */
export const sshConnection: Resource<SshConnectionInputs, SshConnectionState> = {
  schema: sshConnectionSchema,
  drifts: true,
  rules,

  /** The location: a pending deletion may have the same id as the current entry. */
  objectKey(state) {
    return keyLocation(state);
  },

  async create(inputs, context) {
    const state = await reconcile(withoutCleared(inputs), undefined, context);
    return { id: `${state.username}@${state.host}:${state.port}`, state };
  },

  async read(id, props) {
    if (props.publicKey === undefined) throw notReadable(id);
    const state = props as SshConnectionState;
    const { observe } = await import("../../ssh/authorizedKeys/deploy.js");
    const { sameOptions } = await import("../../ssh/authorizedKeys/lines.js");
    const target = connectionTarget(state, state.knownHosts, await credentialsFor(state));
    if (hasOnlyRestrictedKey(target, state)) return readByLogin(target, state);
    const { lines, hostKey } = await observe(target, state.publicKey);
    const { formatKnownHosts } = await import("../../ssh/connection/hostKeys.js");
    const pinned = {
      hostKeyFingerprint: hostKey.fingerprint,
      hostKeyType: hostKey.type,
      knownHosts: formatKnownHosts(state.host, state.port, hostKey),
    };
    if (lines.length === 0) return { ...state, ...pinned, status: "missing" };
    const expected = await optionsOf(state.restrict, state);
    const other = lines.find((line) => !sameOptions(line.options, expected));
    // Of several lines, one without options grants everything: it is the one to show.
    if (!other) return { ...state, ...pinned, status: state.status === "missing" ? "deployed" : state.status };
    const { restrict: _, ...rest } = state;
    return { ...rest, ...pinned, ...(other.options && { restrict: { options: other.options } }) };
  },

  async update(_id, state, inputs, context) {
    const changed = await differences(await sshConnectionSchema.fields(), inputs, state);
    const needsContact = changed.some((name) => !STATE_ONLY_FIELDS.has(name));
    return needsContact ? reconcile(withoutCleared(inputs), state, context) : toState(withoutCleared(inputs), state);
  },

  async delete(_id, state, context, deletion) {
    if (state.keepOnDelete) return;
    const { remove } = await import("../../ssh/authorizedKeys/deploy.js");
    const target = connectionTarget(state, state.knownHosts, await credentialsFor(state));
    try {
      await remove(target, state.publicKey, await possibleAliases(state));
    } catch (error) {
      if (!isUnreachable(error)) throw withRestrictionHint(error, target, state);
      if (state.onUnreachable !== "forget") throw withForgetHint(error, deletion);
      context.log(
        `${state.host} cannot be reached, so the key ${state.fingerprintSha256} is forgotten and stays there`,
      );
    }
  },
};

/** Adds the step that ends the deletion. A pending deletion follows the program, and `pulumi destroy` runs none. */
function withForgetHint(error: unknown, { isDeclared }: DeleteContext): ProviderError {
  const where = isDeclared ? "and run `pulumi up`" : "for it in the program, and run `pulumi up` first";
  return new ProviderError(
    "host",
    `${messageOf(error)}. To give up the key there, set onUnreachable: "forget" ${where}.`,
    { cause: error },
  );
}

/** Whether the line restricts the key. Empty options do not. */
function isRestricted({ restrict }: SshConnectionState): boolean {
  return restrict !== undefined && restrict.options !== "";
}

/** Whether the managed key is the only credential and cannot edit files. */
function hasOnlyRestrictedKey({ credentials }: ManagedAccount, state: SshConnectionState): boolean {
  const { privateKey } = managedKeyCredentials(state);
  return isRestricted(state) && credentials.every((way) => way.privateKey === privateKey);
}

/** Explains the failed session of a restricted key: the host works as intended. */
function withRestrictionHint(error: unknown, target: ManagedAccount, state: SshConnectionState): unknown {
  if (!hasOnlyRestrictedKey(target, state) || !(error instanceof SshError) || error.kind !== "session") return error;
  return new ProviderError(
    "host",
    `${error.message}: the only way in is the key itself, which \`restrict\` keeps from it. Give password, bootstrapPrivateKey or agent, and run \`pulumi up\`; or keep the key there with keepOnDelete.`,
    { cause: error },
  );
}

/** Reads with a restricted key alone: a login shows only whether the key works. */
async function readByLogin(target: ManagedAccount, state: SshConnectionState): Promise<SshConnectionState> {
  const { testConnection } = await import("../../ssh/connection/testConnection.js");
  const result = await testConnection(target);
  if (result.status === "connected") return { ...state, status: "connected" };
  if (result.phase === "authentication") return { ...state, status: "missing" };
  throw new ProviderError("host", result.error ?? `${state.host} does not answer`);
}

/** Arguments that a change only stores: no connection is needed. */
const STATE_ONLY_FIELDS = new Set<string>([
  "password",
  "bootstrapPrivateKey",
  "bootstrapPassphrase",
  "agent",
  "passwordEnv",
  "proxyJump",
  "useSftpMode",
  "keepOnDelete",
  "onUnreachable",
  "timeout",
] satisfies (keyof SshConnectionInputs)[]);

function notReadable(id: string): ProviderError {
  return new ProviderError(
    "refused",
    `The connection ${id} cannot be read by its id, which tells neither the key nor the way in. Declare it: a key that is there already stays untouched.`,
  );
}
