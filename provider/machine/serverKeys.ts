import { ProviderError } from "../errors";
import { readPins } from "../ssh/connection/hostKeyPins";
import { knownHostsName } from "../ssh/connection/knownHosts";
import { parsePublicKey } from "../ssh/keys/publicKey";
import type { Machine } from "./host/machine";
import { quote } from "./host/shell";

/** The server of a repository. Undefined for a repository on the machine itself. */
export interface Server {
  host: string;
  port: number;
}

/** The server that a repository's URL names: `ssh://user@host:port/path` or `user@host:path`. */
export function serverOf(repository: string): Server | undefined {
  if (repository.startsWith("ssh://")) {
    const { hostname, port } = new URL(repository);
    return { host: hostname.replace(/^\[|\]$/g, ""), port: port === "" ? 22 : Number(port) };
  }
  const [, host] = /^(?:[^@/]+@)?(\[[^\]]+\]|[^:/]+):/.exec(repository) ?? [];
  return host === undefined ? undefined : { host: host.replace(/^\[|\]$/g, ""), port: 22 };
}

/** Fingerprints of the keys in lines of `known_hosts`. */
export function fingerprintsIn(knownHosts: string): string[] {
  return keyLines(knownHosts).map(({ fingerprint }) => fingerprint);
}

/**
 * The host keys that the machine sees at the server and the program declares, as lines of `known_hosts`.
 * @throws ProviderError `host` where no key matches: the error shows both sides
 */
export async function scanServerKeys(machine: Machine, server: Server, declared: readonly string[]): Promise<string> {
  const { host, port } = server;
  const script = `ssh-keyscan -T 15 -p ${port} -t ed25519,ecdsa,rsa -- ${quote(host)} 2>/dev/null`;
  const { output } = await machine.run(script, { purpose: `ask ${host} for its host keys`, seconds: 60 });
  const seen = keyLines(output.toString("utf8"));
  const name = `${host}:${port}`;
  if (seen.length === 0) {
    throw new ProviderError("host", `${machine.address} got no host key from the repository's server ${name}.`);
  }
  const { accepted, revoked } = pinsOf(server, declared);
  const matching = seen.filter(({ fingerprint }) => accepted.has(fingerprint) && !revoked.has(fingerprint));
  if (matching.length === 0) {
    throw new ProviderError(
      "host",
      `The repository's server ${name} presented ${list(seen)} to ${machine.address}, but repositoryHostKeys expects ${list([...accepted].map((fingerprint) => ({ fingerprint })))}: either its keys were changed or someone stands in between. Nothing was sent. When the server's owner confirms a key, add it to repositoryHostKeys.`,
    );
  }
  const address = knownHostsName(host, port);
  return matching.map(({ key }) => `${address} ${key}\n`).join("");
}

/** Lines whose keys are declared still, of a file that was scanned before. */
export function stillDeclared(knownHosts: string, server: Server, declared: readonly string[]): string {
  const { accepted, revoked } = pinsOf(server, declared);
  return keyLines(knownHosts)
    .filter(({ fingerprint }) => accepted.has(fingerprint) && !revoked.has(fingerprint))
    .map(({ line }) => `${line}\n`)
    .join("");
}

function pinsOf({ host, port }: Server, declared: readonly string[]) {
  const pins = readPins(host, port, [...declared]);
  const fingerprints = (revoked: boolean) =>
    new Set(pins.filter((pin) => pin.revoked === revoked).map(({ fingerprint }) => fingerprint));
  return { accepted: fingerprints(false), revoked: fingerprints(true) };
}

function keyLines(text: string): { line: string; key: string; fingerprint: string }[] {
  return text.split("\n").flatMap((line) => {
    const key = line.split(" ").slice(1).join(" ");
    if (line.startsWith("#") || key === "") return [];
    return [{ line, key, fingerprint: parsePublicKey(key).fingerprintSha256 }];
  });
}

function list(keys: { fingerprint: string }[]): string {
  return keys.map(({ fingerprint }) => fingerprint).join(", ") || "none";
}
