import { SshError } from "../error";
import { hostAndPort, hostKeyProblem } from "./hostKeys";
import { accountProblems, credentialProblems, type Hop, type Problem, type Target } from "./target";

/** The hops from here to the host, in their order. */
export function hopsOf(proxyJump: Target["proxyJump"]): Hop[] {
  if (proxyJump === undefined) return [];
  return Array.isArray(proxyJump) ? [...proxyJump] : [proxyJump as Hop];
}

/** A hop as a person finds it in the program, with its address. */
export function nameOfHop(proxyJump: Target["proxyJump"], index: number): string {
  const hop = hopsOf(proxyJump)[index];
  const where = hop ? ` ${hostAndPort(hop.host, hop.port ?? 22)}` : "";
  return `${pathOf(proxyJump, index)}${where}`;
}

function pathOf(proxyJump: Target["proxyJump"], index: number): string {
  return Array.isArray(proxyJump) ? `proxyJump[${index}]` : "proxyJump";
}

/** A hop as the end of a connection of its own. */
export function targetOfHop({ host, port, username, hostKey, privateKey, passphrase, agent, password }: Hop): Target {
  return {
    host,
    port,
    username,
    ...(hostKey !== undefined && { hostKey }),
    credentials: [{ privateKey, passphrase }, { agent: agent || undefined }, { password }],
  };
}

/**
 * What is wrong with the hops, each problem named by its place in the program; empty when nothing is. Contacts nothing.
 * No reason holds a value of a hop.
 */
export function jumpProblems(proxyJump: Target["proxyJump"]): Problem[] {
  return hopsOf(proxyJump).flatMap((hop, index) => {
    const path = pathOf(proxyJump, index);
    const problems = [...accountProblems(hop), ...credentialProblems(hop)];
    if (hop.hostKey !== undefined) {
      const reason = hostKeyProblem(hop.host, hop.port ?? 22, { hostKey: hop.hostKey });
      if (reason) problems.push({ property: "hostKey", reason: reason.replace(/^hostKey: /, "") });
    }
    if (!hop.privateKey && !hop.password && !hop.agent) {
      problems.push({ property: "", reason: "has no way in: give privateKey, password or agent" });
    }
    return problems.map(({ property, reason }) => ({
      property: "proxyJump",
      reason: `${property ? `${path}.${property}` : path} ${reason}`,
    }));
  });
}

/** A failure on the way to the host says which hop it is of, and how far that had come. */
export function atHop(name: string, error: unknown): unknown {
  if (!(error instanceof SshError)) return error;
  const { kind, phase } = error;
  const text = `${name}${phase ? ` (${phase})` : ""}: ${error.message}`;
  return new SshError(kind, text, { ...(phase && { phase }), property: "proxyJump", cause: error });
}

/** @throws SshError `input` with the first problem of a target; callers have reported all of them before */
export function checkTarget(target: Target): void {
  const problems = target.credentials.flatMap((each) => credentialProblems(each));
  const [problem] = [...accountProblems(target), ...problems];
  const [jump] = jumpProblems(target.proxyJump);
  if (!problem && jump) throw new SshError("input", jump.reason, { property: jump.property });
  if (problem) throw new SshError("input", `${problem.property}: ${problem.reason}`, { property: problem.property });
}
