import * as pulumi from "@pulumi/pulumi";
import * as borgbase from "pulumi-borgbase";

const config = new pulumi.Config();

// A pair that lives in the state alone; its public half is registered with BorgBase.
const pair = new borgbase.KeyPair("laptop", { comment: "laptop" });
const key = new borgbase.SshKey("laptop", { publicKey: pair.publicKey });

const repo = new borgbase.Repo("laptop", {
  region: "eu",
  fullAccessKeys: [key.id],
  alertDays: 2,
  compaction: { interval: 1, unit: "weeks", hour: 4, timezone: "UTC" },
  // A repository that holds backups is not destroyed, unless this was true at the last `pulumi up`.
  forceDestroy: config.getBoolean("forceDestroy"),
});

export const repoPath = repo.repoPath;
export const privateKey = pair.privateKey;
export const hostFingerprints = repo.server;
