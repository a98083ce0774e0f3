import type { BorgUi, ServerConnection } from "../../../borgui";
import { ProviderError } from "../../../errors";

/**
 * Verifies that no plan and no repository needs the connection. The server answers a plan's with a fault of its database, and
 * breaks a repository in silence.
 * @throws `refused`, with their names
 */
export async function assertUnneeded(ui: BorgUi, row: ServerConnection): Promise<void> {
  const plans = (await ui.plans.refetchCoalesced()).filter(({ sources }) => sources.includes(row.id));
  // The list of repositories has no ids of connections. Another row of the same target serves as well.
  const others = (await ui.connections.all()).some(({ id, name }) => id !== row.id && name === row.name);
  const repositories = others
    ? []
    : (await ui.repositories.refetchCoalesced()).filter(({ target }) => target === row.name);
  const users = [...named("backup plan", plans), ...named("repository", repositories)];
  if (users.length === 0) return;
  throw new ProviderError(
    "refused",
    `The connection ${row.id} (${row.name}) is not deleted, as Borg UI needs it for ${users.join(" and ")}: delete them first, or give them another connection.`,
  );
}

function named(kind: string, items: { id: string; name: string }[]): string[] {
  if (items.length === 0) return [];
  const names = items.map(({ id, name }) => `"${name}" (${id})`).join(", ");
  return [`the ${items.length === 1 ? kind : kind.replace(/y$/, "ie").concat("s")} ${names}`];
}
