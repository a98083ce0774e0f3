import { createHash } from "node:crypto";
import { connect } from "./connect";
import { Deadline } from "./deadline";
import { runExclusive } from "./exclusive";
import type { Endpoint, ResolvedTarget } from "./resolveTarget";
import { Session } from "./session";

const IDLE_MILLISECONDS = 1000;

interface IdleSession {
  session: Session;
  timer: NodeJS.Timeout;
}

const idleSessions = new Map<string, IdleSession>();

/**
 * Runs `work` in a verified session, one operation of this process at a time per account.
 * Operations with the same credentials share a session. It ends after a second without use, or with any failure.
 * One deadline covers waiting, connecting and working.
 */
export async function withSession<T>(target: ResolvedTarget, work: (session: Session) => Promise<T>): Promise<T> {
  const { username, address, timeout } = target;
  const deadline = new Deadline(address, timeout);
  try {
    return await runExclusive(`account ${username}@${address}`, 1, deadline, () => useSession(target, deadline, work));
  } finally {
    deadline.end();
  }
}

/** Runs `work` in a session of its own, with a deadline of its own, and waits for no other operation. */
export async function withSeparateSession<T>(
  target: ResolvedTarget,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  const deadline = new Deadline(target.address, target.timeout);
  try {
    const session = new Session(target, await connect(target, deadline), deadline);
    try {
      return await work(session);
    } finally {
      session.close();
    }
  } finally {
    deadline.end();
  }
}

/** Closes the sessions that wait for another use. */
export function closeIdleSessions(): void {
  for (const [key, { session, timer }] of idleSessions) {
    clearTimeout(timer);
    idleSessions.delete(key);
    session.close();
  }
}

async function useSession<T>(
  target: ResolvedTarget,
  deadline: Deadline,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  const key = sessionKey(target);
  const session = takeIdle(key, deadline) ?? new Session(target, await connect(target, deadline), deadline);
  deadline.phase = "session";
  let result: T;
  try {
    result = await work(session);
  } catch (error) {
    session.close();
    throw error;
  }
  if (session.alive) keepIdle(key, session);
  return result;
}

function takeIdle(key: string, deadline: Deadline): Session | undefined {
  const entry = idleSessions.get(key);
  if (entry === undefined) return undefined;
  clearTimeout(entry.timer);
  idleSessions.delete(key);
  if (!entry.session.alive) return undefined;
  entry.session.connection.socket.ref();
  entry.session.deadline = deadline;
  return entry.session;
}

function keepIdle(key: string, session: Session): void {
  const timer = setTimeout(() => {
    idleSessions.delete(key);
    session.close();
  }, IDLE_MILLISECONDS);
  // An idle session does not keep the process alive.
  timer.unref();
  session.connection.socket.unref();
  idleSessions.set(key, { session, timer });
}

/** The condition for sharing a session: equal host, account, credentials, jump hosts and expected host keys. */
function sessionKey(target: ResolvedTarget): string {
  const identity = ({ host, port, username, hostKeys, credentials }: Endpoint) => ({
    host,
    port,
    username,
    hostKeys,
    credentials: credentials.map(({ key, agent, password }) => ({ privateKey: key?.privateKey, agent, password })),
  });
  return createHash("sha256")
    .update(JSON.stringify([target, ...target.hops].map(identity)))
    .digest("base64");
}
