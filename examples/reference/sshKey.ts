import * as borgbase from "pulumi-borgbase";
import { pair } from "./keyPair";

export const key = new borgbase.SshKey("web-1", { publicKey: pair.publicKey });
