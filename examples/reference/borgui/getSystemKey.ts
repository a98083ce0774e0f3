import * as borgbase from "pulumi-borgbase";
import { connection } from "./connection";

/** Number of connections that would fail without the key. */
export const users = borgbase.borgui.getSystemKeyOutput({ dependsOn: [connection] }).connectionCount;
