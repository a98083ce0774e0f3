import type { RemoteRepo, RepoArguments } from "../../api";
import { type Compaction, isOff, type RepoInputs } from "./arguments";

/** Where a repository lives. The fingerprints are `SHA256:…`, of the host that `repoPath` names. */
export interface RepoServer {
  hostname?: string;
  region?: string;
  location?: string;
  fingerprintRsa?: string;
  fingerprintEcdsa?: string;
  fingerprintEd25519?: string;
}

/** The outputs of a `Repo`: every argument as the API holds it, and what only the API knows. Its id is BorgBase's. */
export interface RepoState {
  name: string;
  region: string;
  format: string;
  /** MB; 0: no quota. */
  quota: number;
  alertDays: number;
  appendOnlyKeys: string[];
  fullAccessKeys: string[];
  rsyncKeys: string[];
  appendOnly: boolean;
  sftpEnabled: boolean;
  /** Absent where the format is not borg's. */
  borgVersion?: string;
  /** Absent: off. */
  compaction?: Compaction;
  forceDestroy: boolean;
  keepOnDelete: boolean;
  /** What `borg` takes as its repository, for example `ssh://ID@ID.repo.borgbase.com/./repo`. Holds no password. */
  repoPath: string;
  /** What `restic` takes as its repository, password included. Restic repositories only. Secret. */
  resticUrl?: string;
  /** The password of restic's REST protocol. Secret. */
  htpasswd?: string;
  server: RepoServer;
  /** ISO 8601. */
  createdAt?: string;
  /** Whose it is: the user name of the account, where the token may ask. */
  __account?: string;
}

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
    keepOnDelete: kept.keepOnDelete ?? false,
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

/** The API's arguments for the named ones of ours. The provider's own are none of the API's business. */
export function toArguments(inputs: RepoInputs, names: readonly string[]): RepoArguments {
  const { quota, compaction, forceDestroy, keepOnDelete, existingId, ...plain } = inputs;
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
