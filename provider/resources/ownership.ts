import { ProviderError } from "../errors";
import type { Context } from "../lifecycle/resource";

/** Whose the account is, or undefined where the token may not ask, or nobody answers. */
export async function readableOwner(context: Context): Promise<string | undefined> {
  try {
    return await (await context.api()).account.owner();
  } catch {
    return undefined;
  }
}

/**
 * Whose the object is that is about to be added, or undefined where the token may not ask.
 * @throws `refused` when the other objects of this provider belong to another account
 */
export async function ownerForCreate(context: Context): Promise<string | undefined> {
  const owner = await readableOwner(context);
  const { accounts } = context.memory ?? {};
  const [other] = accounts ?? [];
  if (owner === undefined || other === undefined || accounts?.has(owner)) return owner;
  throw new ProviderError(
    "refused",
    `Nothing is added: the token is of the account ${owner}, and what this stack has already belongs to ${other}. ` +
      "Use a token of that account, or a Provider of its own for the other one. If the account was renamed, run `pulumi refresh`.",
  );
}

/**
 * Called when a read finds nothing: a token of another account finds nothing either, and must never make anything gone.
 * `others` is how many objects of its kind the token does see.
 * @throws `refused` when the account is another one, or when nothing proves that the token sees the account at all
 */
export async function assertSameOwner(
  what: string,
  owner: string | undefined,
  others: number,
  context: Context,
): Promise<void> {
  const asked = await (await context.api()).account.owner();
  if (asked !== undefined && (owner === undefined || owner === asked)) return;
  if (asked !== undefined) {
    throw new ProviderError(
      "refused",
      `BorgBase shows no ${what}: the token is of the account ${asked}, and ${what} belongs to ${owner}. Use a token of that account.`,
    );
  }
  if (owner === undefined && others > 0) return;
  const whose = owner === undefined ? "" : ` (it belongs to ${owner})`;
  throw new ProviderError(
    "refused",
    `BorgBase shows no ${what}${whose}, and the token may not tell whose account it sees, so ${what} is not taken for gone: ` +
      "use a token of the level Read Only or Full Access.",
  );
}

/**
 * A replacement adds first and deletes last: with a token that may only add, it would end half-way.
 * @throws `permission`, before anything is done
 */
export async function assertMayReplace(what: string, context: Context): Promise<void> {
  if ((await (await context.api()).account.owner()) !== undefined) return;
  throw new ProviderError(
    "permission",
    `Replacing ${what} means to add a new one and to delete the old one, and the token may only add: use one of the level Full Access.`,
  );
}
