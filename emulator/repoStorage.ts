import { randomBytes } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { join } from "node:path";
import type { Clock } from "./clock";
import { isoTime } from "./clock";
import type { RepoStorage } from "./context";
import type { HostKey, HostKeyType, SshServer, StorageBackend, StorageRepo } from "./storage/types";
import type { Repo, Store } from "./store";

/** Host and ports in the addresses of repositories. */
export interface Addresses {
  host: string;
  httpPort: () => number;
  sshPort: () => number;
}

/** The host for clients: loopback for a server that listens on all interfaces. */
export function clientHost(host: string): string {
  return host === "0.0.0.0" || host === "::" ? "127.0.0.1" : host;
}

/** An IPv6 address needs brackets in a URL. */
export function urlHost(host: string): string {
  const reached = clientHost(host);
  return reached.includes(":") ? `[${reached}]` : reached;
}

type RepoPaths = Pick<RepoStorage, "borgPath" | "resticPath">;

/** Addresses of the real service, from gjabell/terraform-provider-borgbase and clevyr/borgbase-operator. */
export const BORGBASE_PATHS: RepoPaths = {
  borgPath: ({ id }) => `ssh://${id}@${id}.repo.borgbase.com/./repo`,
  resticPath: ({ id, htpasswd }, withPassword) =>
    `rest:https://${withPassword ? `${id}:${htpasswd}@` : ""}${id}.repo.borgbase.com/`,
};

/** Addresses of the emulator. */
export function repoPaths({ host, httpPort, sshPort }: Addresses): RepoPaths {
  return {
    borgPath: (repo) => `ssh://${repo.id}@${urlHost(host)}:${sshPort()}/./repo`,
    resticPath: (repo, withPassword) => {
      const login = withPassword ? `${repo.id}:${repo.htpasswd}@` : "";
      return `rest:http://${login}${urlHost(host)}:${httpPort()}/${repo.id}/`;
    },
  };
}

/** Repositories that exist in the API only: no server, no data, and random fingerprints. */
export function noStorage(addresses: Addresses): RepoStorage {
  const randomFingerprint = () => `SHA256:${randomBytes(32).toString("base64").replace(/=+$/, "")}`;
  return {
    ...repoPaths(addresses),
    usage: () => ({ currentUsage: 0, lastModified: null }),
    fingerprints: { rsa: randomFingerprint(), ecdsa: randomFingerprint(), ed25519: randomFingerprint() },
    encryption: () => "none",
    compact: () => {},
    remove: () => {},
  };
}

export interface RealStorageOptions extends Pick<Addresses, "host" | "httpPort"> {
  store: Store;
  clock: Clock;
  /** Holds repositories in `repos/ID` and host keys in `host-keys`. */
  folder: string;
  sshPort: number;
  log: (line: string) => void;
}

export interface RealStorage extends RepoStorage {
  ssh: SshServer;
  /** Handles a request of restic; false for a path outside every repository. */
  restic(request: IncomingMessage, response: ServerResponse): Promise<boolean>;
  /** Closes every session, and resolves when no process uses a repository any more. */
  close(): Promise<void>;
}

/** Repositories on the disk, behind a real SSH server and restic's REST protocol. */
export async function startStorage(options: RealStorageOptions): Promise<RealStorage> {
  const { store, clock, folder } = options;
  // Loaded lazily: an emulator without storage starts faster.
  const storage = require("./storage") as typeof import("./storage");
  const asStorageRepo = (repo: Repo) => storageRepo(store, join(folder, "repos"), repo);
  const backend: StorageBackend = {
    repo: (id) => {
      const repo = store.repos.get(id);
      return repo && asStorageRepo(repo);
    },
    keyUsed: (id) => {
      const key = store.keys.get(id);
      if (!key) return;
      key.lastUsedAt = isoTime(clock.now());
      store.saveKey(key);
    },
  };
  const ssh = await storage.startSshServer({
    host: options.host,
    port: options.sshPort,
    hostKeyDir: join(folder, "host-keys"),
    backend,
    log: options.log,
  });
  return {
    ...repoPaths({ host: options.host, httpPort: options.httpPort, sshPort: () => ssh.port }),
    ssh,
    restic: (request, response) => storage.resticRequest(request, response, backend),
    async usage(repo) {
      const { currentUsageMb, lastModified } = await storage.usage(asStorageRepo(repo));
      return { currentUsage: currentUsageMb, lastModified: lastModified && isoTime(lastModified) };
    },
    fingerprints: {
      rsa: fingerprint(ssh.hostKeys, "rsa"),
      ecdsa: fingerprint(ssh.hostKeys, "ecdsa"),
      ed25519: fingerprint(ssh.hostKeys, "ed25519"),
    },
    encryption: (repo) => storage.encryption(asStorageRepo(repo)),
    compact: (repo) => storage.compactRepo(asStorageRepo(repo), options.log),
    remove: (repo) => storage.removeRepo(asStorageRepo(repo)),
    async close() {
      await ssh.close();
      await storage.stopAllBelow(folder);
    },
  };
}

function fingerprint(keys: HostKey[], type: HostKeyType): string {
  return keys.find((key) => key.type === type)?.fingerprintSha256 ?? "";
}

function storageRepo(store: Store, folder: string, repo: Repo): StorageRepo {
  const keys = (ids: string[]) =>
    ids.flatMap((id) => {
      const blob = store.keys.get(id)?.keyData.split(" ")[1];
      return blob ? [{ id, blob }] : [];
    });
  return {
    id: repo.id,
    format: repo.format,
    dir: join(folder, repo.id),
    appendOnly: repo.appendOnly,
    keys: {
      full: keys(repo.fullAccessKeys),
      appendOnly: keys(repo.appendOnlyKeys),
      rsync: keys(repo.rsyncKeys),
    },
    quotaMb: repo.quotaEnabled && repo.quota > 0 ? repo.quota : null,
    sftpEnabled: repo.sftpEnabled,
    htpasswd: repo.htpasswd,
    borgVersion: repo.borgVersion,
  };
}
