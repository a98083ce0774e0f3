import { isDeepStrictEqual } from "node:util";
import { type Failure, ProviderError } from "../errors";
import { differences } from "../lifecycle";
import type { Fields, Resource } from "../resource";
import type { Access } from "../ssh/access";
import type { Credentials, Problem } from "../ssh/account";
import type { Deployed, ManagedAccount } from "../ssh/deploy";
import { SshError } from "../ssh/error";
import type { Restriction } from "../ssh/restriction";

/** The arguments of an `SshConnection`. */
export interface SshConnectionInputs {
  /** A name, an IPv4 or an IPv6 address. A change replaces. */
  host: string;
  /** Default 22. A change replaces. */
  port?: number;
  /** A change replaces. */
  username: string;
  /** The OpenSSH line to authorise. Another key is put and proven before the old one is taken off. */
  publicKey: string;
  /** Its private half: with it the connection is tested as its user would use it. Secret. */
  privateKey?: string;
  /** Opens `privateKey`. Secret. */
  passphrase?: string;
  /** How to get in the first time, also for keyboard-interactive login. Secret. */
  password?: string;
  /** How to get in the first time: a private key. Secret. */
  bootstrapPrivateKey?: string;
  /** Opens `bootstrapPrivateKey`. Secret. */
  bootstrapPassphrase?: string;
  /** How to get in the first time: the keys of the ssh-agent; default false. */
  agent?: boolean;
  /** Name of the environment variable that holds the password, which then enters no state. */
  passwordEnv?: string;
  /**
   * What the host must present: a `SHA256:…` fingerprint, a `known_hosts` line, or a list of them (a roll-over).
   * With neither this nor `trustOnFirstUse`, the error shows what the host presented.
   */
  hostKey?: string | string[];
  /** Pin the first host key that is seen; default false. It must match from then on. */
  trustOnFirstUse?: boolean;
  /** Left out: SFTP, then a shell where the server has no SFTP. True or false forces one of them. */
  useSftpMode?: boolean;
  /** Default `.ssh/authorized_keys`, from where a login starts. A change replaces. */
  authorizedKeysPath?: string;
  /** What the key may do: only `borg serve`, or a raw option string of `authorized_keys`; default: everything. */
  restrict?: Restriction;
  /** The folder that relative `borgServe` paths and `getStorage` start from. */
  defaultPath?: string;
  /** Put before absolute paths that are used over a shell, never over SFTP (`/volume1` on Synology). */
  sshPathPrefix?: string;
  /** Default false: deleting the resource takes exactly this key off the host. */
  keepOnDelete?: boolean;
  /** When deleting: `"fail"` (default), or `"forget"` a host that cannot be reached; never a changed host key. */
  onUnreachable?: "fail" | "forget";
  /** Seconds for one whole operation; default 30. */
  timeout?: number;
}

/** The outputs of an `SshConnection`. Its id is `username@host:port`. */
export interface SshConnectionState extends SshConnectionInputs {
  port: number;
  /** `"connected"` only after a login with the deployed key, else `"deployed"`; `"missing"` once a refresh found it gone. */
  status: "connected" | "deployed" | "missing";
  /** What that login may do. */
  access?: Access;
  /** `SHA256:…` */
  hostKeyFingerprint: string;
  hostKeyType: string;
  /** A line for a `known_hosts` file. */
  knownHosts: string;
  /** Of the deployed key, `SHA256:…`. */
  fingerprintSha256: string;
}

async function fields(): Promise<Fields<SshConnectionInputs>> {
  const { z } = await import("zod");
  const text = z.string({ error: "must be a text" }).min(1, { error: "must not be empty" });
  const yes = z.boolean({ error: "must be true or false" });
  // Removed from the program, it leaves the state too.
  const unset = { reset: () => "", same: (declared: string, actual: unknown) => declared === (actual ?? "") };
  const secret = { schema: text, secret: true, ...unset };
  return {
    host: { schema: text, required: true, replaces: true },
    port: { schema: z.int({ error: "must be a whole number" }), reset: () => 22, replaces: true },
    username: { schema: z.string({ error: "must be a text" }), required: true, replaces: true },
    publicKey: {
      schema: text.trim(),
      required: true,
      same: (declared, actual, { state }) => declared === actual && (state as SshConnectionState).status !== "missing",
    },
    privateKey: secret,
    passphrase: secret,
    password: secret,
    bootstrapPrivateKey: secret,
    bootstrapPassphrase: secret,
    agent: { schema: yes, reset: () => false, same: sameFlag },
    passwordEnv: {
      schema: z
        .string({ error: "must be the name of an environment variable" })
        .regex(/^[A-Za-z_]\w*$/, { error: "must be the name of an environment variable, not a password" }),
      ...unset,
    },
    hostKey: {
      schema: z.union([text, z.array(text).min(1)], {
        error: "must be a SHA256:… fingerprint, a known_hosts line, or a list of them",
      }),
    },
    trustOnFirstUse: { schema: yes, reset: () => false, same: sameFlag },
    useSftpMode: { schema: yes },
    authorizedKeysPath: { schema: text, reset: () => ".ssh/authorized_keys", replaces: true, same: samePath },
    restrict: { schema: await restrictSchema(), reset: () => NONE, same: sameRestriction },
    defaultPath: { schema: text, ...unset },
    sshPathPrefix: { schema: text, ...unset },
    keepOnDelete: { schema: yes, reset: () => false, same: sameFlag },
    onUnreachable: {
      schema: z.enum(["fail", "forget"], { error: 'must be "fail" or "forget"' }),
      reset: () => "fail",
      same: (declared, actual) => declared === (actual ?? "fail"),
    },
    timeout: {
      schema: z
        .number({ error: "must be a number of seconds" })
        .min(1, { error: "must be at least 1 second" })
        .max(3600, { error: "must be at most 3600 seconds" }),
      reset: () => 30,
      same: (declared, actual) => declared === (actual ?? 30),
    },
  };
}

async function restrictSchema() {
  const { z } = await import("zod");
  const error = "must be { borgServe: { path, appendOnly, storageQuota } } or { options }, not both";
  return z.union(
    [
      z.strictObject({
        borgServe: z.strictObject({
          path: z.string(),
          appendOnly: z.boolean().optional(),
          storageQuota: z.number().optional(),
        }),
      }),
      z.strictObject({ options: z.string() }),
    ],
    { error },
  ) as import("zod").ZodType<Restriction>;
}

/** What a removed `restrict` becomes in the inputs, where it has to be something. */
const NONE = {} as Restriction;

const sameFlag = (declared: boolean, actual: unknown) => declared === (actual ?? false);
const samePath = (declared: string, actual: unknown) => declared === (actual ?? ".ssh/authorized_keys");

type Whole = { inputs: object; state: object };

/** The same when sshd would do the same: it is the line in `authorized_keys` that counts. */
async function sameRestriction(declared: Restriction, actual: unknown, { inputs, state }: Whole): Promise<boolean> {
  const { sameOptions } = await import("../ssh/authorizedKeys.js");
  return sameOptions(
    await optionsOf(declared, inputs as SshConnectionInputs),
    await optionsOf(actual as Restriction | undefined, state as SshConnectionInputs),
  );
}

async function optionsOf(
  restrict: Restriction | undefined,
  start: Pick<SshConnectionInputs, "defaultPath" | "sshPathPrefix">,
): Promise<string> {
  if (restrict?.borgServe === undefined) return restrict?.options ?? "";
  return (await import("../ssh/restriction.js")).renderOptions(restrict, start);
}

/** What can be told of the arguments without any contact. */
async function rules(inputs: Partial<SshConnectionInputs>, unknown: ReadonlySet<string>): Promise<Failure[]> {
  const [
    { accountProblems, credentialProblems },
    { hostKeyProblem },
    { matches, parsePublicKey },
    { restrictionProblems },
  ] = await Promise.all([
    import("../ssh/account.js"),
    import("../ssh/hostKeys.js"),
    import("../ssh/keys.js"),
    import("../ssh/restriction.js"),
  ]);
  const { host, port = 22, username, publicKey, privateKey, passphrase, hostKey, restrict } = inputs;
  const problems: Problem[] = accountProblems({ host: host ?? "unknown", port, username: username ?? "unknown" });
  if (publicKey !== undefined) problems.push(...input("publicKey", () => parsePublicKey(publicKey)));
  if (host !== undefined && hostKey !== undefined) {
    const reason = hostKeyProblem(host, port, { hostKey });
    if (reason) problems.push({ property: "hostKey", reason });
  }
  if (restrict !== undefined) problems.push(...restrictionProblems(restrict, inputs.defaultPath).map(topLevel));
  // An encrypted key cannot be looked into before its passphrase is known.
  if (!unknown.has("bootstrapPassphrase")) {
    const bootstrap = { privateKey: inputs.bootstrapPrivateKey, passphrase: inputs.bootstrapPassphrase };
    problems.push(
      ...credentialProblems(bootstrap, { privateKey: "bootstrapPrivateKey", passphrase: "bootstrapPassphrase" }),
    );
  }
  if (!unknown.has("passphrase")) {
    const unusable = credentialProblems({ privateKey, passphrase });
    problems.push(...unusable);
    if (privateKey !== undefined && publicKey !== undefined && unusable.length === 0) {
      const pair = input("publicKey", () => {
        if (!matches(publicKey, { privateKey, ...(passphrase !== undefined && { passphrase }) })) {
          throw new SshError("input", "it is not the other half of publicKey", { property: "privateKey" });
        }
      });
      if (!problems.some(({ property }) => property === "publicKey")) problems.push(...pair);
    }
  }
  return problems;
}

function input(property: string, read: () => void): Problem[] {
  try {
    read();
    return [];
  } catch (error) {
    if (error instanceof SshError) return [{ property: error.property ?? property, reason: error.message }];
    throw error;
  }
}

/** Engines know top-level properties; the path within goes into the reason. */
function topLevel({ property, reason }: Problem): Problem {
  const [top = property, ...rest] = property.split(".");
  return { property: top, reason: rest.length ? `${rest.join(".")} ${reason}` : reason };
}

/** The account, its host's identity as the state has pinned it, and the ways in, the most promising first. */
function account(args: SshConnectionInputs, pinned: string | undefined, ways: Credentials[]): ManagedAccount {
  const hostKey = args.hostKey ?? pinned;
  return {
    host: args.host,
    port: args.port ?? 22,
    username: args.username,
    ...(hostKey !== undefined ? { hostKey } : { trustOnFirstUse: args.trustOnFirstUse ?? false }),
    credentials: ways.filter(({ privateKey, password, agent }) => privateKey ?? password ?? agent),
    ...(args.useSftpMode !== undefined && { useSftpMode: args.useSftpMode }),
    ...(args.sshPathPrefix !== undefined && { sshPathPrefix: args.sshPathPrefix }),
    ...(args.authorizedKeysPath !== undefined && { authorizedKeysPath: args.authorizedKeysPath }),
    ...(args.timeout !== undefined && { timeout: args.timeout }),
  };
}

/** The ways in that are given for the first time. */
function bootstrap(args: SshConnectionInputs): Credentials[] {
  return [
    { privateKey: args.bootstrapPrivateKey, passphrase: args.bootstrapPassphrase },
    { agent: args.agent || undefined },
    { password: args.password ?? (args.passwordEnv === undefined ? undefined : process.env[args.passwordEnv]) },
  ];
}

/** The deployed key as a way in; a restricted one gets nowhere near the file. */
function deployed(args: SshConnectionInputs): Credentials[] {
  return args.restrict ? [] : [{ privateKey: args.privateKey, passphrase: args.passphrase }];
}

/** What a contact with the host has told. */
type Found = Pick<
  SshConnectionState,
  "status" | "access" | "hostKeyFingerprint" | "hostKeyType" | "knownHosts" | "fingerprintSha256"
>;

function toState(inputs: SshConnectionInputs, found: Found): SshConnectionState {
  const { status, access, hostKeyFingerprint, hostKeyType, knownHosts, fingerprintSha256 } = found;
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
function given(inputs: SshConnectionInputs): SshConnectionInputs {
  const isGiven = (value: unknown) => value !== undefined && value !== "" && !isDeepStrictEqual(value, NONE);
  return Object.fromEntries(
    Object.entries(inputs).filter(([, value]) => isGiven(value)),
  ) as unknown as SshConnectionInputs;
}

async function foundBy({ status, access, hostKey, knownHosts }: Deployed, publicKey: string): Promise<Found> {
  const { parsePublicKey } = await import("../ssh/publicKey.js");
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
async function ensure(inputs: SshConnectionInputs, old: SshConnectionState | undefined): Promise<SshConnectionState> {
  const { deploy } = await import("../ssh/deploy.js");
  const ways = [...bootstrap(inputs), ...(old ? deployed(old) : []), ...deployed(inputs)];
  const result = await deploy(account(inputs, old?.knownHosts, ways), {
    publicKey: inputs.publicKey,
    options: await optionsOf(inputs.restrict, inputs),
    ...(inputs.privateKey !== undefined && { privateKey: inputs.privateKey }),
    ...(inputs.passphrase !== undefined && { passphrase: inputs.passphrase }),
    ...(old !== undefined && { replaces: old.publicKey }),
  });
  const state = toState(inputs, await foundBy(result, inputs.publicKey));
  putByThisRun.add(place(state));
  return state;
}

/** Keys that this process has put, by the place where they are, whatever name the host was reached by. */
const putByThisRun = new Set<string>();

function place(state: SshConnectionState): string {
  const path = state.authorizedKeysPath ?? ".ssh/authorized_keys";
  return JSON.stringify([state.hostKeyFingerprint, state.username, path, state.fingerprintSha256]);
}

/** A public key in the `authorized_keys` of an account on a host. */
export const sshConnection: Resource<SshConnectionInputs, SshConnectionState> = {
  type: "SshConnection",
  drifts: true,
  fields,
  rules,

  async create(inputs) {
    const state = await ensure(given(inputs), undefined);
    return { id: `${state.username}@${state.host}:${state.port}`, state };
  },

  async read(id, known) {
    if (known.publicKey === undefined) throw notReadable(id);
    const state = known as SshConnectionState;
    const { observe } = await import("../ssh/deploy.js");
    const { sameOptions } = await import("../ssh/authorizedKeys.js");
    const ways = [...deployed(state), ...bootstrap(state)];
    const { lines, hostKey } = await observe(account(state, state.knownHosts, ways), state.publicKey);
    const pinned = { hostKeyFingerprint: hostKey.fingerprint, hostKeyType: hostKey.type };
    if (lines.length === 0) return { ...state, ...pinned, status: "missing" };
    const wanted = await optionsOf(state.restrict, state);
    const other = lines.find((line) => !sameOptions(line.options, wanted));
    // A line without options beside one with them lets everything in: it is the one to show.
    if (!other) return { ...state, ...pinned, status: state.status === "missing" ? "deployed" : state.status };
    const { restrict: _, ...rest } = state;
    return { ...rest, ...pinned, ...(other.options && { restrict: { options: other.options } }) };
  },

  async update(_id, state, inputs) {
    const changed = await differences(await fields(), inputs, state);
    const needsContact = changed.some((name) => !KEPT_ONLY.has(name));
    return needsContact ? ensure(given(inputs), state) : toState(given(inputs), state);
  },

  async delete(_id, state, context) {
    if (state.keepOnDelete || putByThisRun.has(place(state))) return;
    const { remove } = await import("../ssh/deploy.js");
    const ways = [...deployed(state), ...bootstrap(state)];
    try {
      await remove(account(state, state.knownHosts, ways), state.publicKey);
    } catch (error) {
      if (state.onUnreachable !== "forget" || !isUnreachable(error)) throw error;
      context.log(
        `${state.host} cannot be reached, so the key ${state.fingerprintSha256} is forgotten and stays there`,
      );
    }
  },
};

/** Arguments that are kept for later and ask for no contact when they change. */
const KEPT_ONLY = new Set<string>([
  "password",
  "bootstrapPrivateKey",
  "bootstrapPassphrase",
  "agent",
  "passwordEnv",
  "useSftpMode",
  "keepOnDelete",
  "onUnreachable",
  "timeout",
] satisfies (keyof SshConnectionInputs)[]);

function isUnreachable(error: unknown): boolean {
  return error instanceof SshError && ["resolve", "connect", "timeout"].includes(error.kind);
}

function notReadable(id: string): ProviderError {
  return new ProviderError(
    "refused",
    `The connection ${id} cannot be read by its id, which tells neither the key nor the way in. Declare it: a key that is there already stays untouched.`,
  );
}
