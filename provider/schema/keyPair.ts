import { isDeepStrictEqual } from "node:util";
import { SshError } from "../ssh/error";
import { defineResource, type InputsOf, input, output, type StateOf, type Whole } from "./define";

export const keyPairSchema = defineResource(
  {
    type: "KeyPair",
    description:
      "An SSH key pair, generated or imported. It lives in the state of the stack and nowhere else: no disk, no service. " +
      "The private key is encrypted there. A change of what defines the key replaces it; a change of the comment updates it.",
    errors: [
      "A private key that cannot be read is refused, with what is wrong about it and without its text.",
      "`keyType` and `bits` that differ from an imported `privateKey` are refused.",
    ],
    import: "Give the private key as `privateKey`: no service holds it, so an id is not enough.",
    get: "Always fails: no service holds private keys. Give an existing one as `privateKey`.",
  },
  (z) => {
    const text = z.string({ error: "must be a text" });
    return {
      keyType: input(z.enum(["ed25519", "rsa", "ecdsa"], { error: 'must be "ed25519", "rsa" or "ecdsa"' }), {
        description: "Algorithm of the key.",
        default: "ed25519",
        forceNew: true,
        equals: isSameKind,
      }),
      bits: input(z.int({ error: "must be a whole number" }), {
        description: "Size of the key: rsa 2048–16384; ecdsa 256, 384 or 521.",
        unit: "bits",
        default: ({ inputs }) => DEFAULT_BITS[String(inputs.keyType)] ?? 256,
        defaultDescription: "4096 for rsa, 256 for ecdsa",
        forceNew: true,
        equals: isSameKind,
      }),
      comment: input(text, {
        description: "Comment at the end of the public line, often `user@host`.",
        default: "",
        defaultDescription: "none",
      }),
      privateKey: input(text, {
        description:
          "An existing private key in OpenSSH or PEM form, imported instead of generating one. Another key replaces the pair. " +
          "The output is the key in OpenSSH form, without a passphrase.",
        secret: true,
        forceNew: true,
        normalized: true,
        // The file holds the comment.
        changesWith: ["comment"],
        equals: isSameKey,
      }),
      passphrase: input(text, {
        description: "Passphrase of an encrypted `privateKey`.",
        secret: true,
        connectionOnly: true,
        output: "never",
      }),
      keepers: input(z.record(z.string(), text, { error: "must be a map of texts" }), {
        description: 'Arbitrary values; a change of one replaces the pair, for example `{ rotated: "2026-11" }`.',
        default: {},
        defaultDescription: "none",
        forceNew: true,
        output: "whenSet",
        equals: (declared, actual) => isDeepStrictEqual(declared, actual ?? {}),
      }),
      publicKey: output(z.string(), {
        description: "One OpenSSH line: algorithm, body, comment.",
        changesWith: ["comment"],
      }),
      fingerprintSha256: output(z.string(), { description: "Fingerprint, `SHA256:…` as `ssh-keygen -l` prints it." }),
      fingerprintMd5: output(z.string(), {
        description: "Fingerprint, `MD5:aa:bb:…`, as BorgBase's older listings show it.",
      }),
    };
  },
);

export type KeyPairInputs = InputsOf<typeof keyPairSchema>;
export type KeyPairState = StateOf<typeof keyPairSchema>;

const DEFAULT_BITS: Record<string, number> = { ed25519: 256, rsa: 4096, ecdsa: 256 };

/** Always true for an imported key: `check` has compared `keyType` and `bits` with it. */
function isSameKind(declared: unknown, actual: unknown, { inputs }: Whole): boolean {
  return (inputs as { privateKey?: string }).privateKey !== undefined || declared === actual;
}

/** The output is the key in one fixed form, so texts differ where keys do not. */
async function isSameKey(privateKey: string, _: unknown, { inputs, state }: Whole): Promise<boolean> {
  const { importPrivateKey } = await import("../ssh/keys/index.js");
  const { passphrase } = inputs as { passphrase?: unknown };
  try {
    const declared = importPrivateKey({ privateKey, ...(typeof passphrase === "string" && { passphrase }) });
    return declared.fingerprintSha256 === (state as { fingerprintSha256?: string }).fingerprintSha256;
  } catch (error) {
    // Encrypted, and the passphrase is not known yet.
    if (error instanceof SshError) return false;
    throw error;
  }
}
