import type { ServerConnection } from "../borgui";
import { ProviderError } from "../errors";
import { toState as connectionState } from "../resources/borgui/connection/remote";
import { fingerprintOf } from "../resources/borgui/keyMaterial";
import {
  getConnectionsSchema,
  getServerSchema,
  getSystemKeySchema,
  type UiConnectionInfo,
  type UiServerInfo,
  type UiSystemKeyInfo,
} from "../schema/borgui/functions";
import type { DataFunction } from "./dataFunction";

export const getServer: DataFunction<object, UiServerInfo> = {
  schema: getServerSchema,
  async run(_, context) {
    const { app_version, borg_version, plan, feature_access } = await (await context.borgUi()).server.info();
    const features = Object.entries(feature_access).filter(([, included]) => included);
    return {
      ...(app_version !== undefined && { version: app_version }),
      ...(borg_version !== undefined && { borgVersion: borg_version }),
      ...(plan !== undefined && { plan }),
      features: features.map(([name]) => name).sort(),
    };
  },
};

export const getConnections: DataFunction<object, UiConnectionInfo[]> = {
  schema: getConnectionsSchema,
  async run(_, context) {
    const rows = await (await context.borgUi()).connections.refetchCoalesced();
    return rows.map((row) => toInfo(row, Date.now()));
  },
};

export const getSystemKey: DataFunction<object, UiSystemKeyInfo> = {
  schema: getSystemKeySchema,
  async run(_, context) {
    const [key] = await (await context.borgUi()).systemKeys.refetchCoalesced();
    if (!key) throw new ProviderError("notFound", "Borg UI has no system key: declare a borgui.SystemKey.");
    return {
      id: key.id,
      name: key.name,
      ...(key.description !== undefined && { description: key.description }),
      keyType: key.key_type,
      publicKey: key.public_key,
      fingerprintSha256: await fingerprintOf(key),
      connectionCount: key.connection_count,
      activeConnections: key.active_connections,
    };
  },
};

/** The longest test takes half a minute. A server that ends during one leaves the status for ever. Milliseconds. */
const LONGEST_TEST = 60_000;

function toInfo(row: ServerConnection, now: number): UiConnectionInfo {
  const isLost = row.status === "testing" && now - Date.parse(row.last_test ?? "") > LONGEST_TEST;
  const { storage } = row;
  const info = {
    id: row.id,
    ...connectionState(row, {}),
    keyName: row.ssh_key_name,
    status: isLost ? "failed" : STATUSES.includes(row.status) ? row.status : "unknown",
    lastTest: row.last_test,
    lastSuccess: row.last_success,
    errorMessage: isLost ? "the server ended during the test" : row.error_message,
    storage: storage && {
      total: storage.total,
      used: storage.used,
      available: storage.available,
      percentUsed: storage.percent_used,
      totalFormatted: storage.total_formatted,
      usedFormatted: storage.used_formatted,
      availableFormatted: storage.available_formatted,
      lastCheck: storage.last_check,
    },
  };
  // Without what is unset.
  return JSON.parse(JSON.stringify(info));
}

const STATUSES = ["connected", "failed", "testing"];
