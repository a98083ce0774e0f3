import * as pulumi from "@pulumi/pulumi";
import * as borgbase from "pulumi-borgbase";

const pair = new borgbase.KeyPair("web-1", { comment: "root@web-1" });
const key = new borgbase.SshKey("web-1", { publicKey: pair.publicKey });

const repo = new borgbase.Repo("web-1", {
  region: "eu",
  appendOnlyKeys: [key.id],
  alertDays: new pulumi.Config().requireNumber("alertDays"),
  compaction: { interval: 1, unit: "weeks", hour: 3, timezone: "UTC" },
});

export const repoPath = repo.repoPath;
