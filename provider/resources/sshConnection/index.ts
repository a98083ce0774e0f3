import { isDeepStrictEqual } from "node:util";
import { ProviderError } from "../../errors";
import { differences } from "../../lifecycle/compare";
import type { Context, DeleteContext, Resource } from "../../lifecycle/resource";
import {
  optionsOf,
  type SshConnectionInputs,
  type SshConnectionState,
  sshConnectionSchema,
  UNRESTRICTED,
} from "../../schema/sshConnection";
import type { Deployed, KeyHolder } from "../../ssh/authorizedKeys/deploy";
import type { ManagedAccount } from "../../ssh/authorizedKeys/managedAccount";
import { sameOptions, withoutEnvironment } from "../../ssh/authorizedKeys/options";
import { DEFAULT_AUTHORIZED_KEYS_PATH, DEFAULT_PORT } from "../../ssh/defaults";
import { isUnreachable } from "../../ssh/error";
import { plainPath } from "../../ssh/files/paths";
import { withForgetHint, withKeepHint } from "../deletionHints";
import { withRestrictionHint } from "./hints";
import { rules } from "./rules";
import {
  accountOf,
  bootstrapCredentials,
  deployedAccountOf,
  hasOnlyRestrictedKey,
  isRestricted,
  managedKeyCredentials,
} from "./target";

/** The outputs that a contact with the host observes. */
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

/** The arguments without the values that mark removed ones. */
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

/**
 * Deploys the key as the program declares it. An up-to-date line stays untouched.
 * @param old the state before an update
 */
async function reconcile(
  inputs: SshConnectionInputs,
  old: SshConnectionState | undefined,
  context: Context,
): Promise<SshConnectionState> {
  const { deploy } = await import("../../ssh/authorizedKeys/deploy.js");
  const options = await optionsOf(inputs.restrict, inputs);
  // The old key may be the only credential that still works. The new one may have been deployed by another program.
  const candidates = [
    bootstrapCredentials(inputs),
    ...(old && !isRestricted(old) ? [managedKeyCredentials(old)] : []),
    managedKeyCredentials(inputs),
  ];
  const account = accountOf(inputs, old?.knownHosts, candidates);
  // Options in the state were deployed by the program, or shown as drift in the preview.
  const known = old?.publicKey === inputs.publicKey ? await optionsOf(old.restrict, old) : undefined;
  const result = await deploy(account, {
    publicKey: inputs.publicKey,
    options,
    mayChange: optionChangeGuard(inputs, options, known, context),
    ...(inputs.privateKey !== undefined && { privateKey: inputs.privateKey }),
    ...(inputs.passphrase !== undefined && { passphrase: inputs.passphrase }),
    ...(old !== undefined && { replaces: old.publicKey }),
  }).catch((error) => {
    throw old ? withRestrictionHint(error, account, old) : error;
  });
  const state = toState(inputs, await observationOf(result, inputs.publicKey));
  deployedThisRun.set(keyLocation(state), { state, wasThere: result.wasThere });
  return state;
}

/**
 * A guard against removing options of others: refuses without `restrict`, else logs the change.
 * @param known options of the line in the state; undefined for a key that is new there. A managed line is never refused
 */
function optionChangeGuard(
  { restrict, host, username }: SshConnectionInputs,
  options: string,
  known: string | undefined,
  { log }: Context,
) {
  const isExpected = (each: string) =>
    each === "" || [options, known].some((expected) => expected !== undefined && sameOptions(each, expected));
  let isReported = false;
  return (present: readonly { options: string }[], path: string) => {
    const foreign = present.map((line) => line.options).filter((each) => !isExpected(each));
    if (foreign.length === 0 || isReported) return;
    isReported = true;
    const shown = withoutEnvironment(foreign.join(" and "));
    const where = `The key stands in ${path} of ${username}@${host} already, with the options ${shown}`;
    if (known === undefined && restrict === undefined) {
      throw new ProviderError(
        "refused",
        `${where}, which a deployment would take away. Keep them with restrict: { options: "…" }, or set restrict: { options: "" } to let the key do everything.`,
      );
    }
    log(
      `${where}; they become ${options === "" ? "none" : options}, as ${restrict ? "restrict says" : "the line is managed as a whole"}`,
    );
  };
}

/** Deployments of this process, by their {@link keyLocation}. */
const deployedThisRun = new Map<string, { state: SshConnectionState; wasThere: boolean }>();

/** The place of a key: the line in the file of an account. */
function keyLocation({
  host,
  port,
  username,
  authorizedKeysPath = DEFAULT_AUTHORIZED_KEYS_PATH,
  fingerprintSha256,
}: SshConnectionState) {
  return JSON.stringify([host, port, username, plainPath(authorizedKeysPath), fingerprintSha256]);
}

/**
 * Accounts of the program with the same key that may share the file of `old`. One host can have two names, one file two
 * paths. A key that was new there can share the file only under the same host key; so can one that stays as it is.
 */
async function possibleAliases(old: SshConnectionState, { memory }: Context): Promise<KeyHolder[]> {
  const deployments = [...deployedThisRun.values()].filter(
    ({ state, wasThere }) =>
      state.fingerprintSha256 === old.fingerprintSha256 &&
      (wasThere || state.hostKeyFingerprint === old.hostKeyFingerprint),
  );
  const rank = ({ state }: (typeof deployments)[number]) =>
    state.hostKeyFingerprint === old.hostKeyFingerprint ? 0 : 1;
  deployments.sort((a, b) => rank(a) - rank(b));
  const kept = (memory?.keptStates(sshConnectionSchema.type) ?? []) as unknown as SshConnectionState[];
  const sharing = kept.filter(
    (state) => state.fingerprintSha256 === old.fingerprintSha256 && state.hostKeyFingerprint === old.hostKeyFingerprint,
  );
  const holder = async (state: SshConnectionState, isVerified: boolean) => ({
    account: await deployedAccountOf(state),
    isVerified,
  });
  return Promise.all([
    ...deployments.map(({ state }) => holder(state, true)),
    ...sharing.map((state) => holder(state, false)),
  ]);
}

/** A public key in the `authorized_keys` of an account on a host. */
export const sshConnection: Resource<SshConnectionInputs, SshConnectionState> = {
  schema: sshConnectionSchema,
  drifts: true,
  rules,

  /** The line in the file: a resource and its pending deletion may have the same id. */
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
    const account = await deployedAccountOf(state);
    if (hasOnlyRestrictedKey(account, state)) return readByLogin(account, state);
    const { lines, hostKey } = await observe(account, state.publicKey);
    const { formatKnownHosts } = await import("../../ssh/connection/knownHosts.js");
    const pinned = {
      hostKeyFingerprint: hostKey.fingerprint,
      hostKeyType: hostKey.type,
      knownHosts: formatKnownHosts(state.host, state.port, hostKey),
    };
    if (lines.length === 0) return { ...state, ...pinned, status: "missing" };
    const expected = await optionsOf(state.restrict, state);
    const other = lines.find((line) => !sameOptions(line.options, expected));
    // A second line without options lifts every restriction, so the line that differs is the one to show.
    if (!other) return { ...state, ...pinned, status: state.status === "missing" ? "deployed" : state.status };
    const { restrict: _, ...rest } = state;
    const options = withoutEnvironment(other.options);
    return { ...rest, ...pinned, ...(options && { restrict: { options } }) };
  },

  async update(_id, state, inputs, context) {
    const changed = await differences(await sshConnectionSchema.fields(), inputs, state);
    const needsContact = changed.some((name) => !STATE_ONLY_FIELDS.has(name));
    return needsContact ? reconcile(withoutCleared(inputs), state, context) : toState(withoutCleared(inputs), state);
  },

  async delete(_id, state, context, deletion) {
    if (state.keepOnDelete || (await keepsLine(state, deletion))) return;
    const { remove } = await import("../../ssh/authorizedKeys/deploy.js");
    const account = await deployedAccountOf(state);
    try {
      await remove(account, state.publicKey, await possibleAliases(state, context));
    } catch (error) {
      if (!isUnreachable(error)) throw withKeepHint(withRestrictionHint(error, account, state), "the key", deletion);
      if (state.onUnreachable !== "forget") throw withForgetHint(error, "the key", deletion);
      context.log(
        `${state.host} cannot be reached, so the key ${state.fingerprintSha256} is forgotten and stays there`,
      );
    }
  },
};

/**
 * Whether the resource is created again with the very same line, after this deletion (`deleteBeforeReplace`). The key may
 * be the only way in, so its line stays for the create to find.
 */
async function keepsLine(state: SshConnectionState, { successor }: DeleteContext): Promise<boolean> {
  const { publicKey, port = DEFAULT_PORT, ...declared } = (successor ?? {}) as Partial<SshConnectionInputs>;
  if (typeof publicKey !== "string" || typeof declared.authorizedKeysPath === "symbol") return false;
  const { parsePublicKey } = await import("../../ssh/keys/publicKey.js");
  const { fingerprintSha256 } = parsePublicKey(publicKey);
  return keyLocation({ ...declared, port, fingerprintSha256 } as SshConnectionState) === keyLocation(state);
}

/** Reads the state by a login: a restricted key alone cannot read the file. */
async function readByLogin(account: ManagedAccount, state: SshConnectionState): Promise<SshConnectionState> {
  const { testConnection } = await import("../../ssh/connection/testConnection.js");
  const result = await testConnection(account);
  if (result.status === "connected") return { ...state, status: "connected" };
  if (result.phase === "authentication") return { ...state, status: "missing" };
  throw new ProviderError("host", result.error ?? `${state.host} does not answer`);
}

/** Arguments that are only stored: their change contacts no host. */
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
