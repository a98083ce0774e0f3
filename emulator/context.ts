import type { Clock } from "./clock";
import type { Variants } from "./serverVariants";
import type { Repo, Store } from "./store";

/** State and services that every resolver of the API works with. */
export interface Context {
  readonly store: Store;
  readonly clock: Clock;
  readonly variants: Variants;
  readonly storage: RepoStorage;
}

/** Data of the repositories, as the API sees it. */
export interface RepoStorage {
  /** Used space in MB, and the ISO time of the last write; null for none. */
  usage(repo: Repo): RepoUsage | Promise<RepoUsage>;
  /** The address of a borg repository. */
  borgPath(repo: Repo): string;
  /** The address of a restic repository, with or without its password. */
  resticPath(repo: Repo, withPassword: boolean): string;
  /** `SHA256:…` of the host keys. */
  fingerprints: { rsa: string; ecdsa: string; ed25519: string };
  /** How a borg repository is encrypted, in the words of `borg init -e`. */
  encryption(repo: Repo): string | Promise<string>;
  /** Starts to compact a borg repository; rejects where borg is missing. */
  compact(repo: Repo): void | Promise<void>;
  /** Erases the data of a repository. */
  remove(repo: Repo): void | Promise<void>;
}

export interface RepoUsage {
  currentUsage: number;
  lastModified: string | null;
}
