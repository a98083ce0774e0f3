import { ProviderError } from "../errors";
import {
  type ConnectionInfo,
  getStorageSchema,
  type StorageArgs,
  type StorageInfo,
  testConnectionSchema,
  type Where,
} from "../schema/functions";
import type { Target } from "../ssh/connection/target";
import { pathProblem } from "../ssh/files/paths";
import { asProviderErrors } from "../ssh/toProviderError";
import type { DataFunction } from "./dataFunction";

function target(where: Where): Target {
  const { privateKey, passphrase, password, agent, hostKey, host, port, username, timeout, proxyJump } = where;
  const credentials = [{ privateKey, passphrase }, { agent: agent || undefined }, { password }];
  return {
    host,
    port,
    username,
    timeout,
    hostKey,
    ...(proxyJump !== undefined && { proxyJump }),
    credentials: credentials.filter((each) => Object.values(each).some(Boolean)),
  };
}

/** Free space on a host, also without a shell. */
export const getStorage: DataFunction<StorageArgs, StorageInfo> = {
  schema: getStorageSchema,
  async run({ path, ...where }) {
    const { storage } = await import("../ssh/files/storage.js");
    const { sshPathPrefix } = where;
    for (const [name, value] of Object.entries({ path, sshPathPrefix })) {
      const reason = value === undefined ? undefined : pathProblem(value, where.username);
      if (reason !== undefined) throw new ProviderError("input", `${name}: ${reason}`);
    }
    return asProviderErrors(() =>
      storage({ ...target(where), ...(sshPathPrefix !== undefined && { sshPathPrefix }) }, path),
    );
  },
};

/** Tests a connection step by step. A failed step is a result; only invalid arguments are an error. */
export const testConnection: DataFunction<Where, ConnectionInfo> = {
  schema: testConnectionSchema,
  async run(where) {
    const { testConnection: test } = await import("../ssh/connection/testConnection.js");
    const { hostKey: _, ...result } = await asProviderErrors(() => test(target(where)));
    return JSON.parse(JSON.stringify(result));
  },
};
