import { Client } from "ssh2";
import { messageOf } from "../../provider/errors";
import { serverOf } from "../../provider/machine/serverKeys";
import { limitConcurrency } from "../../provider/remote/concurrency";
import { describeHostKey, type HostKey } from "../../provider/ssh/connection/hostKey";
import { readPins } from "../../provider/ssh/connection/hostKeyPins";
import { type Check, needed, type Outcome, ok, problem, Skipped, warning } from "./finding";
import type { Scene } from "./scene";

/** The host keys of the servers that hold the repositories. */
export function serverChecks(scene: Scene): Check[] {
  return [{ name: "host-keys", run: () => hostKeys(scene) }];
}

interface Server {
  host: string;
  port: number;
  /** As BorgBase publishes them. */
  fingerprints: string[];
}

/** Connections at a time. */
const AT_A_TIME = 8;

async function hostKeys(scene: Scene): Promise<Outcome[]> {
  const servers = await serversOf(scene);
  if (servers.length === 0) throw new Skipped("not checked: the account has no repository that is reached over SSH");
  const limited = limitConcurrency(AT_A_TIME);
  const outcomes = await Promise.all(servers.map((server) => limited(() => checkHostKey(server))));
  const [bad, good] = [
    outcomes.filter(({ status }) => status !== "ok"),
    outcomes.filter(({ status }) => status === "ok"),
  ];
  return good.length > 1
    ? [ok(`${good.length} servers present the keys that BorgBase publishes`), ...bad]
    : [...good, ...bad];
}

/** One repository of each server: the server's own name does not resolve. */
async function serversOf(scene: Scene): Promise<Server[]> {
  const state = await scene.state().catch(() => undefined);
  const managed = new Set(state?.resources.filter(({ type }) => type === "borgbase:index:Repo").map(({ id }) => id));
  const servers = new Map<string, Server>();
  for (const { service } of await scene.accounts()) {
    for (const repo of await needed(service.api.repos.all(), "an answer of the API")) {
      const address = repo.repoPath.startsWith("ssh://") ? serverOf(repo.repoPath) : undefined;
      if (!address || !repo.server || (state && !managed.has(repo.id))) continue;
      const { hostname = address.host, fingerprintRsa, fingerprintEcdsa, fingerprintEd25519 } = repo.server;
      const fingerprints = [fingerprintRsa, fingerprintEcdsa, fingerprintEd25519].flatMap((each) => each ?? []);
      if (!servers.has(hostname)) servers.set(hostname, { ...address, fingerprints });
    }
  }
  return [...servers.values()];
}

/** Compares the key that a server presents with the published ones. */
export async function checkHostKey({ host, port, fingerprints }: Server): Promise<Outcome> {
  const name = `${host}:${port}`;
  if (fingerprints.length === 0) {
    return { status: "skipped", seen: `not checked: BorgBase publishes no host key of ${name}`, advice: null };
  }
  let presented: HostKey;
  try {
    presented = await presentedBy(host, port);
  } catch (error) {
    return warning(
      `no host key from ${name}: ${messageOf(error)}`,
      "check whether a firewall stops SSH, if this machine is to back up or to restore",
    );
  }
  const published = readPins(host, port, fingerprints).map(({ fingerprint }) => fingerprint);
  if (published.includes(presented.fingerprint)) return ok(`${name} presents the key that BorgBase publishes`);
  return problem(
    `${name} presents ${presented.fingerprint} (${presented.type}), and BorgBase publishes ${published.join(", ")}`,
    "send no backup over this network until BorgBase confirms the key: someone may stand in between",
  );
}

/** Milliseconds. */
const TIMEOUT = 15_000;

/** The host key of a server. The connection ends before any login. */
function presentedBy(host: string, port: number): Promise<HostKey> {
  return new Promise((resolve, reject) => {
    const client = new Client();
    const hostVerifier = (bytes: Buffer) => {
      const key = describeHostKey(bytes);
      if (key) resolve(key);
      return false;
    };
    // After the key, the refusal itself arrives here.
    client.on("error", (error: Error & { code?: string }) => reject(new Error(error.code ?? error.message)));
    client.on("close", () => reject(new Error("it closed the connection")));
    client.connect({ host, port, username: "doctor", readyTimeout: TIMEOUT, hostVerifier });
  });
}
