import type { BorgUi, ServerRepository } from "../../../borgui";
import { ProviderError } from "../../../errors";
import type { DeleteContext, ReplaceTarget } from "../../../lifecycle/resource";
import type { RepositoryInputs } from "../../../schema/borgui/repository";

/**
 * borg fixes the encryption when it makes a repository: only another place can have another one.
 * @throws `refused`
 */
export async function assertReplaceable(
  { id, args }: ReplaceTarget<RepositoryInputs>,
  changed: readonly string[],
): Promise<void> {
  if (!changed.includes("encryption") || changed.includes("path") || changed.includes("connectionId")) return;
  throw new ProviderError(
    "refused",
    `The repository ${id ?? `"${args.name}"`} keeps its encryption "${args.encryption}", as borg fixes it when a repository is made: put it back, or give another path.`,
  );
}

/**
 * Verifies that nothing uses the repository. The server deletes its row also during a backup, and its plans go on without.
 * @throws `refused`
 */
export async function assertDeletable(
  ui: BorgUi,
  { id, name, has_running_maintenance: isBusy }: ServerRepository,
  { isDeclared }: DeleteContext,
): Promise<void> {
  const refused = `The repository "${name}" (${id}) is not taken out of Borg UI`;
  if (isBusy) {
    throw new ProviderError(
      "refused",
      `${refused}, as a check, prune or compaction of it runs: try again when it is over.`,
    );
  }
  // A replacement comes back under another id, and the plans of the program get it.
  if (isDeclared) return;
  const plans = await ui.plans.ofRepository(id);
  if (plans.length === 0) return;
  const names = plans.map((plan) => `"${plan.name}" (${plan.id})`).join(", ");
  throw new ProviderError(
    "refused",
    `${refused}, as ${plans.length === 1 ? "the backup plan" : "backup plans"} would go on without it: ${names}. Delete them first, or give them another repository.`,
  );
}
