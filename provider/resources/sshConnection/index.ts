import { isDeepStrictEqual } from "node:util";
import { messageOf, ProviderError } from "../../errors";
import { differences } from "../../lifecycle/compare";
import type { Context, DeleteContext, Resource } from "../../lifecycle/resource";
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

/** The account, its host's identity as the state has pinned it, and the ways in, the most promising first. */
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
    port: args.port ?? 22,
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

/** The way in that is given for the first time. */
function bootstrapCredentials(args: SshConnectionInputs): Credentials {
  return {
    privateKey: args.bootstrapPrivateKey,
    passphrase: args.bootstrapPassphrase,
    agent: args.agent || undefined,
    password: args.password ?? (args.passwordEnv === undefined ? undefined : process.env[args.passwordEnv]),
  };
}

/** The managed key as a way in. */
function managedKeyCredentials({ privateKey, passphrase }: SshConnectionInputs): Credentials {
  return { privateKey, passphrase };
}

/** The ways to the file once the key is deployed. */
async function credentialsFor(state: SshConnectionState): Promise<Credentials[]> {
  const { waysIn } = await import("../../ssh/connection/target.js");
  return waysIn(bootstrapCredentials(state), managedKeyCredentials(state), {
    restricted: isRestricted(state),
    there: true,
  });
}

/** What a contact with the host has told. */
type Observation = Pick<
  SshConnectionState,
  "status" | "access" | "hostKeyFingerprint" | "hostKeyType" | "knownHosts" | "fingerprintSha256"
>;

function toState(inputs: SshConnectionInputs, observation: Observation): SshConnectionState {
  const { status, access, hostKeyFingerprint, hostKeyType, knownHosts, fingerprintSha256 } = observation;
  return {
    ...inputs,
    port: inputs.port ?? 22,
    status,
    ...(access && { access }),
    hostKeyFingerprint,
    hostKeyType,
    knownHosts,
    fingerprintSha256,
  };
}

/** The arguments without those that stand for "removed". */
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

/** Puts the key as the program says; what is there already stays untouched. `old` is the state before, where there is one. */
async function reconcile(
  inputs: SshConnectionInputs,
  old: SshConnectionState | undefined,
  context: Context,
): Promise<SshConnectionState> {
  const { deploy } = await import("../../ssh/authorizedKeys/deploy.js");
  const options = await optionsOf(inputs.restrict, inputs);
  // The old key may be the only way in that still works; the new one is there already where somebody else put it.
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

/** What is asked before options go that a key has had from others. */
function optionChangeGuard({ restrict, host, username }: SshConnectionInputs, options: string, { log }: Context) {
  let said = false;
  return (present: readonly { options: string }[], path: string) => {
    const theirs = present.map((line) => line.options).filter((each) => each !== options && each !== "");
    if (theirs.length === 0 || said) return;
    said = true;
    // The value of an environment variable may be a secret.
    const shown = theirs.join(" and ").replace(/(environment=")(?:\\"|[^"])*"/gi, '$1…"');
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

/** Keys that this process has put, by where it put them. */
const deployedThisRun = new Map<string, { state: SshConnectionState; wasThere: boolean }>();

/** The line in the file, as its account is named. */
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
 * The accounts whose file may be the one that a key is to be taken off, although this process has put the key there:
 * one host under two names, or one file under two paths. Where the key was not there before, only the same host key
 * leaves that open.
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

  /** The line in the file: an entry that waits for its deletion may have the id of the one that stands. */
  objectKey(state) {
    return keyLocation(state);
  },

  async create(inputs, context) {
    const state = await reconcile(withoutCleared(inputs), undefined, context);
    return { id: `${state.username}@${state.host}:${state.port}`, state };
  },

  async read(id, known) {
    if (known.publicKey === undefined) throw notReadable(id);
    const state = known as SshConnectionState;
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
    const wanted = await optionsOf(state.restrict, state);
    const other = lines.find((line) => !sameOptions(line.options, wanted));
    // A line without options beside one with them lets everything in: it is the one to show.
    if (!other) return { ...state, ...pinned, status: state.status === "missing" ? "deployed" : state.status };
    const { restrict: _, ...rest } = state;
    return { ...rest, ...pinned, ...(other.options && { restrict: { options: other.options } }) };
  },

  async update(_id, state, inputs, context) {
    const changed = await differences(await sshConnectionSchema.fields(), inputs, state);
    const needsContact = changed.some((name) => !STATE_ONLY_FIELDS.has(name));
    return needsContact ? reconcile(withoutCleared(inputs), state, context) : toState(withoutCleared(inputs), state);
  },

  async delete(_id, state, context, circumstances) {
    if (state.keepOnDelete) return;
    const { remove } = await import("../../ssh/authorizedKeys/deploy.js");
    const target = connectionTarget(state, state.knownHosts, await credentialsFor(state));
    try {
      await remove(target, state.publicKey, await possibleAliases(state));
    } catch (error) {
      if (!isUnreachable(error)) throw withRestrictionHint(error, target, state);
      if (state.onUnreachable !== "forget") throw withForgetHint(error, circumstances);
      context.log(
        `${state.host} cannot be reached, so the key ${state.fingerprintSha256} is forgotten and stays there`,
      );
    }
  },
};

/** With the step that ends it: what waits for its deletion listens to the program, and at `pulumi destroy` none runs. */
function withForgetHint(error: unknown, { isDeclared }: DeleteContext): ProviderError {
  const where = isDeclared ? "and run `pulumi up`" : "for it in the program, and run `pulumi up` first";
  return new ProviderError(
    "host",
    `${messageOf(error)}. To give up the key there, set onUnreachable: "forget" ${where}.`,
    { cause: error },
  );
}

/** Whether the line of the key limits it; a program may say that it does not. */
function isRestricted({ restrict }: SshConnectionState): boolean {
  return restrict !== undefined && restrict.options !== "";
}

/** Whether the managed key is the only way in, and may do less than edit files. */
function hasOnlyRestrictedKey({ credentials }: ManagedAccount, state: SshConnectionState): boolean {
  const { privateKey } = managedKeyCredentials(state);
  return isRestricted(state) && credentials.every((way) => way.privateKey === privateKey);
}

/** A host that lets a restricted key do no more than it may is not to blame. */
function withRestrictionHint(error: unknown, target: ManagedAccount, state: SshConnectionState): unknown {
  if (!hasOnlyRestrictedKey(target, state) || !(error instanceof SshError) || error.kind !== "session") return error;
  return new ProviderError(
    "host",
    `${error.message}: the only way in is the key itself, which \`restrict\` keeps from it. Give password, bootstrapPrivateKey or agent, and run \`pulumi up\`; or keep the key there with keepOnDelete.`,
    { cause: error },
  );
}

/** With a restricted key and nothing else, all that can be told is whether it still lets in. */
async function readByLogin(target: ManagedAccount, state: SshConnectionState): Promise<SshConnectionState> {
  const { testConnection } = await import("../../ssh/connection/testConnection.js");
  const result = await testConnection(target);
  if (result.status === "connected") return { ...state, status: "connected" };
  if (result.phase === "authentication") return { ...state, status: "missing" };
  throw new ProviderError("host", result.error ?? `${state.host} does not answer`);
}

/** Arguments that are kept for later and ask for no contact when they change. */
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
