import type { BorgUi, NewKey, ServerKey } from "../../borgui";
import { ProviderError } from "../../errors";
import { differences } from "../../lifecycle/compare";
import type { Context, Resource } from "../../lifecycle/resource";
import {
  DEFAULT_SYSTEM_KEY_NAME,
  type SystemKeyInputs,
  type SystemKeyState,
  systemKeySchema,
} from "../../schema/borgui/systemKey";
import { adoptionLines, assertMade, assertUnchangeable } from "./adoption";
import { fingerprintOf, keyEdit } from "./keyMaterial";
import { assertSameServer, type OfServer, serverOf } from "./sameServer";

async function toState(key: ServerKey, local: Partial<SystemKeyInputs> & OfServer): Promise<SystemKeyState> {
  const { privateKeyPath, publicKeyPath, forceDestroy = false, __server } = local;
  return {
    name: key.name,
    ...(key.description !== undefined && { description: key.description }),
    keyType: key.key_type as SystemKeyState["keyType"],
    ...(privateKeyPath !== undefined && { privateKeyPath }),
    ...(publicKeyPath !== undefined && { publicKeyPath }),
    forceDestroy,
    publicKey: key.public_key,
    fingerprintSha256: await fingerprintOf(key),
    ...(__server !== undefined && { __server }),
  };
}

/** Changes name and description where they differ, and believes the list alone. */
async function reconcile(
  ui: BorgUi,
  key: ServerKey,
  inputs: SystemKeyInputs,
  state: Partial<SystemKeyState> & OfServer,
) {
  const fields = await systemKeySchema.fields();
  const local = { ...state, ...JSON.parse(JSON.stringify(inputs)) };
  const edit = keyEdit(inputs, await differences(fields, inputs, await toState(key, local)));
  if (edit === undefined) return toState(key, local);
  const after = await toState(await ui.systemKeys.update(key.id, edit), local);
  await assertMade(`system key ${key.id}`, fields, inputs, after);
  return after;
}

async function describe(key: ServerKey): Promise<string> {
  const { connection_count: count } = key;
  return `${key.id} (${await fingerprintOf(key)}, ${count} ${count === 1 ? "connection" : "connections"})`;
}

async function findAdoptable(id: string, inputs: Partial<SystemKeyInputs>, context: Context): Promise<ServerKey> {
  const { ui } = await serverOf(context);
  const key = await ui.systemKeys.get(id);
  if (!key) throw new ProviderError("notFound", `Borg UI has no system key ${id} to take over (existingId).`);
  await assertUnchangeable(`system key ${id}`, await systemKeySchema.fields(), inputs, await toState(key, {}));
  return key;
}

function newKey(inputs: SystemKeyInputs): NewKey {
  const { name = DEFAULT_SYSTEM_KEY_NAME, description, keyType = "ed25519", privateKeyPath, publicKeyPath } = inputs;
  const shared = { name, ...(description && { description }) };
  if (privateKeyPath === undefined) return { how: "generate", ...shared, key_type: keyType };
  return {
    how: "import",
    ...shared,
    private_key_path: privateKeyPath,
    ...(publicKeyPath !== undefined && { public_key_path: publicKeyPath }),
  };
}

/** The server's own key. */
export const systemKey: Resource<SystemKeyInputs, SystemKeyState> = {
  schema: systemKeySchema,
  drifts: true,
  deletesBeforeReplace: true,

  rules({ privateKeyPath, publicKeyPath }, unknown) {
    if (publicKeyPath === undefined || privateKeyPath !== undefined || unknown.has("privateKeyPath")) return [];
    return [
      { property: "publicKeyPath", reason: "needs privateKeyPath, as the server generates both halves otherwise" },
    ];
  },

  async previewAdoption(inputs, unknown, context) {
    if (inputs.existingId === undefined) return [];
    const key = await findAdoptable(inputs.existingId, inputs, context);
    return adoptionLines(
      `system key ${key.id}`,
      await systemKeySchema.fields(),
      inputs,
      await toState(key, {}),
      unknown,
    );
  },

  async create(inputs, context) {
    const { ui, mark } = await serverOf(context);
    if (inputs.existingId !== undefined) {
      const key = await findAdoptable(inputs.existingId, inputs, context);
      return { id: key.id, state: await reconcile(ui, key, inputs, mark) };
    }
    const wanted = newKey(inputs);
    const isWanted = (key: ServerKey) => key.name === wanted.name;
    const { item, recovered } = await ui.systemKeys.create(wanted, isWanted, assertFree, context.origin);
    await assertOnly(ui, item);
    return { id: item.id, state: await reconcile(ui, item, inputs, mark), recovered };
  },

  async read(id, state, context) {
    const { ui, mark } = await serverOf(context);
    const key = await ui.systemKeys.get(id);
    const isSame = key !== undefined && key.public_key === (state.publicKey ?? key.public_key);
    assertSameServer(`system key ${id}`, state, ui, isSame);
    return key && toState(key, { ...state, ...mark });
  },

  async update(id, state, inputs, context) {
    const { ui, mark } = await serverOf(context);
    const key = await ui.systemKeys.get(id);
    assertSameServer(`system key ${id}`, state, ui, key?.public_key === state.publicKey);
    if (key) return reconcile(ui, key, inputs, { ...state, ...mark });
    throw new ProviderError(
      "notFound",
      `The system key ${id} is gone from Borg UI: run \`pulumi refresh\`, and the next \`pulumi up\` makes a new one.`,
    );
  },

  async list(context) {
    return (await serverOf(context)).ui.systemKeys.refetchCoalesced();
  },

  async delete(id, state, context) {
    const { ui } = await serverOf(context);
    const key = await ui.systemKeys.getUncached(id);
    assertSameServer(`system key ${id}`, state, ui, key?.public_key === state.publicKey);
    if (key && key.connection_count > 0 && !state.forceDestroy) {
      throw new ProviderError(
        "refused",
        `The system key ${await describe(key)} is not deleted, as these connections would fail: delete them first, ` +
          "or set forceDestroy: true and run `pulumi up` first.",
      );
    }
    if (key) await ui.systemKeys.delete(id);
  },
};

function assertFree([existing]: ServerKey[]): void {
  if (existing === undefined) return;
  const { id, connection_count: count, fingerprint } = existing;
  throw new ProviderError(
    "refused",
    `Borg UI has a system key already: ${id} (${fingerprint ?? existing.name}, ${count} ${count === 1 ? "connection" : "connections"}). ` +
      `Take it over with existingId: "${id}", or delete it.`,
  );
}

/** The server only looks for a key before it makes one: creates at the same time make several, and it uses the oldest. */
async function assertOnly(ui: BorgUi, made: ServerKey): Promise<void> {
  const ids = (await ui.systemKeys.all()).map(({ id }) => Number(id));
  const first = Math.min(...ids);
  if (first === Number(made.id)) return;
  await ui.systemKeys.delete(made.id);
  throw new ProviderError(
    "refused",
    `Borg UI got another system key, ${first}, at the same time. The new one, ${made.id}, is deleted again: take over ${first} with existingId.`,
  );
}
