import assert from "node:assert/strict";
import { withSession } from "../../../../provider/ssh/connection/session";
import type { Target } from "../../../../provider/ssh/connection/target";
import { SshError, type SshErrorKind, type SshPhase } from "../../../../provider/ssh/error";

/** Logs in and says hello. */
export const hello = (target: Target) =>
  withSession(target, async (session) => ({
    hostKey: session.hostKey,
    method: session.method,
    said: (await session.exec("echo hello"))?.stdout.toString(),
  }));

/** Asserts that work fails so: with an error of one line. */
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
