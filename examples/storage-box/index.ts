import * as pulumi from "@pulumi/pulumi";
import * as borgbase from "pulumi-borgbase";

const config = new pulumi.Config();
const [host, port, username] = [config.require("host"), config.requireNumber("port"), config.require("username")];
const folder = "laptop";

const pair = new borgbase.KeyPair("laptop", { comment: "laptop" });

const box = new borgbase.SshConnection("box", {
  host,
  port,
  username,
  // Without the right host key no password is sent.
  hostKey: config.require("hostKey"),
  password: config.requireSecret("password"),
  publicKey: pair.publicKey,
  privateKey: pair.privateKey,
  // Whoever takes the laptop over can neither delete its backups nor see those of others.
  restrict: { borgServe: { path: folder, appendOnly: true } },
});

/** What borg takes as BORG_REPO. Known once the key is deployed and proven. */
export const repository = pulumi.interpolate`ssh://${box.username}@${box.host}:${box.port}/./${folder}`;
export const privateKey = pair.privateKey;
export const knownHosts = box.knownHosts;
