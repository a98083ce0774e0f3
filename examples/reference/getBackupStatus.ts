import * as pulumi from "@pulumi/pulumi";
import * as borgbase from "pulumi-borgbase";
import { job } from "./backupJob";

const config = new pulumi.Config();

/** Result of the last backup, and what a failed one said. */
export const lastBackup = borgbase.getBackupStatusOutput({
  connection: {
    host: config.require("machine"),
    port: config.getNumber("machinePort"),
    username: "root",
    hostKey: config.require("machineHostKey"),
    privateKey: config.requireSecret("machinePrivateKey"),
  },
  name: job.name,
});
