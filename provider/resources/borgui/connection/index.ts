import { isDeepStrictEqual } from "node:util";
import type { BorgUi, ServerConnection } from "../../../borgui";
import { type Failure, isKind, ProviderError } from "../../../errors";
import { differences } from "../../../lifecycle/compare";
import type { Context, Resource } from "../../../lifecycle/resource";
import { type ConnectionInputs, type ConnectionState, connectionSchema } from "../../../schema/borgui/connection";
import { DEFAULT_PORT } from "../../../ssh/defaults";
import { adoptionLines, assertMade, assertUnchangeable } from "../adoption";
import { fingerprintOf } from "../keyMaterial";
import { assertSameServer, type OfServer, serverOf } from "../sameServer";
import { foundTrust, mustPin, pinHostKey } from "./hostKey";
import { assertUnneeded } from "./needed";
import { toEdit, toState } from "./remote";

async function rules(inputs: Partial<ConnectionInputs>, unknown: ReadonlySet<string>): Promise<Failure[]> {
  const { addressProblems } = await import("../../../ssh/connection/address.js");
  const { host = "host", port = DEFAULT_PORT, username = "user", hostKey, trustAnyHostKey } = inputs;
  const failures = addressProblems({ host, port, username });
  if (hostKey === undefined && !trustAnyHostKey && !unknown.has("hostKey") && !unknown.has("trustAnyHostKey")) {
    failures.push({
      property: "",
      reason:
        "give hostKey, the host key that the server must pin, or trustAnyHostKey: true where the server pins none: it then logs in to whatever answers",
    });
  }
  return failures;
}

/** Brings the row to what the program says, and believes the list alone. */
async function reconcile(
  ui: BorgUi,
  row: ServerConnection,
  inputs: ConnectionInputs,
  local: Partial<ConnectionState> & OfServer,
) {
  const fields = await connectionSchema.fields();
  const after = { ...local, ...JSON.parse(JSON.stringify(inputs)) };
  const edit = toEdit(inputs, await differences(fields, inputs, toState(row, after)));
  if (edit === undefined) return toState(row, after);
  const state = toState(await ui.connections.update(row.id, edit), after);
  await assertMade(`connection ${row.id}`, fields, inputs, state);
  return state;
}

async function findAdoptable(
  id: string,
  inputs: Partial<ConnectionInputs>,
  context: Context,
): Promise<ServerConnection> {
  const { ui } = await serverOf(context);
  const row = await ui.connections.get(id);
  if (!row) throw new ProviderError("notFound", `Borg UI has no connection ${id} to take over (existingId).`);
  await assertUnchangeable(`connection ${id}`, await connectionSchema.fields(), inputs, toState(row, {}));
  return row;
}

/** The key of a new connection: the program's, else the system key. */
async function keyIdOf(ui: BorgUi, { keyId }: ConnectionInputs): Promise<string> {
  if (keyId !== undefined) return keyId;
  const [systemKey] = await ui.systemKeys.all();
  if (systemKey) return systemKey.id;
  throw new ProviderError(
    "refused",
    "Borg UI has no system key to log in with: declare a borgui.SystemKey, and give its id as keyId.",
  );
}

function assertFree(target: string, keyId: string, all: ServerConnection[]): void {
  const existing = all.find((row) => row.name === target && row.ssh_key_id === keyId);
  if (existing === undefined) return;
  throw new ProviderError(
    "refused",
    `Borg UI has a connection ${target} with this key already: ${existing.id}. Take it over with existingId: "${existing.id}", or delete it.`,
  );
}

/**
 * Proves the connection by a login, as a test takes hosts that run no commands for failed ones.
 * @throws `host`, unless the program keeps a connection that fails
 */
async function prove(ui: BorgUi, row: ServerConnection, { onFailed, password }: ConnectionInputs, context: Context) {
  const access = await ui.connections.access(row.id);
  if (typeof access === "string") return;
  const [key] = (await ui.systemKeys.all()).filter(({ id }) => id === row.ssh_key_id);
  const withKey = key ? `its key ${await fingerprintOf(key)}` : `the key ${row.ssh_key_id}`;
  // What the deployment itself has met: a wrong password, for example.
  const deployment = password === undefined ? undefined : firstLine(row.error_message);
  const reason = [firstLine(access.failed), deployment].filter(Boolean).join("; ");
  const message = `Borg UI cannot log in to ${row.name} with ${withKey}: ${reason}.`;
  if (onFailed === "keep") {
    context.log(`${message} The connection ${row.id} stays, as onFailed says.`);
    return;
  }
  const advice =
    password === undefined
      ? "Deploy the key with SshKey or SshConnection first, or give a password."
      : "Check host, username and password, and that the host takes keys.";
  throw new ProviderError("host", `${message} ${advice}`);
}

/** The server leaves a row of every host that it cannot use. Without an answer, the next run goes on with the row. */
async function deleteOnFailure(ui: BorgUi, row: ServerConnection, context: Context, work: () => Promise<void>) {
  try {
    await work();
  } catch (error) {
    if (!isKind(error, "host", "input", "remote", "notFound", "permission")) throw error;
    await ui.connections.delete(row.id);
    context.memory?.recordDelete("borgui.Connection", row.id);
    throw error;
  }
}

/** A host that a Borg UI server logs in to. */
export const connection: Resource<ConnectionInputs, ConnectionState> = {
  schema: connectionSchema,
  drifts: true,
  rules,

  async previewAdoption(inputs, unknown, context) {
    if (inputs.existingId === undefined) return [];
    const row = await findAdoptable(inputs.existingId, inputs, context);
    return adoptionLines(
      `connection ${row.id}`,
      await connectionSchema.fields(),
      inputs,
      toState(row, inputs),
      unknown,
    );
  },

  async create(inputs, context) {
    const { ui, mark } = await serverOf(context);
    if (inputs.existingId !== undefined) {
      const row = await findAdoptable(inputs.existingId, inputs, context);
      return { id: row.id, state: await reconcile(ui, row, inputs, mark) };
    }
    const { host, port = DEFAULT_PORT, username, password, useSftpMode = true } = inputs;
    const keyId = await keyIdOf(ui, inputs);
    const pins = await mustPin(ui, inputs, context);
    const { item, recovered } = await ui.connections.create(
      // No password before the host is verified.
      { host, port, username, keyId, useSftpMode, ...(password !== undefined && !pins && { password }) },
      (all) => assertFree(`${username}@${host}:${port}`, keyId, all),
      context.origin,
    );
    await deleteOnFailure(ui, item, context, async () => {
      if (pins) await pinHostKey(ui, item, inputs);
      const isDeployed = password === undefined || (!pins && !recovered);
      await prove(ui, isDeployed ? item : await ui.connections.deploy(item, password), inputs, context);
    });
    return { id: item.id, state: await reconcile(ui, item, inputs, mark), recovered };
  },

  async read(id, state, context) {
    const { ui, mark } = await serverOf(context);
    const row = await ui.connections.get(id);
    assertSameServer(`connection ${id}`, state, ui, isTargetOf(state, row));
    if (row === undefined) return undefined;
    const isImport = state.host === undefined;
    return toState(row, { ...state, ...(isImport && (await foundTrust(ui, row))), ...mark });
  },

  async update(id, state, inputs, context) {
    const { ui, mark } = await serverOf(context);
    const row = await ui.connections.get(id);
    assertSameServer(`connection ${id}`, state, ui, isTargetOf(state, row));
    if (row) {
      const repinned = inputs.hostKey !== undefined && !isDeepStrictEqual(inputs.hostKey, state.hostKey);
      if (repinned && (await mustPin(ui, inputs, context))) await pinHostKey(ui, row, inputs);
      return reconcile(ui, row, inputs, { ...state, ...mark });
    }
    throw new ProviderError(
      "notFound",
      `The connection ${id} is gone from Borg UI: run \`pulumi refresh\`, and the next \`pulumi up\` makes a new one.`,
    );
  },

  async list(context) {
    return (await serverOf(context)).ui.connections.refetchCoalesced();
  },

  async delete(id, state, context) {
    const { ui } = await serverOf(context);
    const row = await ui.connections.getUncached(id);
    assertSameServer(`connection ${id}`, state, ui, isTargetOf(state, row));
    if (row === undefined) return;
    await assertUnneeded(ui, row);
    await ui.connections.delete(id);
  },
};

function isTargetOf({ host, port, username }: Partial<ConnectionState>, row: ServerConnection | undefined): boolean {
  return row?.host === host && row?.port === port && row?.username === username;
}

function firstLine(text: string | undefined): string | undefined {
  return text?.trim().split("\n")[0]?.trim().replace(/[.:]$/, "").slice(0, 300);
}
