import * as pulumi from "@pulumi/pulumi";
import * as borgbase from "pulumi-borgbase";
import { BackupTarget } from "./backupTarget";

const config = new pulumi.Config();

const machines = {
  "web-1": { alertDays: 1, quota: 50_000 },
  "db-1": { alertDays: 1, quota: 500_000 },
  // Is switched off on weekends.
  laptop: { alertDays: 4 },
};

const admin = new borgbase.SshKey("admin", { publicKey: config.require("adminPublicKey") });

/** By machine: where it backs up to, and its private key (secret). */
export const targets = Object.fromEntries(
  Object.entries(machines).map(([machine, settings]) => {
    const { repoPath, privateKey } = new BackupTarget(machine, { adminKey: admin.id, ...settings });
    return [machine, { repoPath, privateKey }];
  }),
);
