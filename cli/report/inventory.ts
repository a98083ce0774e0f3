import { type ApiRepo, connect, type Key } from "../../provider/api";
import type { Config } from "../../provider/config";
import { toState as repoState } from "../../provider/resources/repo/remote";
import { toState as keyState } from "../../provider/resources/sshKey";
import { byNameAndId } from "../order";
import { nameIn, type Stacks } from "../stack";

/** What a key may do in a repository. */
export type Access = "append-only" | "full" | "rsync";

/** A resource of a stack that manages an object. */
export interface Manager {
  stack: string;
  /** Name of the resource in the program. */
  name: string;
  urn: string;
}

export interface Repository {
  id: string;
  name: string;
  region: string;
  format: string;
  /** MB */
  usageMB: number;
  /** MB; null without a quota. */
  quotaMB: number | null;
  /** ISO 8601; null where nothing was ever written. */
  lastModified: string | null;
  createdAt: string | null;
  /** BorgBase sends an alert after so many days without a change; null: never. */
  alertDays: number | null;
  /** Whether every key may only add archives. */
  appendOnly: boolean;
  keys: { id: string; name: string; access: Access }[];
  /** `hour` in `timezone`; null where compaction is off. */
  compaction: { interval: number; unit: string; hour: number; timezone: string } | null;
  /** Null: unknown, as no stack was read. */
  managedBy: Manager[] | null;
}

export interface SshKey {
  id: string;
  name: string;
  keyType: string;
  bits: number;
  fingerprintSha256: string;
  addedAt: string | null;
  lastUsedAt: string | null;
  repositories: { id: string; name: string; access: Access }[];
  managedBy: Manager[] | null;
}

export interface Inventory {
  repositories: Repository[];
  keys: SshKey[];
}

/** The repositories and keys of the account, by name and id. Sends one request for each of the two lists. */
export async function inventory(config: Config, stacks: Stacks): Promise<Inventory> {
  const api = connect(config);
  const [keys, repos] = await Promise.all([api.keys.all(), api.repos.all()]);
  const managers = managersOf(stacks);
  const keyNames = new Map(keys.map(({ id, name }) => [id, name]));
  const repositories = repos.map((repo) => toRepository(repo, keyNames, managers)).sort(byNameAndId);
  return { repositories, keys: keys.map((key) => toKey(key, repositories, managers)).sort(byNameAndId) };
}

type Managers = (type: "Repo" | "SshKey", id: string) => Manager[] | null;

/** An object that a stack only reads (`get`) has no manager there. */
function managersOf({ names, resources }: Stacks): Managers {
  if (names === undefined) return () => null;
  const managers = new Map<string, Manager[]>();
  for (const { type, id, urn, stack, external } of resources) {
    if (external) continue;
    const object = `${type} ${id}`;
    managers.set(object, [...(managers.get(object) ?? []), { stack, name: nameIn(urn), urn }]);
  }
  return (type, id) => managers.get(`borgbase:index:${type} ${id}`) ?? [];
}

function toRepository(repo: ApiRepo, keyNames: Map<string, string>, managers: Managers): Repository {
  const keys = ([access, ids]: [Access, readonly string[]]) =>
    ids.map((id) => ({ id, name: keyNames.get(id) ?? id, access }));
  const lists: [Access, readonly string[]][] = [
    ["append-only", repo.appendOnlyKeys],
    ["full", repo.fullAccessKeys],
    ["rsync", repo.rsyncKeys],
  ];
  const { compaction = null } = repoState(repo, {});
  return {
    id: repo.id,
    name: repo.name,
    region: repo.region,
    format: repo.format,
    usageMB: repo.currentUsage,
    quotaMB: repo.quotaEnabled && repo.quota > 0 ? repo.quota : null,
    lastModified: time(repo.lastModified),
    createdAt: time(repo.createdAt),
    alertDays: repo.alertDays || null,
    appendOnly: repo.appendOnly,
    keys: lists.flatMap(keys),
    compaction,
    managedBy: managers("Repo", repo.id),
  };
}

function toKey(key: Key, repositories: readonly Repository[], managers: Managers): SshKey {
  const { keyType, bits, fingerprintSha256 } = keyState(key);
  return {
    id: key.id,
    name: key.name,
    keyType,
    bits,
    fingerprintSha256,
    addedAt: time(key.addedAt),
    lastUsedAt: time(key.lastUsedAt),
    repositories: repositories.flatMap(({ id, name, keys }) =>
      keys.filter((each) => each.id === key.id).map(({ access }) => ({ id, name, access })),
    ),
    managedBy: managers("SshKey", key.id),
  };
}

/** Django's times have microseconds and a numeric zone. */
function time(text: string | undefined): string | null {
  const date = new Date(text ?? "");
  return Number.isNaN(date.getTime()) ? null : date.toISOString();
}
