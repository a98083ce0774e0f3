import * as pulumi from "@pulumi/pulumi";
import * as borgbase from "pulumi-borgbase";
import { connection } from "./connection";

/** `borg init` runs at the Borg UI server. The passphrase is the only way to the archives: keep a copy. */
export const repository = new borgbase.borgui.Repository("home", {
  connectionId: connection.id,
  path: "/./repo",
  passphrase: new pulumi.Config().requireSecret("passphrase"),
  checkSchedule: { cron: "0 5 * * 0", timezone: "Europe/Berlin" },
});

export const { url } = repository;
