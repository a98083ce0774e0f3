import { SshError, type SshPhase } from "../error";
import { type Access, probeAccess, probeBorgVersion } from "./access";
import { connect } from "./connect";
import { Deadline } from "./deadline";
import type { HostKey } from "./hostKey";
import { resolveTarget } from "./resolveTarget";
import { Session } from "./session";
import type { Target } from "./target";

export interface ConnectionTest {
  status: "connected" | "failed";
  /** One line. Undefined when connected. */
  error: string | undefined;
  /** The failed step; `session` when connected. */
  phase: SshPhase;
  access: Access | undefined;
  /** Milliseconds until the host accepted the TCP connection: about one round trip. */
  latencyMs: number | undefined;
  remoteBorgVersion: string | undefined;
  hostKey: HostKey | undefined;
}

/**
 * Tests an account over a connection of its own. Changes nothing on the host.
 * @throws SshError `input` for arguments that cannot be used; a failure of the host is part of the result
 */
export async function testConnection(account: Target): Promise<ConnectionTest> {
  const target = resolveTarget(account);
  const result: ConnectionTest = {
    status: "failed",
    error: undefined,
    phase: "resolve",
    access: undefined,
    latencyMs: undefined,
    remoteBorgVersion: undefined,
    hostKey: undefined,
  };
  const deadline = new Deadline(target.address, target.timeout);
  try {
    const connection = await connect(target, deadline);
    const session = new Session(target, connection, deadline);
    try {
      result.hostKey = session.hostKey;
      result.latencyMs = connection.latencyMs;
      result.access = await probeAccess(session);
      result.remoteBorgVersion = await probeBorgVersion(session);
      return { ...result, status: "connected", phase: "session" };
    } finally {
      session.close();
    }
  } catch (error) {
    if (!(error instanceof SshError) || error.kind === "input") throw error;
    return { ...result, error: error.message, phase: error.phase ?? deadline.phase };
  } finally {
    deadline.end();
  }
}
