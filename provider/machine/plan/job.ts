import { type BackupJobInputs, DEFAULT_CHECKS } from "../../schema/backupJob";
import type { Job } from "./types";

/**
 * The job of a program's arguments, with a default for every unset one.
 * @param inputs with the name that the resource has
 * @param knownHosts lines of `known_hosts` whose keys match the declared fingerprints
 */
export function jobOf(inputs: Readonly<BackupJobInputs> & { name: string }, knownHosts?: string): Job {
  return {
    name: inputs.name,
    repository: inputs.repository,
    knownHosts,
    privateKey: inputs.privateKey,
    passphrase: inputs.passphrase,
    remotePath: inputs.remotePath || undefined,
    paths: inputs.paths,
    exclude: inputs.exclude ?? [],
    excludeIfPresent: inputs.excludeIfPresent ?? [],
    excludeCaches: inputs.excludeCaches ?? true,
    oneFileSystem: inputs.oneFileSystem ?? false,
    compression: inputs.compression ?? "auto,zstd",
    archiveName: inputs.archiveName || defaultArchiveName(inputs.name),
    uploadLimit: inputs.uploadLimit || undefined,
    retention: isEmpty(inputs.retention) ? undefined : inputs.retention,
    checks: inputs.checks ?? DEFAULT_CHECKS,
    schedule: inputs.schedule ?? "daily",
    scheduler: inputs.scheduler ?? "auto",
    hooks: inputs.hooks ?? {},
    healthchecks: inputs.healthchecks || undefined,
    borgmatic: inputs.borgmatic ?? {},
    serviceOptions: inputs.serviceOptions ?? {},
  };
}

/** Archives of several hosts or jobs may share a repository, so a name tells both. */
export function defaultArchiveName(job: string): string {
  return `{hostname}-${job}-{now:%Y-%m-%dT%H:%M:%S}`;
}

function isEmpty(value: object | undefined): boolean {
  return Object.values(value ?? {}).every((each) => each === undefined);
}
