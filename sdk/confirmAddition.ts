import * as pulumi from "@pulumi/pulumi";
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
  if (pulumi.runtime.isDryRun()) return;
  pulumi.all([resource.id, pulumi.unsecret(settingsFor({ provider }))]).apply(async ([, settings]) => {
    const { Journal } = await import("../provider/journal.js");
    const { resolveConfig } = await import("../provider/config.js");
    const origin = `${pulumi.getProject()}/${pulumi.getStack()}/${name}`;
    new Journal(resolveConfig(settings).endpoint).confirm(type, origin);
  });
}
