import * as pulumi from "@pulumi/pulumi";
import * as borgbase from "pulumi-borgbase";

const config = new pulumi.Config();

// One pair for each name, known by it: adding a name touches no other key.
const pairs = config
  .require("keys")
  .split(",")
  .map((name) => ({ name, pair: new borgbase.KeyPair(name, { comment: `web-1 ${name}` }) }));

const keys = pairs.map(({ name, pair }) => new borgbase.SshKey(name, { publicKey: pair.publicKey }));

const repo = new borgbase.Repo("web-1", {
  region: "eu",
  appendOnlyKeys: keys.map((key) => key.id),
  alertDays: 2,
});

export const repoPath = repo.repoPath;

/** By the key's name; secret. */
export const privateKeys = Object.fromEntries(pairs.map(({ name, pair }) => [name, pair.privateKey]));
