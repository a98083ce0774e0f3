import * as pulumi from "@pulumi/pulumi";
import type { PendingCreates } from "../provider/pendingCreates";
import type { ProviderSettings } from "../provider/settings";
import { parentTypesIn } from "./parentTypes";
import { settingsFor } from "./provider";
import { isRegisteredWhole, mocksInUse, savesOnlyAtTheEnd } from "./pulumiInternals";

/**
 * Ends the pending create, as the state contains the object: the engine saves it before it answers the program. Without
 * this, the first `pulumi up --replace` would look like an interrupted run, as the engine sends no diff for it.
 * Waits for the end of the program. After a killed run a user may restore the backup of the state, which lacks the object.
 */
export function acknowledgeCreate(
  resource: pulumi.CustomResource,
  type: string,
  name: string,
  provider: pulumi.ProviderResource | undefined,
) {
  // A unit test may use the name of a real stack, and must not end its pending creates.
  if (pulumi.runtime.isDryRun() || savesOnlyAtTheEnd() || mocksInUse()) return;
  // Not awaited in the output: the SDK reports a promise that is open at the end as a leak.
  pulumi.all([resource.urn, resource.id]).apply(([urn]) => {
    const parents = parentTypesIn(urn);
    const origin = `${pulumi.getProject()}/${pulumi.getStack()}/${parents && `${parents}::`}${name}`;
    void Promise.all([pendingCreatesOf(type, provider), isRegisteredWhole()]).then(
      ([pendingCreates, isWhole]) => isWhole && pendingCreates.acknowledge(type, origin),
      () => {},
    );
  });
}

// One per provider, as a program may have a thousand resources.
const byProvider = new WeakMap<object, Promise<OfServices>>();

type OfServices = Record<"borgBase" | "borgUi", PendingCreates>;

/** A promise: an output would search the whole value for outputs. */
async function pendingCreatesOf(type: string, provider: pulumi.ProviderResource | undefined): Promise<PendingCreates> {
  const { serviceOf } = await import("../provider/pendingCreates.js");
  return (await pendingCreatesOfServices(provider))[serviceOf(type)];
}

function pendingCreatesOfServices(provider: pulumi.ProviderResource | undefined): Promise<OfServices> {
  const key = provider ?? pulumi.runtime.getStackResource() ?? byProvider;
  const pending =
    byProvider.get(key) ??
    new Promise((resolve, reject) => {
      settingsFor({ ...(provider && { provider }) }).apply((settings) =>
        openPendingCreates(settings).then(resolve, reject),
      );
    });
  byProvider.set(key, pending);
  return pending;
}

async function openPendingCreates(settings: ProviderSettings): Promise<OfServices> {
  const { pendingCreatesFor } = await import("../provider/hosts/connection.js");
  return pendingCreatesFor(settings);
}
