import type { BorgUi, ServerRepository } from "../../../borgui";
import { isKind, messageOf, ProviderError } from "../../../errors";
import type { Context } from "../../../lifecycle/resource";
import type { RepositoryInputs } from "../../../schema/borgui/repository";
import { isSamePath, pathOf, toCreate } from "./remote";

/**
 * Makes the repository, or imports it, and opens it as a proof: Borg UI takes a repository that is there already with any
 * passphrase, and answers success.
 * @throws `refused`, `remote`; no row stays behind
 */
export async function makeRepository(ui: BorgUi, inputs: RepositoryInputs, context: Context) {
  const { adopt = false, encryption = "repokey" } = inputs;
  const name = inputs.name ?? context.name;
  const target = await targetOf(ui, inputs);
  const isAtPlace = (row: ServerRepository) => row.target === target && isSamePath(pathOf(row), inputs.path);
  const outcome = await ui.repositories.create(
    toCreate(inputs, name),
    adopt ? "import" : "create",
    (row) => row.name === name && isAtPlace(row),
    (all) => assertFree(name, all.find((row) => row.name === name) ?? all.find(isAtPlace)),
    context.origin,
  );
  const { item, recovered, alreadyExisted, wasSent } = outcome;
  try {
    // What an earlier request of this create made, or this run has released, is known to be the program's own.
    const isOwn = wasSent || ui.repositories.released.has(item.path);
    if (alreadyExisted && !isOwn) throw occupied(item);
    await assertOpens(ui, item, alreadyExisted || recovered || adopt);
    if (item.encryption !== encryption) {
      throw new ProviderError(
        "refused",
        `The repository at ${item.path} has the encryption "${item.encryption}", and the program says "${encryption}".`,
      );
    }
  } catch (error) {
    // Without an answer the next run goes on with the row.
    if (!isKind(error, "refused", "remote", "notFound", "permission")) throw error;
    await ui.repositories.delete(item.id);
    context.memory?.recordDelete("borgui.Repository", item.id);
    throw error;
  }
  return outcome;
}

async function targetOf(ui: BorgUi, { connectionId }: RepositoryInputs): Promise<string | undefined> {
  if (connectionId === undefined) return undefined;
  const connection = await ui.connections.get(connectionId);
  if (connection) return connection.name;
  throw new ProviderError("notFound", `Borg UI has no connection ${connectionId} for the repository.`);
}

function assertFree(name: string, existing: ServerRepository | undefined): void {
  if (existing === undefined) return;
  const what = existing.name === name ? `the name "${name}"` : `the place ${existing.path}`;
  throw new ProviderError(
    "refused",
    `Borg UI has a repository with ${what} already: ${existing.id}. Take it over with existingId: "${existing.id}", or delete it.`,
  );
}

function occupied({ path }: ServerRepository): ProviderError {
  return new ProviderError(
    "refused",
    `There is a borg repository at ${path} already, which Borg UI would take with any passphrase: set adopt: true, with its own passphrase, or give another path.`,
  );
}

async function assertOpens(ui: BorgUi, { id, path }: ServerRepository, existed: boolean): Promise<void> {
  try {
    await ui.repositories.countArchives(id);
  } catch (error) {
    if (!isKind(error, "remote")) throw error;
    const why = existed ? "Is the passphrase its own?" : "Is borg on the host, and may the key write there?";
    throw new ProviderError(
      "remote",
      `The repository at ${path} does not open with the program's passphrase, so Borg UI does not get it. ${why} (${messageOf(error)})`,
    );
  }
}
