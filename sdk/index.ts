/** BorgBase for Pulumi: SSH keys, backup repositories, SSH connections, backup jobs, and Borg UI servers. */
export { BackupJob, type BackupJobArgs } from "./backupJob";
export * as borgui from "./borgui";
export * from "./functions";
export type * from "./functionTypes";
export { KeyPair, type KeyPairArgs } from "./keyPair";
export { MachineBackup, type MachineBackupArgs } from "./machineBackup";
export { Provider, type ProviderArgs } from "./provider";
export { Repo, type RepoArgs } from "./repo";
export { SshConnection, type SshConnectionArgs } from "./sshConnection";
export { SshKey, type SshKeyArgs } from "./sshKey";
export type * from "./types";
