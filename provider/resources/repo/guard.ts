import type { ApiRepo } from "../../api";
import { ProviderError } from "../../errors";
import { differences } from "../../lifecycle/compare";
import type { Context, DeleteContext, ReplaceTarget } from "../../lifecycle/resource";
import { ignoringCase, type RepoInputs, repoSchema } from "../../schema/repo";
import { assertMayReplace } from "../ownership";
import { toState } from "./remote";

/*
 * Guards against the loss of backups. The steps in each message work at the point of its refusal.
 */

/** Text about the repository and its backups for messages. Undefined without backups. */
function backupsOf(remote: ApiRepo): string | undefined {
  if (!(remote.currentUsage > 0) && !remote.lastModified) return undefined;
  const facts = [
    remote.currentUsage > 0 ? `${Number(remote.currentUsage.toFixed(1))} MB` : "",
    remote.lastModified ? `last modified ${remote.lastModified}` : "",
  ].filter(Boolean);
  return `"${remote.name}" (${remote.id}) holds backups (${facts.join(", ")})`;
}

/** @throws `refused` where the replacement would delete backups */
export async function assertReplaceable(
  { id, args }: ReplaceTarget<RepoInputs>,
  changed: readonly string[],
  context: Context,
): Promise<void> {
  if (args.keepOnDelete) return;
  await assertMayReplace(`the repository ${id ?? `"${args.name ?? context.name}"`}`, context);
  if (args.forceDestroy) return;
  const olds = await replaceCandidates(id, args, context);
  const [backups] = olds.flatMap((old) => backupsOf(old) ?? []);
  if (!backups) return;
  const what = changed.join(" and ");
  const because = what
    ? ` for another ${what}`
    : ", though replacementTrigger, replaceWith or the provider asks for it";
  const certain = `The repository ${backups}, so it is not replaced${because}.`;
  const uncertain =
    `The repository ${backups} and may be the one to replace, as Pulumi names none, so nothing is replaced, ` +
    "though replacementTrigger, replaceWith or the provider asks for it.";
  throw new ProviderError(
    "refused",
    `${olds.length === 1 ? certain : uncertain} To go on with it as it is, put ${what || "that"} back. To have a new one beside it, ` +
      "set keepOnDelete: true. To erase the backups for good, set forceDestroy: true and run `pulumi up` before.",
  );
}

/**
 * The repository of the id. Without an id, those with the arguments of the last deployment. Settings may have drifted:
 * without an exact match, those of the same region and format.
 */
async function replaceCandidates(
  id: string | undefined,
  args: Partial<RepoInputs>,
  context: Context,
): Promise<ApiRepo[]> {
  const { repos } = await context.api();
  if (id !== undefined) {
    const found = await repos.getUncached(id);
    return found ? [found] : [];
  }
  const { region = "", format = "borg1", name = context.name } = args;
  const possible = (await repos.refetchCoalesced()).filter(
    (repo) =>
      ignoringCase(region, repo.region) &&
      ignoringCase(format, repo.format) &&
      !context.memory?.isAssigned("Repo", repo.id),
  );
  const exact: ApiRepo[] = [];
  const all = await repoSchema.fields();
  for (const each of possible) {
    if ((await differences(all, args as RepoInputs, toState(each, args))).length === 0) exact.push(each);
  }
  const candidates = exact.length > 0 ? exact : possible;
  const named = candidates.filter((repo) => repo.name === name);
  return named.length > 0 ? named : candidates;
}

/** @throws `refused` for a repository with backups, unless an earlier deployment set `forceDestroy` */
export function assertDeletable(remote: ApiRepo, { isDeclared, replacedBy, settings }: DeleteContext): void {
  const backups = backupsOf(remote);
  if (!backups) return;
  const refused = `The repository ${backups}, so it is not deleted`;
  if (replacedBy !== undefined) {
    const erase = settings.forceDestroy
      ? "forceDestroy: true counts from the next `pulumi up` on, which erases them for good."
      : "To erase the backups for good, set forceDestroy: true and run `pulumi up`.";
    throw new ProviderError(
      "refused",
      `${refused}, though ${replacedBy} has taken its place. To leave it in the account, set keepOnDelete: true and run \`pulumi up\`. ${erase}`,
    );
  }
  // Before the new object exists, the program's setting takes effect at once. Without a program it must be deployed first.
  const [keep, erase] = isDeclared
    ? ["set keepOnDelete: true and run `pulumi up`", "put back what replaces it, set"]
    : ["set keepOnDelete: true for it in the program, and run `pulumi up` first", "set"];
  throw new ProviderError(
    "refused",
    `${refused}. To leave it in the account, ${keep}. To erase the backups for good, ${erase} forceDestroy: true and run \`pulumi up\` first.`,
  );
}
