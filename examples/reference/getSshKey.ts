import * as borgbase from "pulumi-borgbase";
import { key } from "./sshKey";

/** Unset until a machine has logged in with the key. */
export const lastUsedAt = borgbase.getSshKeyOutput({ name: key.name }).lastUsedAt;
