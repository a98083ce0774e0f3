/**
 * What the storage of the emulator (SSH and restic REST) and its API know of each other.
 *
 * The API owns repositories and keys and answers questions about them through `StorageBackend`;
 * the storage owns what lies on the disk below a repository's folder.
 */

/** A registered public key: `id` as the API gives it, `blob` the base64 body of its OpenSSH line. */
export interface AuthorizedKey {
  id: string;
  blob: string;
}

/** A repository as the storage sees it: a snapshot, asked for again at every login and request. */
export interface StorageRepo {
  /** Eight characters `a-z0-9`; the SSH user name and the first segment of the restic path. */
  id: string;
  /** `borg1` is served over SSH, `restic` over HTTP; anything else by neither. */
  format: string;
  /** The repository's own folder; made on first use, so it may not exist yet. */
  dir: string;
  /** Every key writes append-only, and restic cannot delete. */
  appendOnly: boolean;
  keys: {
    full: AuthorizedKey[];
    appendOnly: AuthorizedKey[];
    rsync: AuthorizedKey[];
  };
  /** MB (10^6 bytes) the folder may hold; null for no limit. */
  quotaMb: number | null;
  sftpEnabled: boolean;
  /** The restic REST password; null where the format has none. */
  htpasswd: string | null;
  borgVersion: string;
}

/** What the API provides. Both are called often and must be cheap. */
export interface StorageBackend {
  /** Undefined for an id that never was or was deleted. */
  repo(id: string): StorageRepo | undefined;
  /** A key opened a session (`lastUsedAt`). */
  keyUsed(keyId: string): void;
}

export type HostKeyType = "rsa" | "ecdsa" | "ed25519";

/** The public half of a host key. */
export interface HostKey {
  type: HostKeyType;
  /** `SHA256:…`, base64 without padding, as `ssh-keygen -l` prints it. */
  fingerprintSha256: string;
  /** `MD5:aa:bb:…` */
  fingerprintMd5: string;
  /** `ssh-ed25519 AAAA…`, as it stands in a `known_hosts` line after the host. */
  publicKey: string;
}

export interface SshServerOptions {
  /** Default `127.0.0.1`. */
  host?: string;
  /** 0 for a free one. */
  port: number;
  /** Folder of the three host keys, made when missing; keys are made once and kept. */
  hostKeyDir: string;
  backend: StorageBackend;
  /** One line per login and command; never a secret. Default: silent. */
  log?: (line: string) => void;
}

export interface SshServer {
  port: number;
  /** In the order rsa, ecdsa, ed25519. */
  hostKeys: HostKey[];
  /** Cuts every session, and resolves when no child process is left. */
  close(): Promise<void>;
}

/** What a repository holds on the disk. */
export interface Usage {
  /** MB (10^6 bytes), with fractions; 0 for a folder that is absent. */
  currentUsageMb: number;
  /** When a file last changed; null for a repository never written to. */
  lastModified: Date | null;
}
