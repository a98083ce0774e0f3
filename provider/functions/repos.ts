import type { ApiRepo } from "../api";
import { toState } from "../resources/repo/remote";
import { getRepoSchema, getReposSchema, type IdOrName, type RepoInfo } from "../schema/functions";
import type { DataFunction } from "./dataFunction";
import { chooseOne } from "./lookup";

function toInfo(remote: ApiRepo): RepoInfo {
  const {
    forceDestroy: _,
    keepOnDelete: _keep,
    resticUrl: _url,
    htpasswd: _password,
    __account: _owner,
    ...plain
  } = toState(remote, {});
  return {
    id: remote.id,
    ...plain,
    currentUsage: remote.currentUsage,
    ...(remote.lastModified && { lastModified: remote.lastModified }),
  };
}

export const getRepo: DataFunction<IdOrName, RepoInfo> = {
  schema: getRepoSchema as unknown as DataFunction<IdOrName, RepoInfo>["schema"],
  async run(query, context) {
    return toInfo(chooseOne("repository", await (await context.api()).repos.refetchCoalesced(), query));
  },
};

/** Names are compared here, exactly: the match rule of the server's own filter is undocumented. */
export const getRepos: DataFunction<{ name?: string | undefined }, RepoInfo[]> = {
  schema: getReposSchema,
  async run({ name }, context) {
    const all = await (await context.api()).repos.refetchCoalesced();
    return all.filter((remote) => name === undefined || remote.name === name).map(toInfo);
  },
};
