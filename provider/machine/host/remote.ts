import { Deadline } from "../../ssh/connection/deadline";
import { resolveTarget } from "../../ssh/connection/resolveTarget";
import type { Session } from "../../ssh/connection/session";
import type { Target } from "../../ssh/connection/target";
import { withSeparateSession } from "../../ssh/connection/withSession";
import { SshError } from "../../ssh/error";
import { type Become, invocation, type Machine, parseResult, type RunOptions, type RunResult } from "./machine";

/**
 * Runs `work` on a machine over SSH. It waits for no other operation on the account, and no other waits for it: packages
 * and a new repository take minutes.
 */
export async function onRemoteMachine<T>(
  target: Target,
  become: Become,
  work: (machine: Machine) => Promise<T>,
): Promise<T> {
  return withSeparateSession(resolveTarget(target), (session) => work(remoteMachine(session, become)));
}

function remoteMachine(session: Session, become: Become): Machine {
  const { address } = session;
  return {
    address,
    hostKeyFingerprint: session.hostKey.fingerprint,
    async run(script: string, { purpose, seconds }: RunOptions): Promise<RunResult> {
      const call = invocation(script, become);
      const result = await withLimit(session, seconds, () => session.exec(call.command, call.stdin));
      if (result === undefined) {
        throw new SshError("session", `${address} runs no shell commands for this account`, { phase: "session" });
      }
      return parseResult(call, result, { address, purpose, sudo: become.sudo });
    },
  };
}

/** Each script has a limit of its own; that of the connection covers the login. */
async function withLimit<T>(session: Session, seconds: number | undefined, work: () => Promise<T>): Promise<T> {
  const outer = session.deadline;
  outer.end();
  const deadline = new Deadline(session.address, Math.max(seconds ?? 0, outer.seconds));
  deadline.phase = "session";
  session.deadline = deadline;
  try {
    return await work();
  } finally {
    deadline.end();
    session.deadline = outer;
  }
}
