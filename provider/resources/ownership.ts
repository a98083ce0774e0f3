import { ProviderError } from "../errors";
import type { Context } from "../lifecycle/resource";

/** User name of the account. Undefined where the token lacks permission or the request fails. */
export async function readableOwner(context: Context): Promise<string | undefined> {
  try {
    return await (await context.api()).account.owner();
  } catch {
    return undefined;
  }
}

/**
 * User name of the account that will own a new object. Undefined where the token lacks permission.
 * @throws `refused` where the state's objects belong to another account
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
 * Verifies that a missing object is deleted: the token of another account does not see it either.
 * @param visibleObjects number of objects of this type that the token sees
 * @throws `refused` where the account is another one, or where nothing proves which account the token sees
 */
export async function assertSameOwner(
  what: string,
  stateOwner: string | undefined,
  visibleObjects: number,
  context: Context,
): Promise<void> {
  const tokenOwner = await (await context.api()).account.owner();
  if (tokenOwner !== undefined && (stateOwner === undefined || stateOwner === tokenOwner)) return;
  if (tokenOwner !== undefined) {
    throw new ProviderError(
      "refused",
      `BorgBase shows no ${what}: the token is of the account ${tokenOwner}, and ${what} belongs to ${stateOwner}. Use a token of that account.`,
    );
  }
  if (stateOwner === undefined && visibleObjects > 0) return;
  const whose = stateOwner === undefined ? "" : ` (it belongs to ${stateOwner})`;
  throw new ProviderError(
    "refused",
    `BorgBase shows no ${what}${whose}, and the token may not tell whose account it sees, so ${what} is not taken for gone: ` +
      "use a token of the level Read Only or Full Access.",
  );
}

/**
 * Verifies that the token may delete: a replacement creates first, and would fail at its end.
 * @throws `permission`, before anything changes
 */
export async function assertMayReplace(what: string, context: Context): Promise<void> {
  if ((await (await context.api()).account.owner()) !== undefined) return;
  throw new ProviderError(
    "permission",
    `Replacing ${what} means to add a new one and to delete the old one, and the token may only add: use one of the level Full Access.`,
  );
}
