import * as pulumi from "@pulumi/pulumi";
import * as borgbase from "pulumi-borgbase";
import { pair } from "./keyPair";
import { repo } from "./repo";

/** User data for cloud-init of a machine that Pulumi cannot reach. Secret. */
export const userData = borgbase.renderBackupJobOutput({
  name: "web-1",
  repository: repo.repoPath,
  repositoryHostKeys: repo.server,
  privateKey: pair.privateKey,
  passphrase: new pulumi.Config().requireSecret("passphrase"),
  paths: ["/etc", "/srv"],
}).script;
