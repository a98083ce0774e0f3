import type { BorgUi } from "../../borgui";
import { ProviderError } from "../../errors";
import type { Context } from "../../lifecycle/resource";

/** What the state keeps of the server that has an object: ids of another server mean other objects. */
export interface OfServer {
  __server?: string;
}

/** The server, and the mark of its objects in the state. */
export async function serverOf(context: Context): Promise<{ ui: BorgUi; mark: OfServer }> {
  const ui = await context.borgUi();
  return { ui, mark: { __server: ui.server.url } };
}

/**
 * Verifies that an object of the state is the one that the server shows. Another address may be another server, whose
 * objects have the same ids.
 * @param what the object, for example `connection 5 (root@nas:22)`
 * @param isSame whether the server shows the object that the state describes; ignored for the same address
 * @throws `refused`
 */
export function assertSameServer(what: string, state: OfServer, ui: BorgUi, isSame: boolean): void {
  if (state.__server === undefined || state.__server === ui.server.url || isSame) return;
  throw new ProviderError(
    "refused",
    `Borg UI at ${ui.server.url} does not show the ${what}, which is one of ${state.__server}: it is not taken for gone. ` +
      "Give that address. For another server, use a Provider of its own.",
  );
}
