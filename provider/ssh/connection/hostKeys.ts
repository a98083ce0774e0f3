import { SshError } from "../error";
import { describeHostKey, type HostKey, hostAndPort, knownHostsName, type Pin, readPins } from "./hostKeyPins";

export { describeHostKey, type HostKey, hostAndPort } from "./hostKeyPins";

/** What a host must present. */
export interface HostKeyPolicy {
  /** `SHA256:…` fingerprints, the host's public key, and texts of `known_hosts`; one that matches is enough (a roll-over). */
  hostKey?: string | readonly string[];
  /** Take whatever key comes when `hostKey` is absent; the caller keeps it and demands it from then on. */
  trustOnFirstUse?: boolean;
}

/** Decides about the key that a host presents: undefined accepts it. Never throws. */
export type HostKeyVerifier = (key: Buffer) => SshError | undefined;

/**
 * Why `hostKey` cannot be used for this host; undefined when it can. Contacts nothing.
 * Neither a pin nor `trustOnFirstUse` is no problem here: then the connection fails and shows what it saw.
 */
export function hostKeyProblem(host: string, port: number, policy: HostKeyPolicy): string | undefined {
  try {
    pinsFor(host, port, policy);
    return undefined;
  } catch (error) {
    if (error instanceof SshError) return error.message;
    throw error;
  }
}

/**
 * Makes the judge of a host's keys.
 * @throws SshError `input` when an entry of `hostKey` cannot be read, or none is for this host: it fails closed
 */
export function hostKeyVerifier(host: string, port: number, policy: HostKeyPolicy): HostKeyVerifier {
  const pins = pinsFor(host, port, policy);
  const address = hostAndPort(host, port);
  return (bytes) => {
    const seen = describeHostKey(bytes);
    const refuse = (text: string) => new SshError("hostKey", text, { phase: "hostKey", property: "hostKey" });
    if (seen === undefined) return refuse(`${address} presented a host key that cannot be read; no secret was sent`);
    const said = `${seen.fingerprint} (${seen.type})`;
    if (pins === undefined) {
      if (policy.trustOnFirstUse) return undefined;
      return refuse(
        `${address} presented the host key ${said}, and nothing says whether that is right; no secret was sent. ` +
          "Compare it with what the host's owner publishes, or with ssh-keygen -lf /etc/ssh/ssh_host_…_key.pub run on " +
          `the host, then set hostKey: "${seen.fingerprint}"`,
      );
    }
    if (pins.some((pin) => pin.revoked && pin.fingerprint === seen.fingerprint)) {
      return refuse(`${address} presented the host key ${said}, which hostKey marks as @revoked; no secret was sent`);
    }
    const accepted = pins.filter((pin) => !pin.revoked);
    if (accepted.some((pin) => pin.fingerprint === seen.fingerprint)) return undefined;
    return refuse(
      `${address} presented the host key ${said}, but ${accepted.map((pin) => pin.fingerprint).join(" or ") || "none"} ` +
        "is expected: either its key was changed or someone stands in between; no secret was sent. " +
        "When the host's owner confirms the new key, add it to hostKey",
    );
  };
}

/** The algorithms to ask for, so that a host with several keys presents the one that is pinned; undefined: any. */
export function pinnedTypes(host: string, port: number, policy: HostKeyPolicy): string[] | undefined {
  const accepted = pinsFor(host, port, policy)?.filter((pin) => !pin.revoked);
  const types = new Set<string>();
  for (const { type } of accepted ?? []) {
    // A bare fingerprint does not say what type of key it is of.
    if (type === undefined) return undefined;
    types.add(type);
  }
  return types.size === 0 ? undefined : [...types];
}

/** A line for a `known_hosts` file, without a newline. */
export function formatKnownHosts(host: string, port: number, key: HostKey): string {
  return `${knownHostsName(host, port)} ${key.type} ${key.blob}`;
}

function pinsFor(host: string, port: number, { hostKey }: HostKeyPolicy): Pin[] | undefined {
  if (hostKey === undefined) return undefined;
  return readPins(host, port, typeof hostKey === "string" ? [hostKey] : hostKey);
}
