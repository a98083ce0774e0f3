import * as pulumi from "@pulumi/pulumi";
import * as borgbase from "pulumi-borgbase";

const config = new pulumi.Config();

/** Result of the last backup, and what a failed one said. */
export const lastBackup = borgbase.getBackupStatusOutput({
  connection: {
    host: config.require("machine"),
    username: "root",
    hostKey: config.require("machineHostKey"),
    privateKey: config.requireSecret("machinePrivateKey"),
  },
  name: "web-1",
});
