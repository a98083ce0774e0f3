import { isDeepStrictEqual } from "node:util";
import type { Failure } from "../../errors";
import { once } from "../../once";
import type { Fields } from "../../resource";
import type { Access } from "../../ssh/access";
import type { Problem } from "../../ssh/account";
import { SshError } from "../../ssh/error";
import type { Restriction } from "../../ssh/restriction";

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
  /**
   * What the key may do: only `borg serve`, or a raw option string of `authorized_keys`; default: everything. The line
   * in the file is managed as a whole: options that others add to it are drift in any case.
   */
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

export const fields = once(makeFields);

async function makeFields(): Promise<Fields<SshConnectionInputs>> {
  const { z } = await import("../../zod.js");
  const text = z.string({ error: "must be a text" }).min(1, { error: "must not be empty" });
  const yes = z.boolean({ error: "must be true or false" });
  // Removed from the program, it leaves the state too.
  const unset = {
    reset: () => "" as never,
    same: (declared: unknown, actual: unknown) => isDeepStrictEqual(declared, actual ?? ""),
  };
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
      // What the state has pinned stays pinned.
      ...unset,
    },
    trustOnFirstUse: { schema: yes, reset: () => false, same: sameFlag },
    useSftpMode: { schema: yes, ...unset },
    authorizedKeysPath: { schema: text, reset: () => ".ssh/authorized_keys", replaces: true, same: samePath },
    restrict: { schema: await restrictSchema(), always: NONE, same: sameRestriction },
    defaultPath: { schema: text, ...unset },
    sshPathPrefix: { schema: text, ...unset },
    keepOnDelete: { schema: yes, reset: () => false, same: sameFlag, steersDeletion: "now" },
    onUnreachable: {
      schema: z.enum(["fail", "forget"], { error: 'must be "fail" or "forget"' }),
      reset: () => "fail",
      steersDeletion: "now",
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
  const { z } = await import("../../zod.js");
  const error = "must be { borgServe: { path, appendOnly, storageQuota, program } } or { options }, not both";
  return z.union(
    [
      z.strictObject({
        borgServe: z.strictObject({
          path: z.string(),
          appendOnly: z.boolean().optional(),
          storageQuota: z.number().optional(),
          program: z.string().optional(),
        }),
      }),
      z.strictObject({ options: z.string() }),
    ],
    { error },
  ) as import("zod").ZodType<Restriction>;
}

/** What a removed `restrict` becomes in the inputs, where it has to be something. */
export const NONE = {} as Restriction;

const sameFlag = (declared: boolean, actual: unknown) => declared === (actual ?? false);
const samePath = (declared: string, actual: unknown) => declared === (actual ?? ".ssh/authorized_keys");

type Whole = { inputs: object; state: object };

/** The same when sshd would do the same: it is the line in `authorized_keys` that counts. */
async function sameRestriction(declared: Restriction, actual: unknown, { inputs, state }: Whole): Promise<boolean> {
  const { sameOptions } = await import("../../ssh/authorizedKeys.js");
  return sameOptions(
    await optionsOf(declared, inputs as SshConnectionInputs),
    await optionsOf(actual as Restriction | undefined, state as SshConnectionInputs),
  );
}

export async function optionsOf(
  restrict: Restriction | undefined,
  start: Pick<SshConnectionInputs, "defaultPath" | "sshPathPrefix">,
): Promise<string> {
  if (restrict?.borgServe === undefined) return restrict?.options ?? "";
  return (await import("../../ssh/restriction.js")).renderOptions(restrict, start);
}

/** What can be told of the arguments without any contact. */
export async function rules(inputs: Partial<SshConnectionInputs>, unknown: ReadonlySet<string>): Promise<Failure[]> {
  const [
    { accountProblems, credentialProblems },
    { hostKeyProblem },
    { matches, parsePublicKey },
    { restrictionProblems },
  ] = await Promise.all([
    import("../../ssh/account.js"),
    import("../../ssh/hostKeys.js"),
    import("../../ssh/keys.js"),
    import("../../ssh/restriction.js"),
  ]);
  const { host, port = 22, username, publicKey, privateKey, passphrase, hostKey, restrict } = inputs;
  const problems: Problem[] = accountProblems({ host: host ?? "unknown", port, username: username ?? "unknown" });
  if (publicKey !== undefined) {
    // The engine prints the value of a property that it is told of, and this one may be the wrong half of a pair.
    const [problem] = input("publicKey", () => parsePublicKey(publicKey));
    const isSecret = /PRIVATE KEY/.test(publicKey);
    if (problem) problems.push(isSecret ? { property: "", reason: `publicKey: ${problem.reason}` } : problem);
  }
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
