export { account } from "./getAccount";
export { usage } from "./getRepo";
export { unwatched } from "./getRepos";
export { lastUsedAt } from "./getSshKey";
export { algorithms } from "./getSshKeys";
export { percentUsed } from "./getStorage";
export { repoPath } from "./repo";
export { knownHosts, status } from "./sshConnection";
export { login } from "./testConnection";
