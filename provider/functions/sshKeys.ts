import type { Key } from "../api";
import type { DataFunction } from "../function";
import { type SshKeyState, toState } from "../resources/sshKey";
import { chooseOne, type IdOrName, idOrName } from "./choose";

/** A registered SSH key, as a data function tells it. */
export interface SshKeyInfo extends Omit<SshKeyState, "__account"> {
  id: string;
  /** ISO 8601; absent: never. */
  lastUsedAt?: string;
}

function toInfo(key: Key): SshKeyInfo {
  return { id: key.id, ...toState(key), ...(key.lastUsedAt && { lastUsedAt: key.lastUsedAt }) };
}

export const getSshKey: DataFunction<IdOrName, SshKeyInfo> = {
  args: idOrName,
  async run(wanted, context) {
    return toInfo(chooseOne("SSH key", await (await context.api()).keys.latest(), wanted));
  },
};

export const getSshKeys: DataFunction<object, SshKeyInfo[]> = {
  async args() {
    return (await import("../zod.js")).z.strictObject({}, { error: "takes no arguments" });
  },
  async run(_, context) {
    return (await (await context.api()).keys.latest()).map(toInfo);
  },
};
