import * as pulumi from "@pulumi/pulumi";
import type { GivenConfig } from "../provider/config";
import type { Journal } from "../provider/journal";
import { settingsFor } from "./provider";
import { mocksInUse, savesOnlyAtTheEnd } from "./pulumiInternals";

/**
 * Tells the journal that the engine knows the object: it answers a program only once it has saved its state. Else the
 * journal would take the first replacement by `pulumi up --replace`, for which no diff is asked, for an interrupted run.
 */
export function confirmAddition(
  resource: pulumi.CustomResource,
  type: string,
  name: string,
  provider: pulumi.ProviderResource,
) {
  // The journal of this machine is no business of a unit test, which may well name a real stack.
  if (pulumi.runtime.isDryRun() || savesOnlyAtTheEnd() || mocksInUse()) return;
  const origin = `${pulumi.getProject()}/${pulumi.getStack()}/${name}`;
  resource.id.apply(async () => (await journalOf(provider)).confirm(type, origin));
}

// One per provider, as a program may well have a thousand resources.
const journals = new WeakMap<pulumi.ProviderResource, Promise<Journal>>();

/** A promise and no output: an output would take the journal apart, looking for outputs in it. */
function journalOf(provider: pulumi.ProviderResource): Promise<Journal> {
  const journal =
    journals.get(provider) ??
    new Promise((resolve, reject) => {
      settingsFor({ provider }).apply((settings) => openJournal(settings).then(resolve, reject));
    });
  journals.set(provider, journal);
  return journal;
}

async function openJournal(settings: GivenConfig): Promise<Journal> {
  const { Journal } = await import("../provider/journal.js");
  const { resolveConfig } = await import("../provider/config.js");
  return new Journal(resolveConfig(settings).endpoint);
}
