/** BorgBase for Pulumi: SSH keys, backup repositories and SSH connections. */
export * from "./functions";
export { KeyPair, type KeyPairArgs } from "./keyPair";
export { Provider, type ProviderArgs } from "./provider";
export { type Compaction, Repo, type RepoArgs, type RepoServer } from "./repo";
export { SshConnection, type SshConnectionArgs } from "./sshConnection";
export { SshKey, type SshKeyArgs } from "./sshKey";
