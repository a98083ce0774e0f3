import { isDeepStrictEqual } from "node:util";
import { type Failure, ProviderError } from "../errors";
import { once } from "../once";
import type { Fields, Resource } from "../resource";
import { SshError } from "../ssh/error";
import type { KeyMaterial, KeyType } from "../ssh/keys";

/** The arguments of a `KeyPair`. */
export interface KeyPairInputs {
  /** `"ed25519"` (default), `"rsa"` or `"ecdsa"`. A change makes a new pair. */
  keyType?: KeyType;
  /** Size: rsa 2048–16384 (default 4096), ecdsa 256, 384 or 521 (default 256). A change makes a new pair. */
  bits?: number;
  /** Text at the end of the public line, often `user@host`; default none. Changed in place. */
  comment?: string;
  /** An existing private key in OpenSSH or PEM form, taken over instead of making one. Secret. Another key makes a new pair. */
  privateKey?: string;
  /** Opens an encrypted `privateKey`. Secret; not kept in the outputs. */
  passphrase?: string;
  /** Any texts: a change of one makes a new pair, for example `{ rotated: "2026-11" }`. */
  keepers?: Record<string, string>;
}

/** The outputs of a `KeyPair`. */
export interface KeyPairState {
  keyType: KeyType;
  bits: number;
  comment: string;
  keepers?: Record<string, string>;
  /** One OpenSSH line: algorithm, body, comment. */
  publicKey: string;
  /** OpenSSH's private key form, without a passphrase. Secret. */
  privateKey: string;
  /** `SHA256:…`, as `ssh-keygen -l` shows it. */
  fingerprintSha256: string;
  /** `MD5:aa:bb:…`, as BorgBase's older listings show it. */
  fingerprintMd5: string;
}

const DEFAULT_BITS: Record<string, number> = { ed25519: 256, rsa: 4096, ecdsa: 256 };

const fields = once(makeFields);

async function makeFields(): Promise<Fields<KeyPairInputs>> {
  const { z } = await import("../zod.js");
  const text = z.string({ error: "must be a text" });
  return {
    keyType: {
      schema: z.enum(["ed25519", "rsa", "ecdsa"], { error: 'must be "ed25519", "rsa" or "ecdsa"' }),
      reset: () => "ed25519",
      replaces: true,
      same: isSameKind,
    },
    bits: {
      schema: z.int({ error: "must be a whole number" }),
      reset: ({ inputs }) => DEFAULT_BITS[String(inputs.keyType)] ?? 256,
      replaces: true,
      same: isSameKind,
    },
    comment: { schema: text, reset: () => "" },
    privateKey: { schema: text, secret: true, replaces: true, same: isSameKey },
    passphrase: { schema: text, secret: true, transient: true },
    keepers: {
      schema: z.record(z.string(), text, { error: "must be a map of texts" }),
      reset: () => ({}),
      replaces: true,
      same: (declared, actual) => isDeepStrictEqual(declared, actual ?? {}),
    },
  };
}

/** A key that was brought along is what it is; what is said of it has been held against it before. */
function isSameKind(declared: unknown, actual: unknown, { inputs }: { inputs: KeyPairInputs }): boolean {
  return inputs.privateKey !== undefined || declared === actual;
}

/** The output is the key in one fixed form, so the texts differ: it is the key that counts. */
async function isSameKey(privateKey: string, _: unknown, whole: { inputs: KeyPairInputs; state: object }) {
  const { importPrivateKey } = await import("../ssh/keys.js");
  const { passphrase } = whole.inputs;
  try {
    const declared = importPrivateKey({ privateKey, ...(typeof passphrase === "string" && { passphrase }) });
    return declared.fingerprintSha256 === (whole.state as KeyPairState).fingerprintSha256;
  } catch (error) {
    // Encrypted, and the passphrase is not known yet.
    if (error instanceof SshError) return false;
    throw error;
  }
}

async function rules(inputs: Partial<KeyPairInputs>, unknown: ReadonlySet<string>): Promise<Failure[]> {
  const { importPrivateKey, keySpecProblems } = await import("../ssh/keys.js");
  if (inputs.privateKey === undefined) {
    if (unknown.has("privateKey")) return [];
    const { bits: _, ...others } = inputs;
    return keySpecProblems(unknown.has("keyType") ? others : inputs);
  }
  // An encrypted key cannot be looked into before its passphrase is known.
  if (unknown.has("passphrase")) return [];
  try {
    const { type, bits } = importPrivateKey({ ...inputs, privateKey: inputs.privateKey });
    return [
      ...(inputs.keyType === undefined || inputs.keyType === type
        ? []
        : [{ property: "keyType", reason: `the privateKey given is ${type}: leave keyType out, or say so` }]),
      ...(inputs.bits === undefined || inputs.bits === bits
        ? []
        : [{ property: "bits", reason: `the privateKey given has ${bits} bits: leave bits out, or say so` }]),
    ];
  } catch (error) {
    if (error instanceof SshError && error.kind === "input") {
      return [{ property: error.property ?? "privateKey", reason: error.message }];
    }
    throw error;
  }
}

async function make(inputs: KeyPairInputs): Promise<KeyMaterial> {
  const { generate, importPrivateKey } = await import("../ssh/keys.js");
  return inputs.privateKey === undefined
    ? generate(inputs)
    : importPrivateKey({ ...inputs, privateKey: inputs.privateKey });
}

function toState(key: KeyMaterial, inputs: KeyPairInputs): KeyPairState {
  return {
    keyType: key.type,
    bits: key.bits,
    comment: key.comment,
    ...(inputs.keepers && { keepers: inputs.keepers }),
    publicKey: key.publicKey,
    privateKey: key.privateKey,
    fingerprintSha256: key.fingerprintSha256,
    fingerprintMd5: key.fingerprintMd5,
  };
}

/** An SSH key pair that lives in the state alone. */
export const keyPair: Resource<KeyPairInputs, KeyPairState> = {
  type: "KeyPair",
  fields,
  rules,

  async create(inputs) {
    const key = await make(inputs);
    return { id: key.fingerprintSha256, state: toState(key, inputs) };
  },

  /** Nothing outside the state can change it; by its id alone a private key cannot be had. */
  async read(id, state) {
    if (state.privateKey !== undefined) return state as KeyPairState;
    throw new ProviderError(
      "refused",
      `The key pair ${id} cannot be read by its id: a private key is kept in the state of its stack and nowhere else. Give it as privateKey.`,
    );
  },

  async update(_id, state, inputs) {
    const { importPrivateKey } = await import("../ssh/keys.js");
    const key = importPrivateKey({ privateKey: state.privateKey, comment: inputs.comment ?? state.comment });
    return toState(key, { ...inputs, ...(state.keepers && { keepers: state.keepers }) });
  },

  async delete() {},
};
