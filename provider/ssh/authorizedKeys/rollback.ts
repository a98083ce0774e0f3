import type { Session } from "../connection/session";
import { withSeparateSession } from "../connection/withSession";
import { SshError } from "../error";
import type { AtomicFile, Edited } from "../files/atomicFile";
import { openFiles } from "../files/openFiles";
import { describeMode, WRITABLE_BY_OTHERS } from "../files/ownership";
import type { ResolvedDeployment } from "./deployment";
import { ForcedCommandError } from "./forcedCommand";
import { findKey, putKey, removeKey } from "./lines";
import { openAuthorizedKeys, type ResolvedAccount } from "./managedAccount";
import { splitOptions } from "./options";

/** A deployed key whose verification failed. */
interface UnverifiedDeployment {
  account: ResolvedAccount;
  session: Session;
  file: AtomicFile;
  edited: Edited;
  deployment: ResolvedDeployment;
}

/**
 * Restores the key's line from before the deployment.
 * @returns the error with the failure and the result of the rollback
 */
export async function rollback(unverified: UnverifiedDeployment, failure: unknown): Promise<unknown> {
  const { account, session, file, edited, deployment } = unverified;
  const { key } = deployment;
  const [old] = findKey(edited.before, key);
  const restore = (content: Buffer) =>
    old === undefined ? removeKey(content, key) : putKey(content, { ...key, comment: old.comment }, old.options);
  const undo = async (target: AtomicFile) => {
    await target.edit(restore, { removeEmpty: !edited.existed });
    await target.removeFolders(edited.folders);
  };
  const hint = await homeFolderHint(session).catch(() => "");
  let outcome = old === undefined ? "it was taken off again" : "its line is again what it was before";
  try {
    // After a lost connection or an expired deadline, a new connection costs time but removes the key.
    await (session.alive
      ? undo(file)
      : withSeparateSession(account, async (separate) => undo(await openAuthorizedKeys(separate, account))));
  } catch (error) {
    outcome = `undoing that failed too: ${error instanceof Error ? error.message : error}`;
  }
  if (!(failure instanceof SshError)) return failure;
  const failed = failure instanceof ForcedCommandError ? "its command does not run" : "a login with it failed";
  const text = `the key was deployed, but ${failed}; ${outcome}. ${failure.message}${hint || otherFileHint(failure, deployment, file)}`;
  return new SshError(failure.kind, text, { ...(failure.phase ? { phase: failure.phase } : {}), cause: failure });
}

/** The most common reason for a refused key: a home folder that others can write. */
async function homeFolderHint(session: Session): Promise<string> {
  const home = await (await openFiles(session, {})).status(".");
  if (home === undefined || (home.mode & WRITABLE_BY_OTHERS) === 0) return "";
  return `. The home folder is writable by others (mode ${describeMode(home)}), which makes sshd ignore its keys: chmod go-w it`;
}

/** The remaining reason where the server accepts keys in general: sshd reads another file. */
function otherFileHint(failure: SshError, { options }: ResolvedDeployment, file: AtomicFile): string {
  const limited = splitOptions(options)?.some(({ name }) => /^(from|expiry-time)$/i.test(name));
  if (failure.kind !== "authentication" || limited || !/offers: [^;]*publickey/.test(failure.message)) return "";
  return `. If its sshd_config names another AuthorizedKeysFile than ${file.path}, give that as authorizedKeysPath`;
}
