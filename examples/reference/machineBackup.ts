import * as pulumi from "@pulumi/pulumi";
import * as borgbase from "pulumi-borgbase";

const config = new pulumi.Config();

const web2 = new borgbase.MachineBackup("web-2", {
  connection: {
    host: config.require("machine"),
    port: config.getNumber("machinePort"),
    username: "root",
    hostKey: config.require("machineHostKey"),
    privateKey: config.requireSecret("machinePrivateKey"),
  },
  region: "eu",
  paths: ["/etc", "/srv"],
  passphrase: config.requireSecret("passphrase"),
  // Another value exchanges the machine's key in one deployment.
  keepers: { rotated: "2026-11" },
  job: { schedule: { at: "02:30" }, exclude: ["*/node_modules"] },
});

export const { repoPath } = web2;
