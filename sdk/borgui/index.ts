/** Borg UI for Pulumi: keys, connections, repositories and backup plans of a Borg UI server. */
export { BackupPlan, type BackupPlanArgs } from "./backupPlan";
export { Connection, type ConnectionArgs } from "./connection";
export * from "./functions";
export type * from "./functionTypes";
export { Key, type KeyArgs } from "./key";
export { Repository, type RepositoryArgs } from "./repository";
export { SystemKey, type SystemKeyArgs } from "./systemKey";
export type * from "./types";
