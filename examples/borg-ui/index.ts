import * as pulumi from "@pulumi/pulumi";
import * as borgbase from "pulumi-borgbase";

const passphrase = new pulumi.Config().requireSecret("passphrase");

// The server makes its key. The private half never leaves it, and no password is needed anywhere.
const systemKey = new borgbase.borgui.SystemKey("borg-ui");

// BorgBase lets that key in.
const key = new borgbase.SshKey("borg-ui", { publicKey: systemKey.publicKey });
const repo = new borgbase.Repo("borg-ui", { region: "eu", fullAccessKeys: [key.id], alertDays: 2 });

// Borg UI gets to know BorgBase, and proves that its key logs in.
const connection = new borgbase.borgui.Connection("borgbase", {
  host: repo.repoPath.apply((path) => new URL(path).hostname),
  port: repo.repoPath.apply((path) => Number(new URL(path).port || 22)),
  username: repo.id,
  keyId: systemKey.id,
  // For a server that pins no host keys. A newer one takes hostKey instead.
  trustAnyHostKey: true,
});

// `borg init` at BorgBase, by the server.
const repository = new borgbase.borgui.Repository("server", {
  connectionId: connection.id,
  path: "/./repo",
  passphrase,
});

const plan = new borgbase.borgui.BackupPlan("server", {
  sourceDirectories: ["/etc"],
  repositoryIds: [repository.id],
  cron: "0 4 * * *",
  timezone: "Europe/Berlin",
  retention: { daily: 7, weekly: 4, monthly: 6 },
});

export const planId = plan.id;
export const repositoryId = repository.id;
export const { url } = repository;
