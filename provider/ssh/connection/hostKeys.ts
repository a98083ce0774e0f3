import { SshError } from "../error";
import { describeHostKey, type HostKey } from "./hostKey";
import { type Pin, readPins } from "./hostKeyPins";

/** The host keys that a program expects. */
export interface HostKeyPolicy {
  /** `SHA256:…` fingerprints, public keys and texts of `known_hosts`. One match is enough, for a roll-over. */
  hostKey?: string | readonly string[];
  /** Whether any key is accepted without `hostKey`. The caller then stores the key and requires it from then on. */
  trustOnFirstUse?: boolean;
}

/** The host keys that a program expects, parsed. */
export interface ResolvedHostKeys {
  /** Undefined without `hostKey`. */
  pins: readonly Pin[] | undefined;
  trustOnFirstUse: boolean;
}

/** The verdict on a presented host key: undefined accepts it. Never throws. */
export type HostKeyVerifier = (key: Buffer) => SshError | undefined;

/**
 * Parses the expected host keys. Contacts nothing.
 * @throws SshError `input` for an unreadable entry of `hostKey`, or none for this host: verification fails closed
 */
export function resolveHostKeys(host: string, port: number, policy: HostKeyPolicy): ResolvedHostKeys {
  const { hostKey, trustOnFirstUse = false } = policy;
  const pins = hostKey === undefined ? undefined : readPins(host, port, [hostKey].flat());
  return { pins, trustOnFirstUse };
}

/** The expectation of exactly one key, for a host that has been verified. */
export function onlyHostKey({ type, fingerprint }: HostKey): ResolvedHostKeys {
  return { pins: [{ revoked: false, type, fingerprint }], trustOnFirstUse: false };
}

/**
 * The reason why `hostKey` cannot be used for this host; undefined when it can. Contacts nothing.
 * A missing pin is no problem here: the connection then fails, and its error shows the presented key.
 */
export function hostKeyProblem(host: string, port: number, policy: HostKeyPolicy): string | undefined {
  try {
    resolveHostKeys(host, port, policy);
    return undefined;
  } catch (error) {
    if (error instanceof SshError) return error.message;
    throw error;
  }
}

/**
 * Makes the verifier of the keys that a host presents.
 * @param address the host's address for messages
 */
export function hostKeyVerifier(address: string, { pins, trustOnFirstUse }: ResolvedHostKeys): HostKeyVerifier {
  return (bytes) => {
    const presented = describeHostKey(bytes);
    const refuse = (text: string) => new SshError("hostKey", text, { phase: "hostKey", property: "hostKey" });
    if (presented === undefined)
      return refuse(`${address} presented a host key that cannot be read; no secret was sent`);
    const shown = `${presented.fingerprint} (${presented.type})`;
    if (pins === undefined) {
      if (trustOnFirstUse) return undefined;
      return refuse(
        `${address} presented the host key ${shown}, and nothing says whether that is right; no secret was sent. ` +
          "Compare it with what the host's owner publishes, or with ssh-keygen -lf /etc/ssh/ssh_host_…_key.pub run on " +
          `the host, then set hostKey: "${presented.fingerprint}"`,
      );
    }
    if (pins.some((pin) => pin.revoked && pin.fingerprint === presented.fingerprint)) {
      return refuse(`${address} presented the host key ${shown}, which hostKey marks as @revoked; no secret was sent`);
    }
    const accepted = pins.filter((pin) => !pin.revoked);
    if (accepted.some((pin) => pin.fingerprint === presented.fingerprint)) return undefined;
    return refuse(
      `${address} presented the host key ${shown}, but ${accepted.map((pin) => pin.fingerprint).join(" or ") || "none"} ` +
        "is expected: either its key was changed or someone stands in between; no secret was sent. " +
        "When the host's owner confirms the new key, add it to hostKey",
    );
  };
}

/** The key types to request, so that a host with several keys presents a pinned one. Undefined: any type. */
export function pinnedTypes({ pins }: ResolvedHostKeys): string[] | undefined {
  const types = new Set<string>();
  for (const { revoked, type } of pins ?? []) {
    if (revoked) continue;
    // A bare fingerprint leaves the type of its key open.
    if (type === undefined) return undefined;
    types.add(type);
  }
  return types.size === 0 ? undefined : [...types];
}
