import type { ApiRepo, RepoMutationVars } from "../../api";
import { type Compaction, isOff, type RepoInputs, type RepoState, repoSchema } from "../../schema/repo";

/**
 * State of a repository. Fields that map one to one are copied.
 * @param local values that the API does not store
 */
export function toState(remote: ApiRepo, local: Partial<RepoState>): RepoState {
  const {
    id,
    quota,
    quotaEnabled,
    htpasswd,
    lastModified: _,
    currentUsage: __,
    compactionEnabled,
    compactionInterval,
    compactionIntervalUnit,
    compactionHour,
    compactionHourTimezone,
    repoPath,
    server,
    borgVersion,
    createdAt,
    ...oneToOne
  } = remote;
  const path = splitPassword(repoPath);
  const isRestic = remote.format.toLowerCase() === "restic";
  const password = htpasswd ?? path.password;
  return {
    ...oneToOne,
    quota: quotaEnabled ? Math.round(quota) : 0,
    ...(borgVersion && !isRestic && { borgVersion }),
    ...(compactionEnabled && {
      compaction: {
        interval: compactionInterval,
        unit: (compactionIntervalUnit ?? "weeks").toLowerCase() as Compaction["unit"],
        hour: compactionHour,
        timezone: compactionHourTimezone ?? "UTC",
      },
    }),
    forceDestroy: local.forceDestroy ?? false,
    keepOnDelete: local.keepOnDelete ?? false,
    repoPath: path.plain,
    ...(isRestic && password && { resticUrl: resticUrl(id, path.plain, password) }),
    ...(password && { htpasswd: password }),
    server: JSON.parse(JSON.stringify(server ?? {})),
    ...(createdAt && { createdAt }),
    ...(local.__account && { __account: local.__account }),
  };
}

const WITH_PASSWORD = /^((?:rest:)?https?:\/\/)([^:/@]*):([^@/]*)@/;

function splitPassword(path: string): { plain: string; password: string | undefined } {
  const password = WITH_PASSWORD.exec(path)?.[3];
  return { plain: path.replace(WITH_PASSWORD, "$1"), password: password && decodeURIComponent(password) };
}

/** `rest:https://ID:PASSWORD@ID.repo.borgbase.com` (clevyr/borgbase-operator), or the http address of the API. */
function resticUrl(id: string, path: string, password: string): string {
  const address = /^(?:rest:)?(https?:\/\/.*)$/.exec(path)?.[1] ?? `https://${id}.repo.borgbase.com`;
  const url = new URL(address);
  url.username = id;
  url.password = password;
  return `rest:${url.href}`;
}

/** Mutation variables of the named arguments. An argument without `api` in its declaration is no variable of its own. */
export async function toMutationVars(inputs: RepoInputs, names: readonly string[]): Promise<RepoMutationVars> {
  const fields: Record<string, { api?: string }> = await repoSchema.fields();
  const { quota, compaction } = inputs;
  const selected = Object.entries(inputs).filter(([name, value]) => names.includes(name) && value !== undefined);
  const has = (name: string) => selected.some(([each]) => each === name);
  return {
    ...Object.fromEntries(selected.filter(([name]) => fields[name]?.api !== undefined)),
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
