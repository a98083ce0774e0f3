import * as pulumi from "@pulumi/pulumi";
import type { GivenConfig } from "../provider/config";
import type { PendingCreates } from "../provider/pendingCreates";
import { settingsFor } from "./provider";
import { isRegisteredWhole, mocksInUse, savesOnlyAtTheEnd } from "./pulumiInternals";

/**
 * Tells the journal that the engine knows the object: it answers a program only once it has saved its state. Else the
 * journal would take the first replacement by `pulumi up --replace`, for which no diff is asked, for an interrupted run.
 * That waits for the end of the program: after a run that was killed, a person may go on from the backup of the state,
 * which is older than what the engine saved last.
 */
export function acknowledgeCreate(
  resource: pulumi.CustomResource,
  type: string,
  name: string,
  provider: pulumi.ProviderResource,
) {
  // The journal of this machine is no business of a unit test, which may well name a real stack.
  if (pulumi.runtime.isDryRun() || savesOnlyAtTheEnd() || mocksInUse()) return;
  const origin = `${pulumi.getProject()}/${pulumi.getStack()}/${name}`;
  // No promise of an output: the SDK would take one that is still open at the end for a leak.
  resource.id.apply(() => {
    void Promise.all([pendingCreatesOf(provider), isRegisteredWhole()]).then(
      ([pendingCreates, isWhole]) => isWhole && pendingCreates.acknowledge(type, origin),
      () => {},
    );
  });
}

// One per provider, as a program may well have a thousand resources.
const byProvider = new WeakMap<pulumi.ProviderResource, Promise<PendingCreates>>();

/** A promise and no output: an output would take the journal apart, looking for outputs in it. */
function pendingCreatesOf(provider: pulumi.ProviderResource): Promise<PendingCreates> {
  const pending =
    byProvider.get(provider) ??
    new Promise((resolve, reject) => {
      settingsFor({ provider }).apply((settings) => openPendingCreates(settings).then(resolve, reject));
    });
  byProvider.set(provider, pending);
  return pending;
}

async function openPendingCreates(settings: GivenConfig): Promise<PendingCreates> {
  const { PendingCreates } = await import("../provider/pendingCreates.js");
  const { resolveConfig } = await import("../provider/config.js");
  return new PendingCreates(resolveConfig(settings).endpoint);
}
