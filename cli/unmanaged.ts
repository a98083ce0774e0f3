import { connect } from "../provider/api";
import type { Config } from "../provider/config";
import { inputsOfImport } from "../provider/lifecycle";
import { resourceOf } from "../provider/registry";
import { toState as repoState } from "../provider/resources/repo/remote";
import { toState as keyState } from "../provider/resources/sshKey";
import { logicalNames } from "./logicalNames";
import { byNameAndId } from "./order";
import type { Adoption } from "./program";
import { nameIn, type StateResource } from "./stack";

/** An object of the account that no resource of the stack manages. */
export interface Unmanaged extends Adoption {
  type: "SshKey" | "Repo";
}

const PREFIX = "borgbase:index:";

/**
 * The objects of the account that are no resource of the stack: keys, then repositories, by name and id. Each has the
 * arguments that differ from their default. Sends one request for the keys and one for the repositories.
 *
 * A resource counts whatever its parent, its provider or its host. One that waits for its deletion counts too, as the next
 * `pulumi up` deletes the object or lets it go. One that is only read (`get`) does not.
 */
export async function unmanaged(config: Config, resources: readonly StateResource[]): Promise<Unmanaged[]> {
  const api = connect(config);
  const [keys, repos] = await Promise.all([api.keys.all(), api.repos.all()]);
  const managed = new Set(resources.filter(({ external }) => !external).map(({ type, id }) => `${type} ${id}`));
  const objects = [
    ...keys.map((key) => ({ type: "SshKey" as const, id: key.id, name: key.name, state: keyState(key) })),
    ...repos.map((repo) => ({ type: "Repo" as const, id: repo.id, name: repo.name, state: repoState(repo, {}) })),
  ]
    .filter(({ type, id }) => !managed.has(`${PREFIX}${type} ${id}`))
    .sort((a, b) => b.type.localeCompare(a.type) || byNameAndId(a, b));

  const taken = resources
    .filter(({ type }) => type.startsWith(PREFIX))
    .map(({ type, urn }) => ({ type: type.slice(PREFIX.length), name: nameIn(urn) }));
  const names = logicalNames(objects, taken);
  return Promise.all(
    objects.map(async ({ type, id, state }, index) => {
      const name = names[index] ?? id;
      const context = { name, api: async () => api, borgUi: noBorgUi, log: () => {} };
      return { type, id, name, args: await inputsOfImport(resourceOf(type), { ...state }, context) };
    }),
  );
}

async function noBorgUi(): Promise<never> {
  throw new Error("these resources are BorgBase's");
}
