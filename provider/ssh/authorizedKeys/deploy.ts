import type { Access } from "../connection/access";
import type { HostKey } from "../connection/hostKey";
import { formatKnownHosts } from "../connection/knownHosts";
import { withSeparateSession, withSession } from "../connection/withSession";
import { SshError, type SshErrorKind } from "../error";
import type { AtomicFile } from "../files/atomicFile";
import { parsePublicKey } from "../keys";
import { type Deployment, resolveDeployment } from "./deployment";
import { type AuthorizedLine, findKey, putKey, removeKey } from "./lines";
import { type ManagedAccount, openAuthorizedKeys, type ResolvedAccount, resolveAccount } from "./managedAccount";
import { sameOptions } from "./options";
import { rollback } from "./rollback";
import { verifyLogin } from "./verifyLogin";

export type { Deployment } from "./deployment";
export type { ManagedAccount } from "./managedAccount";

export interface Deployed {
  /** `connected` only after a login with the deployed key. */
  status: "connected" | "deployed";
  /** Access of that login. Undefined when none was tried. */
  access: Access | undefined;
  hostKey: HostKey;
  /** A line for a `known_hosts` file. */
  knownHosts: string;
  /** Whether the file already contained the key. */
  wasThere: boolean;
}

export interface Observed {
  /** The lines of the key. Empty: the key is gone. More than one: another program added a line. */
  lines: AuthorizedLine[];
  hostKey: HostKey;
}

/**
 * Writes exactly one line for the key and verifies it with a login where the private key is given. Then removes the
 * replaced key. A failed verification restores the key's line from before. An up-to-date file is not written.
 * @throws SshError of every kind; `authentication` when the host refuses the deployed key
 */
export async function deploy(managed: ManagedAccount, wanted: Deployment): Promise<Deployed> {
  const deployment = resolveDeployment(wanted);
  const account = resolveAccount(managed);
  const { key, options, privateKey, replaced, mayChange } = deployment;
  return withSession(account, async (session) => {
    const file = await openAuthorizedKeys(session, account);
    const edited = await file.edit((content) => {
      const present = findKey(content, key);
      if (present.some((line) => !sameOptions(line.options, options))) mayChange?.(present, file.path);
      return putKey(content, key, options);
    });
    if (!edited.changed) await file.fixPermissions();
    let access: Access | undefined;
    if (privateKey !== undefined) {
      try {
        access = await verifyLogin(session, privateKey, options);
      } catch (error) {
        throw await rollback({ account, session, file, edited, deployment }, error);
      }
    }
    if (replaced !== undefined && replaced.blob !== key.blob)
      await file.edit((content) => removeKey(content, replaced));
    return {
      status: access === undefined ? "deployed" : "connected",
      access,
      hostKey: session.hostKey,
      knownHosts: formatKnownHosts(account.host, account.port, session.hostKey),
      wasThere: findKey(edited.before, key).length > 0,
    };
  });
}

/** Reads the lines of a key in `authorized_keys`. Changes nothing on the host. */
export async function observe(managed: ManagedAccount, publicKey: string): Promise<Observed> {
  const key = parsePublicKey(publicKey);
  const account = resolveAccount(managed);
  return withSession(account, async (session) => {
    const file = await openAuthorizedKeys(session, account);
    return { lines: findKey(await file.read(), key), hostKey: session.hostKey };
  });
}

/** An account that needs the key. */
export interface KeyHolder {
  account: ManagedAccount;
  /** Whether this run has logged in there. Otherwise a failed login shows that it is another account. */
  isVerified: boolean;
}

/**
 * Removes exactly this key. A missing key is no error.
 * @param holders accounts that need the key: it stays when one of them has the very same file
 */
export async function remove(
  managed: ManagedAccount,
  publicKey: string,
  holders: readonly KeyHolder[] = [],
): Promise<void> {
  const key = parsePublicKey(publicKey);
  const account = resolveAccount(managed);
  await withSession(account, async (session) => {
    const file = await openAuthorizedKeys(session, account);
    if (holders.length > 0 && findKey(await file.read(), key).length > 0) {
      for (const holder of holders) if (await isFileOf(holder, file)) return;
    }
    await file.edit((content) => removeKey(content, key));
  });
}

/** The kinds of errors before the end of a login. */
const NO_LOGIN: ReadonlySet<SshErrorKind> = new Set(["resolve", "connect", "timeout", "hostKey", "authentication"]);

async function isFileOf({ account, isVerified }: KeyHolder, file: AtomicFile): Promise<boolean> {
  const other = resolveAccount(account);
  try {
    return await isSameFile(file, other);
  } catch (error) {
    if (isVerified || !(error instanceof SshError)) throw error;
    if (NO_LOGIN.has(error.kind)) return false;
    const text = `nothing shows whether ${other.username} on ${other.address}, which needs the key too, has the very same ${file.path}: ${error.message}`;
    throw new SshError(error.kind, text, { phase: "session", cause: error });
  }
}

/**
 * Whether another account has the very same file: a marker beside it through one is visible through the other.
 * Names, addresses and host keys prove nothing: machines are cloned, and one machine has many names.
 */
function isSameFile(file: AtomicFile, other: ResolvedAccount): Promise<boolean> {
  // A separate session waits for no other operation: two mutual comparisons would otherwise deadlock.
  return file.withMarker((token) =>
    withSeparateSession(other, async (session) => (await openAuthorizedKeys(session, other)).hasMarker(token)),
  );
}
