import * as borgbase from "pulumi-borgbase";
import { pair } from "./keyPair";
import { connection } from "./sshConnection";

/** Percent of the space that this account could use. */
export const percentUsed = borgbase.getStorageOutput({
  host: connection.host,
  port: connection.port,
  username: connection.username,
  hostKey: connection.knownHosts,
  privateKey: pair.privateKey,
}).percentUsed;
