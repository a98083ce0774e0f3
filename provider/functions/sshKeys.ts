import type { Key } from "../api";
import { toState } from "../resources/sshKey";
import { getSshKeySchema, getSshKeysSchema, type IdOrName, type SshKeyInfo } from "../schema/functions";
import type { DataFunction } from "./dataFunction";
import { chooseOne } from "./lookup";

function toInfo(key: Key): SshKeyInfo {
  return { id: key.id, ...toState(key), ...(key.lastUsedAt && { lastUsedAt: key.lastUsedAt }) };
}

export const getSshKey: DataFunction<IdOrName, SshKeyInfo> = {
  schema: getSshKeySchema as unknown as DataFunction<IdOrName, SshKeyInfo>["schema"],
  async run(query, context) {
    return toInfo(chooseOne("SSH key", await (await context.api()).keys.refetchCoalesced(), query));
  },
};

export const getSshKeys: DataFunction<object, SshKeyInfo[]> = {
  schema: getSshKeysSchema,
  async run(_, context) {
    return (await (await context.api()).keys.refetchCoalesced()).map(toInfo);
  },
};
