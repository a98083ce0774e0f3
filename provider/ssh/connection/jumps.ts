import { DEFAULT_PORT } from "../defaults";
import { SshError } from "../error";
import { addressProblems, hostAndPort, type Problem } from "./address";
import { credentialProblems } from "./credentials";
import { hostKeyProblem } from "./hostKeys";
import type { Hop, Target } from "./target";

export const NO_CREDENTIALS = "has no way in: give privateKey, password or agent";

/** The jump hosts of a target, from the first to the last. */
export function hopsOf(proxyJump: Target["proxyJump"]): Hop[] {
  if (proxyJump === undefined) return [];
  return Array.isArray(proxyJump) ? [...proxyJump] : [proxyJump as Hop];
}

/** The name of a jump host for messages: its place in the program, and its address. */
export function hopName(proxyJump: Target["proxyJump"], index: number): string {
  const hop = hopsOf(proxyJump)[index];
  const address = hop ? ` ${hostAndPort(hop.host, hop.port ?? DEFAULT_PORT)}` : "";
  return `${hopPath(proxyJump, index)}${address}`;
}

/** The place of a jump host in the program. */
export function hopPath(proxyJump: Target["proxyJump"], index: number): string {
  return Array.isArray(proxyJump) ? `proxyJump[${index}]` : "proxyJump";
}

/**
 * The problems of jump hosts, each named by its place in the program; empty when all are valid. Contacts nothing.
 * No reason contains a value of a jump host.
 */
export function jumpProblems(proxyJump: Target["proxyJump"]): Problem[] {
  return hopsOf(proxyJump).flatMap((hop, index) => {
    const path = hopPath(proxyJump, index);
    const problems = [...addressProblems(hop), ...credentialProblems(hop)];
    if (hop.hostKey !== undefined) {
      const reason = hostKeyProblem(hop.host, hop.port ?? DEFAULT_PORT, { hostKey: hop.hostKey });
      if (reason) problems.push({ property: "hostKey", reason: reason.replace(/^hostKey: /, "") });
    }
    if (!hop.privateKey && !hop.password && !hop.agent) problems.push({ property: "", reason: NO_CREDENTIALS });
    return problems.map(({ property, reason }) => ({
      property: "proxyJump",
      reason: `${property ? `${path}.${property}` : path} ${reason}`,
    }));
  });
}

/** An error at a jump host, with the host's name and the failed step in its message. */
export function withHopContext(name: string, error: unknown): unknown {
  if (!(error instanceof SshError)) return error;
  const { kind, phase } = error;
  const text = `${name}${phase ? ` (${phase})` : ""}: ${error.message}`;
  return new SshError(kind, text, { ...(phase && { phase }), property: "proxyJump", cause: error });
}
