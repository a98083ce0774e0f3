import * as pulumi from "@pulumi/pulumi";
import type { GivenConfig } from "../provider/config";
import type { Journal } from "../provider/journal";
import { settingsFor } from "./provider";

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
  if (pulumi.runtime.isDryRun() || savesOnlyAtTheEnd()) return;
  const origin = `${pulumi.getProject()}/${pulumi.getStack()}/${name}`;
  pulumi.all([resource.id, settingsOf(provider)]).apply(async ([, settings]) => {
    (await journalOf(settings)).confirm(type, origin);
  });
}

/** With this variable the engine saves its state once, at the end of the run (pulumi/pulumi, `sdk/go/common/env`). */
function savesOnlyAtTheEnd(): boolean {
  return /^(1|true)$/i.test(process.env.PULUMI_SKIP_CHECKPOINTS ?? "");
}

// Both are made once, as a program may well have a thousand resources.
const known = new WeakMap<pulumi.ProviderResource, pulumi.Output<GivenConfig>>();
const journals = new Map<string | undefined, Promise<Journal>>();

function settingsOf(provider: pulumi.ProviderResource): pulumi.Output<GivenConfig> {
  const settings = known.get(provider) ?? pulumi.unsecret(settingsFor({ provider }));
  known.set(provider, settings);
  return settings;
}

function journalOf(settings: GivenConfig): Promise<Journal> {
  const journal = journals.get(settings.endpoint) ?? openJournal(settings);
  journals.set(settings.endpoint, journal);
  return journal;
}

async function openJournal(settings: GivenConfig): Promise<Journal> {
  const { Journal } = await import("../provider/journal.js");
  const { resolveConfig } = await import("../provider/config.js");
  return new Journal(resolveConfig(settings).endpoint);
}
