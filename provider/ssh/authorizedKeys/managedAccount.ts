import { type ResolvedTarget, resolveTarget } from "../connection/resolveTarget";
import type { Session } from "../connection/session";
import type { Target } from "../connection/target";
import { DEFAULT_AUTHORIZED_KEYS_PATH } from "../defaults";
import { AtomicFile } from "../files/atomicFile";
import { type FileAccess, openFiles } from "../files/openFiles";

/** An account with a managed `authorized_keys` file. */
export interface ManagedAccount extends Target, FileAccess {
  /** Path of the file, relative to the folder where a login starts. Default `.ssh/authorized_keys`. */
  authorizedKeysPath?: string | undefined;
}

/** A managed account with every default filled and every text parsed. */
export interface ResolvedAccount extends ResolvedTarget, FileAccess {
  authorizedKeysPath: string;
}

/** @throws SshError `input` with the first argument that cannot be used */
export function resolveAccount(account: ManagedAccount): ResolvedAccount {
  const { useSftpMode, sshPathPrefix, authorizedKeysPath = DEFAULT_AUTHORIZED_KEYS_PATH } = account;
  return { ...resolveTarget(account), useSftpMode, sshPathPrefix, authorizedKeysPath };
}

/** Opens the `authorized_keys` file of an account in a session. */
export async function openAuthorizedKeys(session: Session, account: ResolvedAccount): Promise<AtomicFile> {
  return new AtomicFile(session, await openFiles(session, account), account.authorizedKeysPath);
}
