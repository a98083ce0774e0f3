import { randomBytes } from "node:crypto";
import type { RepoStorage } from "./world";

/** Host and ports that addresses of repositories are made of. */
export interface Addresses {
  host: string;
  httpPort: () => number;
  sshPort: () => number;
}

/** An IPv6 address needs brackets in a URL; a server that listens everywhere is reached on loopback. */
function urlHost(host: string): string {
  if (host === "0.0.0.0" || host === "::") return "127.0.0.1";
  return host.includes(":") ? `[${host}]` : host;
}

/** The addresses of repositories, as they stand: gjabell/terraform-provider-borgbase and clevyr/borgbase-operator. */
export function repoPaths({ host, httpPort, sshPort }: Addresses): Pick<RepoStorage, "borgPath" | "resticPath"> {
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
    remove: () => {},
  };
}
