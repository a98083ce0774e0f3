import * as pulumi from "@pulumi/pulumi";
import * as borgbase from "pulumi-borgbase";
import { pair } from "./keyPair";
import { repo } from "./repo";

const config = new pulumi.Config();

export const job = new borgbase.BackupJob("web-1", {
  connection: {
    host: config.require("machine"),
    port: config.getNumber("machinePort"),
    username: "root",
    hostKey: config.require("machineHostKey"),
    privateKey: config.requireSecret("machinePrivateKey"),
  },
  repository: repo.repoPath,
  // Keys of the repository's server are pinned on the machine only where they match.
  repositoryHostKeys: repo.server,
  privateKey: pair.privateKey,
  passphrase: config.requireSecret("passphrase"),
  paths: ["/etc", "/srv"],
  exclude: ["*/node_modules"],
});

/** With the passphrase, all that a restore needs. Secret. */
export const { repositoryKey, unit } = job;
