import { defineResource, type InputsOf, input, output, type StateOf } from "../define";
import { keyBody } from "../sshKey";
import { cleared, serverId } from "./fields";

export const keySchema = defineResource(
  {
    type: "borgui.Key",
    description:
      "A key pair of one's own that a Borg UI server logs in with, beside its system key. Take it from a `KeyPair`. " +
      "Borg UI cannot change a key: another one deletes the old key first, as names are unique.",
    errors: [
      "A private key with a passphrase is refused, as Borg UI cannot open it. So is a public key that is not its other half.",
      "A key that connections use is not deleted. The error names them.",
    ],
    import:
      "`existingId` adopts a key. No call returns its private half, so the program's must be that of `publicKey`. The plugin imports it by its id.",
    get: "Reads a key by Borg UI's id, without its private half. It is never changed or deleted.",
    listBy: "name",
  },
  (z) => {
    const text = z.string({ error: "must be a text" });
    return {
      name: input(text.trim().min(1, { error: "must not be empty" }), {
        description: "Name in Borg UI.",
        default: ({ context }) => context.name,
        defaultDescription: "the resource's own name at creation",
      }),
      description: input(text, { description: "Description in Borg UI.", ...cleared }),
      publicKey: input(text.trim().min(1, { error: "must not be empty" }), {
        description: "One OpenSSH line. A change of the comment alone is no change.",
        required: true,
        forceNew: true,
        equals: (declared, actual) => keyBody(declared) === keyBody(String(actual)),
      }),
      privateKey: input(text.min(1, { error: "must not be empty" }), {
        description: "Private half of `publicKey`, without a passphrase.",
        required: true,
        secret: true,
        // Another private half means another public one.
        connectionOnly: true,
        output: "never",
      }),
      existingId: input(serverId(z, "a key"), {
        documentedAs: z.string(),
        description: "Id of a key to adopt instead of adding one. Read at creation only.",
        adoptId: true,
        plain: true,
        output: "never",
      }),
      keyType: output(z.string(), {
        description: "Type of the key, as Borg UI holds it: `ed25519`, `rsa` or `ecdsa`.",
      }),
      fingerprintSha256: output(z.string(), { description: "Fingerprint, `SHA256:…` as `ssh-keygen -l` prints it." }),
    };
  },
);

export type KeyInputs = InputsOf<typeof keySchema>;
export type KeyState = StateOf<typeof keySchema> & { __server?: string };
