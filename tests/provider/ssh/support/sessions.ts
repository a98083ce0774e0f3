import assert from "node:assert/strict";
import { resolveTarget } from "../../../../provider/ssh/connection/resolveTarget";
import type { Session } from "../../../../provider/ssh/connection/session";
import type { Target } from "../../../../provider/ssh/connection/target";
import { withSession } from "../../../../provider/ssh/connection/withSession";
import { SshError, type SshErrorKind, type SshPhase } from "../../../../provider/ssh/error";

/** Runs `work` in a session with a target as a program describes it. */
export async function inSession<T>(target: Target, work: (session: Session) => Promise<T>): Promise<T> {
  return withSession(resolveTarget(target), work);
}

/** Logs in and runs `echo hello`. */
export const hello = (target: Target) =>
  inSession(target, async (session) => ({
    hostKey: session.hostKey,
    method: session.method,
    said: (await session.exec("echo hello"))?.stdout.toString(),
  }));

/** Asserts that `work` fails with an error of this kind, phase and one-line message. */
export async function fails(
  work: Promise<unknown>,
  kind: SshErrorKind,
  phase: SshPhase | undefined,
  text: RegExp,
): Promise<SshError> {
  const error = await work.then(
    () => assert.fail("it succeeded"),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof SshError, String(error));
  assert.deepEqual([error.kind, error.phase], [kind, phase], error.message);
  assert.match(error.message, text);
  assert.doesNotMatch(error.message, /[\r\n]/);
  return error;
}
