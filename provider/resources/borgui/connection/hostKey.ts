import type { BorgUi, ServerConnection } from "../../../borgui";
import { ProviderError } from "../../../errors";
import type { Context } from "../../../lifecycle/resource";
import type { ConnectionInputs } from "../../../schema/borgui/connection";

/**
 * Whether the server has to pin `hostKey` before it gets a password.
 * @throws `refused` where it cannot, and the program does not trust any host key
 */
export async function mustPin(ui: BorgUi, inputs: ConnectionInputs, context: Context): Promise<boolean> {
  if (inputs.hostKey === undefined) return false;
  if (await ui.connections.pinsHostKeys()) return true;
  const cannot = "This Borg UI pins no host keys: it logs in to whatever answers";
  if (inputs.trustAnyHostKey) {
    context.log(`${cannot}, as trustAnyHostKey allows.`);
    return false;
  }
  throw new ProviderError(
    "refused",
    `${cannot}. To go on all the same, set trustAnyHostKey: true; or take a newer Borg UI, which pins them.`,
  );
}

/**
 * Has the server pin all keys of the host, each of which the program must name.
 * @throws `host`
 */
export async function pinHostKey(ui: BorgUi, row: ServerConnection, { hostKey }: ConnectionInputs): Promise<void> {
  const { readPins } = await import("../../../ssh/connection/hostKeyPins.js");
  const { host, port } = row;
  const { seen, isPinned } = await ui.connections.hostKeys(row.id);
  if (seen === undefined) throw new ProviderError("host", `Borg UI cannot read the host key of ${row.name}.`);
  const accepted = new Set(readPins(host, port, [hostKey ?? []].flat()).map(({ fingerprint }) => fingerprint));
  const offered = readPins(host, port, [seen]).map(({ fingerprint }) => fingerprint);
  const foreign = offered.filter((fingerprint) => !accepted.has(fingerprint));
  if (foreign.length > 0) {
    throw new ProviderError(
      "host",
      `The host of ${row.name} presents ${foreign.join(", ")} to Borg UI, which hostKey does not name: compare it with ` +
        "`ssh-keygen -lf` on the host, and add it if it is the host's own. Borg UI pins every key that a host offers.",
    );
  }
  if (!isPinned) await ui.connections.pin(row.id, seen);
}

/** What an import declares of the host key: the pinned keys, or that the server takes any. Empty where nothing is pinned yet. */
export async function foundTrust(
  ui: BorgUi,
  { id, host, port }: ServerConnection,
): Promise<Pick<ConnectionInputs, "hostKey" | "trustAnyHostKey">> {
  if (!(await ui.connections.pinsHostKeys())) return { trustAnyHostKey: true };
  const { seen, isPinned } = await ui.connections.hostKeys(id);
  if (seen === undefined || !isPinned) return {};
  const { readPins } = await import("../../../ssh/connection/hostKeyPins.js");
  return { hostKey: readPins(host, port, [seen]).map(({ fingerprint }) => fingerprint) };
}
