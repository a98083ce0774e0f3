import * as pulumi from "@pulumi/pulumi";
import * as borgbase from "pulumi-borgbase";
import { pair } from "./keyPair";

const config = new pulumi.Config();

export const connection = new borgbase.SshConnection("box", {
  host: config.require("host"),
  port: config.requireNumber("port"),
  username: config.require("username"),
  hostKey: config.require("hostKey"),
  // Used for the first login only.
  password: config.requireSecret("password"),
  publicKey: pair.publicKey,
  // Proves every deployment by a login with the deployed key.
  privateKey: pair.privateKey,
});

export const { knownHosts, status } = connection;
