import { defineResource, type InputsOf, input, output, type StateOf } from "./define";

export const sshKeySchema = defineResource(
  {
    type: "SshKey",
    description:
      "A public key registered with BorgBase. BorgBase cannot edit keys: a new name or key body replaces the key. " +
      "The old key is deleted last, so that repositories never lose access. Creating needs a token that may add; deleting needs Full Access.",
    import:
      "`existingId` adopts a key. Its name and body must be the program's, as BorgBase cannot edit keys. With the plugin, " +
      "`pulumi import borgbase:index:SshKey NAME ID` writes the code too. `npx pulumi-borgbase discover` names all ids.",
    get: "Reads a registered key by BorgBase's id. It is never changed or deleted.",
    listBy: "name",
  },
  (z) => ({
    name: input(z.string({ error: "must be a text" }).min(1, { error: "must not be empty" }), {
      description: "Name in BorgBase's list of keys.",
      default: ({ context }) => context.name,
      defaultDescription: "the resource's own name at creation",
      forceNew: true,
    }),
    publicKey: input(
      z.string({ error: "must be one OpenSSH line" }).transform((line) => line.trim()),
      {
        description:
          "One OpenSSH line: algorithm, body, comment. A change of the comment alone is no change. The output lacks the comment.",
        required: true,
        forceNew: true,
        normalized: true,
        equals: (declared, actual) => keyBody(declared) === keyBody(String(actual)),
      },
    ),
    existingId: input(
      z.string({ error: "must be the id of an SSH key, as text" }).min(1, { error: "must not be empty" }),
      {
        description: "Id of a registered key to adopt instead of creating one. Read at creation only.",
        adoptId: true,
        plain: true,
        output: "never",
      },
    ),
    comment: output(z.string(), { description: "Comment of the line." }),
    keyType: output(z.string(), { description: "Algorithm as BorgBase names it, for example `ssh-ed25519`." }),
    bits: output(z.number(), { description: "Size of the key.", unit: "bits" }),
    fingerprintSha256: output(z.string(), { description: "Fingerprint, `SHA256:…` as `ssh-keygen -l` prints it." }),
    fingerprintMd5: output(z.string(), { description: "Fingerprint, `MD5:aa:bb:…`." }),
    addedAt: output(z.string().optional(), { description: "Time of registration, ISO 8601." }),
  }),
);

export type SshKeyInputs = InputsOf<typeof sshKeySchema>;

export type SshKeyState = StateOf<typeof sshKeySchema> & {
  /** User name of the account that owns the key, where the token may ask. */
  __account?: string;
};

/** Algorithm and base64 body: what identifies a key, whatever comment follows. */
export function keyBody(line: string): string {
  return line.trim().split(/\s+/).slice(0, 2).join(" ");
}
