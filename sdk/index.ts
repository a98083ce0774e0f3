/** BorgBase for Pulumi: SSH keys, backup repositories and SSH connections. */
export * from "./functions";
export type * from "./functionTypes";
export { KeyPair, type KeyPairArgs } from "./keyPair";
export { Provider, type ProviderArgs } from "./provider";
export { Repo, type RepoArgs } from "./repo";
export { SshConnection, type SshConnectionArgs } from "./sshConnection";
export { SshKey, type SshKeyArgs } from "./sshKey";
export type * from "./types";
