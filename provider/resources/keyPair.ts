import { type Failure, ProviderError } from "../errors";
import type { Resource } from "../lifecycle/resource";
import { type KeyPairInputs, type KeyPairState, keyPairSchema } from "../schema/keyPair";
import type { KeyMaterial } from "../ssh/keys";
import { failuresOf } from "../ssh/toProviderError";

async function rules(inputs: Partial<KeyPairInputs>, unknown: ReadonlySet<string>): Promise<Failure[]> {
  const { importPrivateKey, keySpecProblems } = await import("../ssh/keys/index.js");
  if (inputs.privateKey === undefined) {
    if (unknown.has("privateKey")) return [];
    const { bits: _, ...others } = inputs;
    return keySpecProblems(unknown.has("keyType") ? others : inputs);
  }
  // An encrypted key is unreadable without its passphrase.
  if (unknown.has("passphrase")) return [];
  const problems: Failure[] = [];
  const unreadable = failuresOf("privateKey", () => {
    const { type, bits } = importPrivateKey({ ...inputs, privateKey: inputs.privateKey ?? "" });
    if (inputs.keyType !== undefined && inputs.keyType !== type) {
      problems.push({ property: "keyType", reason: `the privateKey given is ${type}: leave keyType out, or say so` });
    }
    if (inputs.bits !== undefined && inputs.bits !== bits) {
      problems.push({ property: "bits", reason: `the privateKey given has ${bits} bits: leave bits out, or say so` });
    }
  });
  return [...unreadable, ...problems];
}

async function make(inputs: KeyPairInputs): Promise<KeyMaterial> {
  const { generate, importPrivateKey } = await import("../ssh/keys/index.js");
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

/** An SSH key pair. It exists in the state alone. */
export const keyPair: Resource<KeyPairInputs, KeyPairState> = {
  schema: keyPairSchema,
  rules,

  async create(inputs) {
    const key = await make(inputs);
    return { id: key.fingerprintSha256, state: toState(key, inputs) };
  },

  /** No drift: nothing outside the state can change it. An id alone gives no private key. */
  async read(id, state) {
    if (state.privateKey !== undefined) return state as KeyPairState;
    throw new ProviderError(
      "refused",
      `The key pair ${id} cannot be read by its id: a private key is kept in the state of its stack and nowhere else. Give it as privateKey.`,
    );
  },

  async update(_id, state, inputs) {
    const { importPrivateKey } = await import("../ssh/keys/index.js");
    const key = importPrivateKey({ privateKey: state.privateKey, comment: inputs.comment ?? state.comment });
    return toState(key, { ...inputs, ...(state.keepers && { keepers: state.keepers }) });
  },

  async delete() {},
};
