import { type Access, probeAccess } from "./access";
import type { Target } from "./account";
import { portOf } from "./account";
import { AccountFile } from "./accountFile";
import { type AuthorizedLine, findKey, putKey, removeKey } from "./authorizedKeys";
import { connect } from "./connect";
import { Deadline } from "./deadline";
import { SshError } from "./error";
import { CommandError } from "./forcedCommand";
import { formatKnownHosts, type HostKey, hostAndPort } from "./hostKeys";
import { matches, type PublicKey, parsePublicKey } from "./keys";
import { type FileAccess, openFiles } from "./openFiles";
import { Session, withSession } from "./session";

/** An account whose `authorized_keys` is managed. */
export interface ManagedAccount extends Target, FileAccess {
  /** Default `.ssh/authorized_keys`, from where a login starts. */
  authorizedKeysPath?: string | undefined;
}

/** What shall stand in `authorized_keys`. */
export interface Deployment {
  /** One OpenSSH line. */
  publicKey: string;
  /** As `renderOptions` gives them; empty or left out: the key may do everything. */
  options?: string | undefined;
  /** Secret: with it the login is tried as the key's user would; left out: nothing is tried. */
  privateKey?: string | undefined;
  passphrase?: string | undefined;
  /** The OpenSSH line of the key that this one takes the place of; it goes when the new one is proven. */
  replaces?: string | undefined;
}

export interface Deployed {
  /** `connected` only after a login with the deployed key. */
  status: "connected" | "deployed";
  /** Of that login; undefined when none was tried. */
  access: Access | undefined;
  hostKey: HostKey;
  /** A line for a `known_hosts` file. */
  knownHosts: string;
}

export interface Observed {
  /** The key's lines as they stand; none: the key is gone. More than one: somebody added another. */
  lines: AuthorizedLine[];
  hostKey: HostKey;
}

/**
 * Puts exactly one line for the key, proves it where its private half is given, then takes the replaced key off.
 * When the proof fails, the file gets back what it said about the key before.
 * Nothing is written when all is as wanted.
 * @throws SshError of every kind; `authentication` when the host refuses the deployed key
 */
export async function deploy(account: ManagedAccount, wanted: Deployment): Promise<Deployed> {
  const key = parsePublicKey(wanted.publicKey);
  const replaced = wanted.replaces === undefined ? undefined : parsePublicKey(wanted.replaces);
  const options = wanted.options ?? "";
  checkPair(wanted);
  return withSession(account, async (session) => {
    const file = await openFile(session, account);
    const before = await file.edit((content) => putKey(content, key, options));
    await file.mend();
    let access: Access | undefined;
    if (wanted.privateKey !== undefined) {
      try {
        access = await prove(session, wanted);
      } catch (error) {
        throw await takeBack(account, session, file, key, findKey(before, key), error);
      }
    }
    if (replaced !== undefined && replaced.blob !== key.blob)
      await file.edit((content) => removeKey(content, replaced));
    return {
      status: access === undefined ? "deployed" : "connected",
      access,
      hostKey: session.hostKey,
      knownHosts: formatKnownHosts(account.host, portOf(account), session.hostKey),
    };
  });
}

/** What stands in `authorized_keys` about the key; changes nothing on the host. */
export async function observe(account: ManagedAccount, publicKey: string): Promise<Observed> {
  const key = parsePublicKey(publicKey);
  return withSession(account, async (session) => {
    const file = await openFile(session, account);
    return { lines: findKey(await file.read(), key), hostKey: session.hostKey };
  });
}

/** Takes exactly this key off; does nothing when it is not there. */
export async function remove(account: ManagedAccount, publicKey: string): Promise<void> {
  const key = parsePublicKey(publicKey);
  await withSession(account, async (session) => {
    const file = await openFile(session, account);
    await file.edit((content) => removeKey(content, key));
  });
}

async function openFile(session: Session, account: ManagedAccount): Promise<AccountFile> {
  return new AccountFile(session, await openFiles(session, account), account.authorizedKeysPath);
}

function checkPair({ publicKey, privateKey, passphrase }: Deployment): void {
  if (privateKey === undefined) return;
  if (!matches(publicKey, { privateKey, ...(passphrase === undefined ? {} : { passphrase }) })) {
    throw new SshError("input", "the private key is not the other half of publicKey", { property: "privateKey" });
  }
}

/** Logs in with the deployed key alone, to the very host that the session is with. */
async function prove(session: Session, { privateKey, passphrase, options }: Deployment): Promise<Access> {
  const { deadline, hostKey } = session;
  const { host, username, proxyJump } = session.target;
  const port = portOf(session.target);
  const pinned = formatKnownHosts(host, port, hostKey);
  const target: Target = {
    host,
    port,
    username,
    hostKey: pinned,
    proxyJump,
    credentials: [{ privateKey, passphrase }],
  };
  const login = new Session(target, await connect(target, deadline), deadline);
  try {
    if (login.method !== "publickey") {
      const text = `${session.address} lets ${username} in without any key, so the key cannot be proven`;
      throw new SshError("authentication", text, { phase: "authentication" });
    }
    return await probeAccess(login, options);
  } finally {
    login.close();
    deadline.phase = "session";
  }
}

/** Undoes a deployment that was not proven; gives back the error that tells of both. */
async function takeBack(
  account: ManagedAccount,
  session: Session,
  file: AccountFile,
  key: PublicKey,
  lines: AuthorizedLine[],
  failure: unknown,
): Promise<unknown> {
  const [old] = lines;
  const restore = (content: Buffer) =>
    old === undefined ? removeKey(content, key) : putKey(content, { ...key, comment: old.comment }, old.options);
  const hint = await homeHint(session).catch(() => "");
  let outcome = old === undefined ? "it was taken off again" : "its line is again what it was before";
  try {
    await (session.alive ? file.edit(restore) : editAgain(account, restore));
  } catch (error) {
    outcome = `undoing that failed too: ${error instanceof Error ? error.message : error}`;
  }
  if (!(failure instanceof SshError)) return failure;
  const text = `the key was deployed, but ${failure instanceof CommandError ? "its command does not run" : "a login with it failed"}; ${outcome}. ${failure.message}${hint}`;
  return new SshError(failure.kind, text, { ...(failure.phase ? { phase: failure.phase } : {}), cause: failure });
}

/** The link was lost or the time is up: leaving the key behind would be worse than taking longer. */
async function editAgain(account: ManagedAccount, change: (content: Buffer) => Buffer): Promise<void> {
  const deadline = new Deadline(hostAndPort(account.host, portOf(account)), account.timeout ?? 30);
  try {
    const session = new Session(account, await connect(account, deadline), deadline);
    try {
      const file = await openFile(session, account);
      await file.edit(change);
    } finally {
      session.close();
    }
  } finally {
    deadline.end();
  }
}

/** The most common reason for a refused key on hosts whose keys are otherwise fine. */
async function homeHint(session: Session): Promise<string> {
  const home = await (await openFiles(session, {})).status(".");
  if (home === undefined || (home.mode & 0o022) === 0) return "";
  const mode = home.mode.toString(8).padStart(4, "0");
  return `. The home folder is writable by others (mode ${mode}), which makes sshd ignore its keys: chmod go-w it`;
}
