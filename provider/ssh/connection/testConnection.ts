import { SshError, type SshPhase } from "../error";
import { type Access, probeAccess, probeBorgVersion } from "./access";
import { connect } from "./connect";
import { Deadline } from "./deadline";
import { type HostKey, hostAndPort } from "./hostKeys";
import { Session } from "./session";
import { portOf, type Target } from "./target";

export interface ConnectionTest {
  status: "connected" | "failed";
  /** One line; undefined when connected. */
  error: string | undefined;
  /** The step that failed; `session` when all went well. */
  phase: SshPhase;
  access: Access | undefined;
  /** Milliseconds until the host accepted the TCP connection: about one round trip. */
  latencyMs: number | undefined;
  remoteBorgVersion: string | undefined;
  hostKey: HostKey | undefined;
}

/**
 * Tries an account with a connection of its own, and changes nothing on the host.
 * @throws SshError `input` for arguments that cannot be used; whatever a host does is told in the result
 */
export async function testConnection(target: Target): Promise<ConnectionTest> {
  const result: ConnectionTest = {
    status: "failed",
    error: undefined,
    phase: "resolve",
    access: undefined,
    latencyMs: undefined,
    remoteBorgVersion: undefined,
    hostKey: undefined,
  };
  const deadline = new Deadline(hostAndPort(target.host, portOf(target)), target.timeout ?? 30);
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
