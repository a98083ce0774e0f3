import * as pulumi from "@pulumi/pulumi";
import * as borgbase from "pulumi-borgbase";

const config = new pulumi.Config();
const host = config.require("host");

const web = new borgbase.MachineBackup("web-1", {
  connection:
    host === "local"
      ? "local"
      : {
          host,
          port: config.requireNumber("port"),
          username: "root",
          hostKey: config.require("hostKey"),
          privateKey: config.requireSecret("privateKey"),
        },
  region: "eu",
  paths: ["/etc", "/srv"],
  passphrase: config.requireSecret("passphrase"),
  // The repository stays while it holds backups, unless this is true.
  forceDestroy: config.requireBoolean("forceDestroy"),
  keepers: { rotated: config.require("rotated") },
  job: { exclude: ["*/node_modules"], schedule: { onCalendar: config.require("onCalendar") } },
});

export const { repoPath } = web;
export const unit = web.job.unit;

/** With the passphrase, all that a restore needs: keep both outside the machine. Secret. */
export const { repositoryKey } = web;
