import type { RemoteRepo, RepoArguments } from "../../api";
import { type Compaction, isOff, type RepoInputs, type RepoState } from "../../schema/repo";

/** The remote's shape as state. `kept` is what the remote does not know. */
export function toState(remote: RemoteRepo, kept: Partial<RepoState>): RepoState {
  const path = splitPassword(remote.repoPath);
  const isRestic = remote.format.toLowerCase() === "restic";
  const password = remote.htpasswd ?? path.password;
  return {
    name: remote.name,
    region: remote.region,
    format: remote.format,
    quota: remote.quotaEnabled ? Math.round(remote.quota) : 0,
    alertDays: remote.alertDays,
    appendOnlyKeys: remote.appendOnlyKeys,
    fullAccessKeys: remote.fullAccessKeys,
    rsyncKeys: remote.rsyncKeys,
    appendOnly: remote.appendOnly,
    sftpEnabled: remote.sftpEnabled,
    ...(remote.borgVersion && !isRestic && { borgVersion: remote.borgVersion }),
    ...(remote.compactionEnabled && { compaction: compactionOf(remote) }),
    forceDestroy: kept.forceDestroy ?? false,
    repoPath: path.plain,
    ...(isRestic && password && { resticUrl: resticUrl(remote.id, path.plain, password) }),
    ...(password && { htpasswd: password }),
    server: JSON.parse(JSON.stringify(remote.server ?? {})),
    ...(remote.createdAt && { createdAt: remote.createdAt }),
    ...(kept.__account && { __account: kept.__account }),
  };
}

function compactionOf(remote: RemoteRepo): Compaction {
  return {
    interval: remote.compactionInterval,
    unit: (remote.compactionIntervalUnit ?? "weeks").toLowerCase() as Compaction["unit"],
    hour: remote.compactionHour,
    timezone: remote.compactionHourTimezone ?? "UTC",
  };
}

const WITH_PASSWORD = /^((?:rest:)?https?:\/\/)([^:/@]*):([^@/]*)@/;

function splitPassword(path: string): { plain: string; password: string | undefined } {
  const password = WITH_PASSWORD.exec(path)?.[3];
  return { plain: path.replace(WITH_PASSWORD, "$1"), password: password && decodeURIComponent(password) };
}

/** `rest:https://ID:PASSWORD@ID.repo.borgbase.com` (clevyr/borgbase-operator), or at the address that the API names. */
function resticUrl(id: string, path: string, password: string): string {
  const address = /^(?:rest:)?(https?:\/\/.*)$/.exec(path)?.[1] ?? `https://${id}.repo.borgbase.com`;
  const url = new URL(address);
  url.username = id;
  url.password = password;
  return `rest:${url.href}`;
}

/** The API's arguments for the named ones of ours. `forceDestroy` and `existingId` are none of the API's business. */
export function toArguments(inputs: RepoInputs, names: readonly string[]): RepoArguments {
  const { quota, compaction, forceDestroy: _, existingId: __, ...plain } = inputs;
  const has = (name: keyof RepoInputs) => names.includes(name) && inputs[name] !== undefined;
  return {
    ...Object.fromEntries(Object.entries(plain).filter(([name]) => names.includes(name))),
    ...(has("quota") && (quota ? { quotaEnabled: true, quota } : { quotaEnabled: false })),
    ...(has("compaction") &&
      (compaction && !isOff(compaction)
        ? {
            compactionEnabled: true,
            compactionInterval: compaction.interval,
            compactionIntervalUnit: compaction.unit,
            compactionHour: compaction.hour,
            compactionHourTimezone: compaction.timezone,
          }
        : { compactionEnabled: false })),
  };
}
