import { isDeepStrictEqual } from "node:util";
import type { z } from "zod";
import type { Restriction } from "../ssh/authorizedKeys/restriction";
import { DEFAULT_AUTHORIZED_KEYS_PATH, DEFAULT_PORT, DEFAULT_TIMEOUT } from "../ssh/defaults";
import { plainPath } from "../ssh/files/paths";
import { defineResource, type InputsOf, input, output, type StateOf, type Whole, type Zod } from "./define";
import { hostFields, jumpHosts } from "./host";

export const sshConnectionSchema = defineResource(
  {
    type: "SshConnection",
    description:
      "A public key in the `authorized_keys` of an account on a host: deployed, proven by a login, watched, and removed again. " +
      "The host is verified before anything secret is sent; all other lines of the file stay byte for byte as they were.",
    errors: [
      "Without `hostKey` and `trustOnFirstUse` nothing is sent. The error shows the fingerprint that was seen and how to check it.",
      "A changed host key fails every operation, with both fingerprints, until a new `hostKey` accepts it.",
      "A deployed key that does not log in is removed again, and the error says what the host said.",
    ],
    import: "Declare it: a key that is there already stays untouched. An id names neither the key nor a way to log in.",
    get: "Always fails: an id names neither the key nor a way to log in. Declare it: a key that is there already stays untouched.",
  },
  (z) => {
    const text = z.string({ error: "must be a text" }).min(1, { error: "must not be empty" });
    const flag = z.boolean({ error: "must be true or false" });
    // An argument that is removed from the program leaves the state too.
    const clearable = {
      default: () => "" as never,
      defaultDescription: "none",
      output: "whenSet",
      equals: (declared: unknown, actual: unknown) => isDeepStrictEqual(declared, actual ?? ""),
    } as const;
    const jumps = jumpHosts(z);
    const flagOff = { default: false, output: "whenSet", equals: equalsOr(false) } as const;
    return {
      host: input(text, { ...hostFields.host, required: true, forceNew: true }),
      port: input(z.int({ error: "must be a whole number" }), {
        ...hostFields.port,
        default: DEFAULT_PORT,
        forceNew: true,
      }),
      username: input(z.string({ error: "must be a text" }), {
        ...hostFields.username,
        required: true,
        forceNew: true,
      }),
      publicKey: input(text.trim(), {
        description:
          "The OpenSSH line to authorise, also of a hardware token (`sk-…`), whose private half nothing can prove. " +
          "Another key is deployed and proven before the old one is removed.",
        required: true,
        equals: (declared, actual, { state }) =>
          declared === actual && (state as { status?: string }).status !== "missing",
      }),
      privateKey: input(text, {
        description:
          "Private half of `publicKey`. With it, every deployment is proven by a login as the key's user would log in.",
        secret: true,
        ...clearable,
      }),
      passphrase: input(text, { description: "Passphrase of an encrypted `privateKey`.", secret: true, ...clearable }),
      password: input(text, {
        description: "Password of the first login, also for keyboard-interactive. A change alone contacts nobody.",
        secret: true,
        ...clearable,
      }),
      bootstrapPrivateKey: input(text, {
        description: "Private key of the first login. A change alone contacts nobody.",
        secret: true,
        ...clearable,
      }),
      bootstrapPassphrase: input(text, {
        description: "Passphrase of an encrypted `bootstrapPrivateKey`.",
        secret: true,
        ...clearable,
      }),
      agent: input(flag, {
        description: "Whether the keys of the ssh-agent are tried at the first login.",
        ...flagOff,
      }),
      passwordEnv: input(
        z
          .string({ error: "must be the name of an environment variable" })
          .regex(/^[A-Za-z_]\w*$/, { error: "must be the name of an environment variable, not a password" }),
        {
          description: "Name of the environment variable that holds the password, which then enters no state.",
          ...clearable,
        },
      ),
      // A host key that the state has pinned stays pinned.
      hostKey: input(hostKeySchema(z), { ...hostFields.hostKey, ...clearable }),
      trustOnFirstUse: input(flag, {
        description: "Whether the first host key that is seen is pinned. It must match from then on.",
        ...flagOff,
      }),
      useSftpMode: input(flag, {
        description:
          "`true`: SFTP only (Hetzner). `false`: a shell only (Synology). Unset: SFTP, then a shell where the server has no SFTP.",
        ...clearable,
      }),
      authorizedKeysPath: input(text, {
        description:
          "Path of the file, relative to the folder where a login starts. `~/X` is `X`; " +
          "anything else that only sshd or a shell would expand (`%h`, `$HOME`, `*`) is an error.",
        default: DEFAULT_AUTHORIZED_KEYS_PATH,
        forceNew: true,
        output: "whenSet",
        equals: (declared, actual) => plainPath(declared) === plainPath(String(actual ?? DEFAULT_AUTHORIZED_KEYS_PATH)),
      }),
      restrict: input(restrictionSchema(z), {
        description:
          "What the key may do: only `borg serve`, or an option string of `authorized_keys`. Unset: everything; " +
          'a key that is there already with options of others is then refused. `{ options: "" }` takes such options away. ' +
          "The line is managed as a whole: options that others add are drift in any case.",
        managedDefault: UNRESTRICTED,
        output: "whenSet",
        equals: isSameRestriction,
      }),
      proxyJump: input(jumps.schema, {
        ...hostFields.proxyJump,
        description: `${hostFields.proxyJump.description} A change redeploys nothing.`,
        documentedAs: jumps.documentedAs,
        ...clearable,
      }),
      defaultPath: input(text, {
        description: "Folder that relative `borgServe` paths and `getStorage` start from.",
        ...clearable,
      }),
      sshPathPrefix: input(text, {
        description: "Prefix of absolute paths used over a shell, never over SFTP, for example `/volume1` on Synology.",
        ...clearable,
      }),
      keepOnDelete: input(flag, {
        description: "Whether deleting the resource leaves the key on the host.",
        ...flagOff,
        steersDeletion: "now",
      }),
      onUnreachable: input(z.enum(["fail", "forget"], { error: 'must be "fail" or "forget"' }), {
        description:
          "What a deletion does when the host cannot be reached: `fail`, or `forget` the key. Never applies to a changed host key.",
        default: "fail",
        steersDeletion: "now",
        output: "whenSet",
        equals: equalsOr("fail"),
      }),
      timeout: input(
        z
          .number({ error: "must be a number of seconds" })
          .min(1, { error: "must be at least 1 second" })
          .max(3600, { error: "must be at most 3600 seconds" }),
        {
          ...hostFields.timeout,
          default: DEFAULT_TIMEOUT,
          output: "whenSet",
          equals: equalsOr(DEFAULT_TIMEOUT),
        },
      ),
      status: output(z.enum(["connected", "deployed", "missing"]), {
        description:
          "`connected` only after a login with the deployed key, else `deployed`. `missing`: a refresh found the key gone.",
        changesWith: PROVEN_BY,
      }),
      access: output(z.enum(["shell", "restricted", "sftp"]).optional(), {
        description: "What that login may do. Unset where none was tried.",
        changesWith: PROVEN_BY,
      }),
      hostKeyFingerprint: output(z.string(), {
        description: "Host key that was verified, `SHA256:…`.",
        changesWith: ["hostKey"],
      }),
      hostKeyType: output(z.string(), {
        description: "Type of that host key, for example `ssh-ed25519`.",
        changesWith: ["hostKey"],
      }),
      knownHosts: output(z.string(), { description: "A line for a `known_hosts` file.", changesWith: ["hostKey"] }),
      fingerprintSha256: output(z.string(), {
        description: "Fingerprint of the deployed key, `SHA256:…`.",
        changesWith: ["publicKey"],
      }),
    };
  },
);

/** Arguments whose update proves the key by another login. */
const PROVEN_BY = ["publicKey", "privateKey", "passphrase", "restrict", "hostKey"];

export type SshConnectionInputs = InputsOf<typeof sshConnectionSchema>;
export type SshConnectionState = StateOf<typeof sshConnectionSchema>;

/** The value of a removed `restrict` in the inputs, which need some value there. */
export const UNRESTRICTED = {} as Restriction;

function equalsOr<T>(unset: T) {
  return (declared: T, actual: unknown) => declared === (actual ?? unset);
}

function hostKeySchema(z: Zod) {
  const text = z.string({ error: "must be a text" }).min(1, { error: "must not be empty" });
  return z.union([text, z.array(text).min(1)], {
    error: "must be a SHA256:… fingerprint, a known_hosts line, or a list of them",
  });
}

function restrictionSchema(z: Zod): z.ZodType<Restriction> {
  const error = "must be { borgServe: { path, appendOnly, storageQuota, program } } or { options }, not both";
  const borgServe = z
    .strictObject({
      path: z
        .string()
        .describe(
          "Folder that repositories may lie in. A relative one starts from `defaultPath`, or where a login starts.",
        ),
      appendOnly: z.boolean().optional().describe("Whether archives can only be added. Default: `false`."),
      storageQuota: z.number().optional().describe("Limit in MB (10^6 bytes), at least 10. Default: none."),
      program: z
        .string()
        .optional()
        .describe("The host's borg: a name such as `borg-1.4`, or an absolute path. Default: `borg`."),
    })
    .meta({ id: "BorgServe", description: "A key that may only run `borg serve`." });
  const options = z.string().describe('Option string of `authorized_keys`, for example `from="192.0.2.1"`.');
  return z
    .union([z.strictObject({ borgServe }), z.strictObject({ options })], { error })
    .meta({ id: "Restriction", description: "What a key may do. Exactly one of the two." }) as z.ZodType<Restriction>;
}

/** Whether two restrictions render equal options in `authorized_keys`. */
async function isSameRestriction(declared: Restriction, actual: unknown, { inputs, state }: Whole): Promise<boolean> {
  const { sameOptions } = await import("../ssh/authorizedKeys/options.js");
  return sameOptions(
    await optionsOf(declared, inputs as SshConnectionInputs),
    await optionsOf(actual as Restriction | undefined, state as SshConnectionInputs),
  );
}

/** The option string of a restriction, in front of the key. */
export async function optionsOf(
  restrict: Restriction | undefined,
  start: Pick<SshConnectionInputs, "defaultPath" | "sshPathPrefix">,
): Promise<string> {
  if (restrict?.borgServe === undefined) return restrict?.options ?? "";
  return (await import("../ssh/authorizedKeys/restriction.js")).renderOptions(restrict, start);
}
