import type { RemoteRepo } from "../api";
import type { DataFunction } from "../function";
import { type RepoState, toState } from "../resources/repo/remote";
import { chooseOne, type IdOrName, idOrName } from "./choose";

/** A repository, as a data function tells it: no passwords, but what changes with every backup. */
export interface RepoInfo
  extends Omit<RepoState, "forceDestroy" | "keepOnDelete" | "resticUrl" | "htpasswd" | "__account"> {
  id: string;
  /** MB. */
  currentUsage: number;
  /** ISO 8601; absent: never. A hint, no proof of a backup: BorgBase counts compaction as a modification too. */
  lastModified?: string;
}

function toInfo(remote: RemoteRepo): RepoInfo {
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
  args: idOrName,
  async run(wanted, context) {
    return toInfo(chooseOne("repository", await (await context.api()).repos.latest(), wanted));
  },
};

/** The server's own filter has an undocumented match rule, so names are compared here: exactly. */
export const getRepos: DataFunction<{ name?: string | undefined }, RepoInfo[]> = {
  async args() {
    const { z } = await import("../zod.js");
    return z.strictObject(
      { name: z.string({ error: "name must be a text" }).optional() },
      { error: "give { name } or nothing" },
    );
  },
  async run({ name }, context) {
    const all = await (await context.api()).repos.latest();
    return all.filter((remote) => name === undefined || remote.name === name).map(toInfo);
  },
};
