import { defineResource, type InputsOf, input, output, type StateOf } from "../define";
import { cleared, serverId } from "./fields";

export const systemKeySchema = defineResource(
  {
    type: "borgui.SystemKey",
    description:
      "The SSH key of a Borg UI server, of which it has one. The server makes it, and its private half never leaves the server. " +
      "Deploy `publicKey` with `SshKey` or `SshConnection`. Another key type deletes the key first, so every connection needs the new one.",
    errors: [
      "A server that has a system key already is refused, with the id and the fingerprint of that key.",
      "A key that connections use is not deleted unless `forceDestroy` was true at the last deployment.",
    ],
    import: "`existingId` adopts the key that the server has. The plugin imports it by its id.",
    get: "Reads the server's key by its id. It is never changed or deleted.",
    listBy: "name",
  },
  (z) => {
    const text = z.string({ error: "must be a text" }).trim().min(1, { error: "must not be empty" });
    const path = z
      .string({ error: "must be a path" })
      .regex(/^\//, { error: "must be an absolute path at the server" });
    return {
      name: input(text, { description: "Name in Borg UI.", default: DEFAULT_SYSTEM_KEY_NAME }),
      description: input(z.string({ error: "must be a text" }), {
        description: "Description in Borg UI.",
        ...cleared,
        defaultDescription: "a text of the server's",
      }),
      keyType: input(z.enum(["ed25519", "rsa", "ecdsa"], { error: 'must be "ed25519", "rsa" or "ecdsa"' }), {
        description: "Type of the key that the server generates: rsa has 3072 bits, ecdsa is nistp256.",
        default: "ed25519",
        forceNew: true,
        // The type of an imported key is that of its file.
        equals: (declared, actual, { inputs }) =>
          (inputs as { privateKeyPath?: string }).privateKeyPath !== undefined || declared === actual,
      }),
      privateKeyPath: input(path, {
        description:
          "File on the server's own disk with a private key without a passphrase, imported instead of generating one. Read at creation only.",
        forceNew: true,
        output: "whenSet",
        equals: isSameOrAdopted,
      }),
      publicKeyPath: input(path, {
        description: "File on the server's own disk with the public half. Read at creation only.",
        defaultDescription: "`privateKeyPath` with `.pub`",
        forceNew: true,
        output: "whenSet",
        equals: isSameOrAdopted,
      }),
      forceDestroy: input(z.boolean({ error: "must be true or false" }), {
        description:
          "Whether a key that connections use may be deleted. Counts as of the last deployment: set it, run `pulumi up`, then destroy.",
        default: false,
        steersDeletion: "next",
        equals: (declared, actual) => declared === (actual ?? false),
      }),
      existingId: input(serverId(z, "a key"), {
        documentedAs: z.string(),
        description: "Id of the key to adopt instead of making one. Read at creation only.",
        adoptId: true,
        plain: true,
        output: "never",
      }),
      publicKey: output(z.string(), { description: "One OpenSSH line: algorithm, body, comment." }),
      fingerprintSha256: output(z.string(), { description: "Fingerprint, `SHA256:…` as `ssh-keygen -l` prints it." }),
    };
  },
);

/** The name that Borg UI itself gives the key. */
export const DEFAULT_SYSTEM_KEY_NAME = "System SSH Key";

export type SystemKeyInputs = InputsOf<typeof systemKeySchema>;
export type SystemKeyState = StateOf<typeof systemKeySchema> & { __server?: string };

/** The server does not tell where it read a key: the state of an adopted one has no path. */
function isSameOrAdopted(declared: string, actual: unknown): boolean {
  return actual === undefined || declared === actual;
}
