import type { Key } from "../api";
import type { DataFunction } from "../function";
import { toState } from "../resources/sshKey";
import { getSshKeySchema, getSshKeysSchema, type IdOrName, type SshKeyInfo } from "../schema/functions";
import { chooseOne } from "./choose";

function toInfo(key: Key): SshKeyInfo {
  return { id: key.id, ...toState(key), ...(key.lastUsedAt && { lastUsedAt: key.lastUsedAt }) };
}

export const getSshKey: DataFunction<IdOrName, SshKeyInfo> = {
  schema: getSshKeySchema as unknown as DataFunction<IdOrName, SshKeyInfo>["schema"],
  async run(wanted, context) {
    return toInfo(chooseOne("SSH key", await (await context.api()).keys.latest(), wanted));
  },
};

export const getSshKeys: DataFunction<object, SshKeyInfo[]> = {
  schema: getSshKeysSchema,
  async run(_, context) {
    return (await (await context.api()).keys.latest()).map(toInfo);
  },
};
