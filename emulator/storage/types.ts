/**
 * The interface between the emulator's storage (SSH and restic REST) and its API.
 *
 * The API owns repositories and keys, and provides them through `StorageBackend`. The storage owns the files in the folder
 * of a repository.
 */

/** A registered public key: `id` as the API gives it, `blob` the base64 body of its OpenSSH line. */
export interface AuthorizedKey {
  id: string;
  blob: string;
}

/** A repository as the storage sees it: a snapshot, read again at every login and request. */
export interface StorageRepo {
  /** Eight characters `a-z0-9`; the SSH user name and the first segment of the restic path. */
  id: string;
  /** `borg1` is served over SSH, `restic` over HTTP; another format is not served. */
  format: string;
  /** The repository's own folder; created at first use. */
  dir: string;
  /** Every key has append-only access, and restic cannot delete. */
  appendOnly: boolean;
  keys: {
    full: AuthorizedKey[];
    appendOnly: AuthorizedKey[];
    rsync: AuthorizedKey[];
  };
  /** Limit of the folder's size in MB (10^6 bytes); null for none. */
  quotaMb: number | null;
  sftpEnabled: boolean;
  /** The restic REST password; null for other formats. */
  htpasswd: string | null;
  borgVersion: string;
}

/** Services of the API for the storage. Both are called often and must be cheap. */
export interface StorageBackend {
  /** Undefined for an unknown or deleted id. */
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
  /** `ssh-ed25519 AAAA…`, as in a `known_hosts` line after the host. */
  publicKey: string;
}

export interface SshServerOptions {
  /** Default `127.0.0.1`. */
  host?: string;
  /** 0 for a free one. */
  port: number;
  /** Folder of the three host keys; missing keys are created and kept. */
  hostKeyDir: string;
  backend: StorageBackend;
  /** One line per login and command; never a secret. Default: silent. */
  log?: (line: string) => void;
}

export interface SshServer {
  port: number;
  /** In the order rsa, ecdsa, ed25519. */
  hostKeys: HostKey[];
  /** Closes every session, and resolves when all child processes have ended. */
  close(): Promise<void>;
}

/** Used space of a repository on disk. */
export interface Usage {
  /** MB (10^6 bytes), with fractions; 0 for a missing folder. */
  currentUsageMb: number;
  /** Time of the newest change of a file; null for none. */
  lastModified: Date | null;
}
