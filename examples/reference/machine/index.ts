/* The examples that need a machine of their own, as one program. */
export { repositoryKey, unit } from "../backupJob";
export { lastBackup } from "../getBackupStatus";
export { repoPath } from "../machineBackup";
