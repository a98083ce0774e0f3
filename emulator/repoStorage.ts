import { randomBytes } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { join } from "node:path";
import type { Clock } from "./clock";
import { isoTime } from "./clock";
import type { HostKey, HostKeyType, SshServer, StorageBackend, StorageRepo } from "./storage/types";
import type { Repo, Store } from "./store";
import type { RepoStorage } from "./world";

/** Host and ports that addresses of repositories are made of. */
export interface Addresses {
  host: string;
  httpPort: () => number;
  sshPort: () => number;
}

/** A server that listens everywhere is reached on loopback. */
export function reachedHost(host: string): string {
  return host === "0.0.0.0" || host === "::" ? "127.0.0.1" : host;
}

/** An IPv6 address needs brackets in a URL. */
export function urlHost(host: string): string {
  const reached = reachedHost(host);
  return reached.includes(":") ? `[${reached}]` : reached;
}

type RepoPaths = Pick<RepoStorage, "borgPath" | "resticPath">;

/** The addresses of the real service: gjabell/terraform-provider-borgbase and clevyr/borgbase-operator. */
export const BORGBASE_PATHS: RepoPaths = {
  borgPath: ({ id }) => `ssh://${id}@${id}.repo.borgbase.com/./repo`,
  resticPath: ({ id, htpasswd }, withPassword) =>
    `rest:https://${withPassword ? `${id}:${htpasswd}@` : ""}${id}.repo.borgbase.com/`,
};

/** The same where the emulator listens. */
export function repoPaths({ host, httpPort, sshPort }: Addresses): RepoPaths {
  return {
    borgPath: (repo) => `ssh://${repo.id}@${urlHost(host)}:${sshPort()}/./repo`,
    resticPath: (repo, withPassword) => {
      const login = withPassword ? `${repo.id}:${repo.htpasswd}@` : "";
      return `rest:http://${login}${urlHost(host)}:${httpPort()}/${repo.id}/`;
    },
  };
}

/** Repositories that can be declared and never reached: no server, no data, and fingerprints of keys nobody has. */
export function noStorage(addresses: Addresses): RepoStorage {
  const nobody = () => `SHA256:${randomBytes(32).toString("base64").replace(/=+$/, "")}`;
  return {
    ...repoPaths(addresses),
    usage: () => ({ currentUsage: 0, lastModified: null }),
    fingerprints: { rsa: nobody(), ecdsa: nobody(), ed25519: nobody() },
    encryption: () => "none",
    compact: () => {},
    remove: () => {},
  };
}

export interface RealStorageOptions extends Pick<Addresses, "host" | "httpPort"> {
  store: Store;
  clock: Clock;
  /** Repositories lie in `repos/ID` of it, host keys in `host-keys`. */
  folder: string;
  sshPort: number;
  log: (line: string) => void;
}

export interface RealStorage extends RepoStorage {
  ssh: SshServer;
  /** Answers a request of restic; false when the path is none of a repository. */
  restic(request: IncomingMessage, response: ServerResponse): Promise<boolean>;
  /** Cuts every session, and resolves when no process works in a repository. */
  close(): Promise<void>;
}

/** Repositories on the disk, behind a real SSH server and restic's REST protocol. */
export async function startStorage(options: RealStorageOptions): Promise<RealStorage> {
  const { store, clock, folder } = options;
  // Loaded here, so that an emulator without storage starts without it.
  const storage = require("./storage") as typeof import("./storage");
  const seen = (repo: Repo) => storageRepo(store, join(folder, "repos"), repo);
  const backend: StorageBackend = {
    repo: (id) => {
      const repo = store.repos.get(id);
      return repo && seen(repo);
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
      const { currentUsageMb, lastModified } = await storage.usage(seen(repo));
      return { currentUsage: currentUsageMb, lastModified: lastModified && isoTime(lastModified) };
    },
    fingerprints: {
      rsa: fingerprint(ssh.hostKeys, "rsa"),
      ecdsa: fingerprint(ssh.hostKeys, "ecdsa"),
      ed25519: fingerprint(ssh.hostKeys, "ed25519"),
    },
    encryption: (repo) => storage.encryption(seen(repo)),
    compact: (repo) => storage.compactRepo(seen(repo), options.log),
    remove: (repo) => storage.removeRepo(seen(repo)),
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
