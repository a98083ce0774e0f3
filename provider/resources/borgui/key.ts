import type { BorgUi, ServerKey } from "../../borgui";
import { type Failure, ProviderError } from "../../errors";
import { differences } from "../../lifecycle/compare";
import type { Context, Resource } from "../../lifecycle/resource";
import { type KeyInputs, type KeyState, keySchema } from "../../schema/borgui/key";
import { keyBody } from "../../schema/sshKey";
import { failuresOf } from "../../ssh/toProviderError";
import { adoptionLines, assertMade, assertUnchangeable } from "./adoption";
import { fingerprintOf, keyEdit } from "./keyMaterial";
import { assertSameServer, type OfServer, serverOf } from "./sameServer";

/** The server checks neither half. */
async function rules({ publicKey, privateKey }: Partial<KeyInputs>): Promise<Failure[]> {
  const { parsePublicKey } = await import("../../ssh/keys/publicKey.js");
  const failures = publicKey === undefined ? [] : failuresOf("publicKey", () => void parsePublicKey(publicKey));
  if (privateKey === undefined || failures.length > 0) return withoutValue(failures);
  const { importPrivateKey } = await import("../../ssh/keys/index.js");
  const unreadable = failuresOf("privateKey", () => {
    const { publicKey: other } = importPrivateKey({ privateKey });
    if (publicKey === undefined || keyBody(other) === keyBody(publicKey)) return;
    failures.push({ property: "publicKey", reason: "is not the other half of privateKey" });
  });
  return withoutValue([...failures, ...unreadable]);
}

/** The engine prints the value of the property in a failure, and either half may stand in the other's place. */
function withoutValue(failures: Failure[]): Failure[] {
  return failures.map(({ property, reason }) => ({
    property: "",
    reason: reason.includes(property) ? reason : `${property}: ${reason}`,
  }));
}

async function toState(key: ServerKey, { publicKey, __server }: Partial<KeyInputs> & OfServer): Promise<KeyState> {
  const isOwn = publicKey !== undefined && keyBody(publicKey) === keyBody(key.public_key);
  return {
    name: key.name,
    ...(key.description !== undefined && { description: key.description }),
    publicKey: isOwn ? publicKey : key.public_key,
    keyType: key.key_type,
    fingerprintSha256: await fingerprintOf(key),
    ...(__server !== undefined && { __server }),
  };
}

async function reconcile(ui: BorgUi, key: ServerKey, inputs: KeyInputs, mark: OfServer): Promise<KeyState> {
  const fields = await keySchema.fields();
  const local = { ...mark, publicKey: inputs.publicKey };
  const edit = keyEdit(inputs, await differences(fields, inputs, await toState(key, local)));
  if (edit === undefined) return toState(key, local);
  const after = await toState(await ui.keys.update(key.id, edit), local);
  await assertMade(`key ${key.id}`, fields, inputs, after);
  return after;
}

async function findAdoptable(id: string, inputs: Partial<KeyInputs>, context: Context): Promise<ServerKey> {
  const { ui } = await serverOf(context);
  const key = await ui.keys.get(id);
  if (!key) throw new ProviderError("notFound", `Borg UI has no key ${id} to take over (existingId).`);
  await assertUnchangeable(`key ${id}`, await keySchema.fields(), inputs, await toState(key, {}));
  return key;
}

const TYPES: [RegExp, string][] = [
  [/^ssh-ed25519 /, "ed25519"],
  [/^ssh-rsa /, "rsa"],
  [/^ecdsa-/, "ecdsa"],
];

/** A key pair of one's own, held by the server. */
export const key: Resource<KeyInputs, KeyState> = {
  schema: keySchema,
  drifts: true,
  deletesBeforeReplace: true,
  rules,

  async previewAdoption(inputs, unknown, context) {
    if (inputs.existingId === undefined) return [];
    const found = await findAdoptable(inputs.existingId, inputs, context);
    return adoptionLines(`key ${found.id}`, await keySchema.fields(), inputs, await toState(found, {}), unknown);
  },

  async create(inputs, context) {
    const { ui, mark } = await serverOf(context);
    if (inputs.existingId !== undefined) {
      const found = await findAdoptable(inputs.existingId, inputs, context);
      return { id: found.id, state: await reconcile(ui, found, inputs, mark) };
    }
    const { name = context.name, description, publicKey, privateKey } = inputs;
    const type = TYPES.find(([pattern]) => pattern.test(publicKey))?.[1] ?? "ed25519";
    const body = keyBody(publicKey);
    const { item, recovered } = await ui.keys.create(
      {
        how: "add",
        name,
        key_type: type,
        public_key: publicKey,
        private_key: privateKey,
        ...(description && { description }),
      },
      (found) => found.name === name && keyBody(found.public_key) === body,
      (all) => assertFree(name, all),
      context.origin,
    );
    return { id: item.id, state: await reconcile(ui, item, inputs, mark), recovered };
  },

  async read(id, state, context) {
    const { ui, mark } = await serverOf(context);
    const found = await ui.keys.get(id);
    assertSameServer(`key ${id}`, state, ui, isSame(found, state));
    return found && toState(found, { ...state, ...mark });
  },

  async update(id, state, inputs, context) {
    const { ui, mark } = await serverOf(context);
    const found = await ui.keys.get(id);
    assertSameServer(`key ${id}`, state, ui, isSame(found, state));
    if (found) return reconcile(ui, found, inputs, mark);
    throw new ProviderError(
      "notFound",
      `The key ${id} is gone from Borg UI: run \`pulumi refresh\`, and the next \`pulumi up\` adds it again.`,
    );
  },

  async list(context) {
    return (await serverOf(context)).ui.keys.refetchCoalesced();
  },

  async delete(id, state, context) {
    const { ui } = await serverOf(context);
    const found = await ui.keys.getUncached(id);
    assertSameServer(`key ${id}`, state, ui, isSame(found, state));
    if (found === undefined) return;
    const users = (await ui.connections.refetchCoalesced()).filter((row) => row.ssh_key_id === id);
    if (users.length > 0) {
      const names = users.map((row) => `${row.name} (${row.id})`).join(", ");
      throw new ProviderError(
        "refused",
        `The key "${found.name}" (${id}) is not deleted, as these connections would fail: ${names}.`,
      );
    }
    await ui.keys.delete(id);
  },
};

function isSame(found: ServerKey | undefined, { publicKey }: Partial<KeyState>): boolean {
  return found !== undefined && publicKey !== undefined && keyBody(found.public_key) === keyBody(publicKey);
}

function assertFree(name: string, all: ServerKey[]): void {
  const existing = all.find((each) => each.name === name);
  if (existing === undefined) return;
  throw new ProviderError(
    "refused",
    `Borg UI has a key "${name}" already: ${existing.id}. Take it over with existingId: "${existing.id}", or give another name.`,
  );
}
