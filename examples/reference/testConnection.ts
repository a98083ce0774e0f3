import * as borgbase from "pulumi-borgbase";
import { pair } from "./keyPair";
import { connection } from "./sshConnection";

/** `connected`, or `failed` with the reason in `error`. */
export const login = borgbase.testConnectionOutput({
  host: connection.host,
  port: connection.port,
  username: connection.username,
  hostKey: connection.knownHosts,
  privateKey: pair.privateKey,
}).status;
