import { type Access, probeAccess } from "../connection/access";
import { connect } from "../connection/connect";
import { Deadline } from "../connection/deadline";
import { formatKnownHosts, type HostKey, hostAndPort } from "../connection/hostKeys";
import { Session, withSession } from "../connection/session";
import type { Target } from "../connection/target";
import { portOf } from "../connection/target";
import { SshError } from "../error";
import { AccountFile, type Edited } from "../files/atomicFile";
import { type FileAccess, openFiles } from "../files/openFiles";
import { matches, type PublicKey, parsePublicKey } from "../keys";
import { CommandError } from "./forcedCommand";
import { type AuthorizedLine, findKey, putKey, removeKey, sameOptions, splitOptions } from "./lines";

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
  /** Asked before anything is written when the key stands there already, with other options; throws to refuse. */
  mayChange?: (present: readonly AuthorizedLine[], path: string) => void;
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
  /** Whether the key stood there before. */
  wasThere: boolean;
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
    const edited = await file.edit((content) => {
      const present = findKey(content, key);
      if (present.some((line) => !sameOptions(line.options, options))) wanted.mayChange?.(present, file.path);
      return putKey(content, key, options);
    });
    if (!edited.changed) await file.tighten();
    let access: Access | undefined;
    if (wanted.privateKey !== undefined) {
      try {
        access = await prove(session, wanted);
      } catch (error) {
        throw await takeBack({ account, session, file, edited }, key, wanted, error);
      }
    }
    if (replaced !== undefined && replaced.blob !== key.blob)
      await file.edit((content) => removeKey(content, replaced));
    return {
      status: access === undefined ? "deployed" : "connected",
      access,
      hostKey: session.hostKey,
      knownHosts: formatKnownHosts(account.host, portOf(account), session.hostKey),
      wasThere: findKey(edited.before, key).length > 0,
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

/**
 * Takes exactly this key off; does nothing when it is not there.
 * @param unless accounts where the key has just been put: where one of them leads to the very same file, it stays
 */
export async function remove(
  account: ManagedAccount,
  publicKey: string,
  unless: readonly ManagedAccount[] = [],
): Promise<void> {
  const key = parsePublicKey(publicKey);
  await withSession(account, async (session) => {
    const file = await openFile(session, account);
    if (unless.length > 0 && findKey(await file.read(), key).length > 0) {
      for (const other of unless) if (await isSameFile(file, other)) return;
    }
    await file.edit((content) => removeKey(content, key));
  });
}

/**
 * Whether two accounts lead to the very same file: what is left beside it through one is looked for through the other.
 * Names, addresses and host keys prove nothing: machines are cloned, and one machine has many names.
 */
function isSameFile(file: AccountFile, other: ManagedAccount): Promise<boolean> {
  // No turn is waited for, as two that look at each other would wait for ever; nothing is written there.
  return file.withMark((token) => apart(other, async (session) => (await openFile(session, other)).hasMark(token)));
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

interface Attempt {
  account: ManagedAccount;
  session: Session;
  file: AccountFile;
  edited: Edited;
}

/** Undoes a deployment that was not proven; gives back the error that tells of both. */
async function takeBack(attempt: Attempt, key: PublicKey, wanted: Deployment, failure: unknown): Promise<unknown> {
  const { account, session, file, edited } = attempt;
  const [old] = findKey(edited.before, key);
  const undo = async (where: AccountFile) => {
    const restore = (content: Buffer) =>
      old === undefined ? removeKey(content, key) : putKey(content, { ...key, comment: old.comment }, old.options);
    await where.edit(restore, { goes: !edited.existed });
    await where.removeFolders(edited.folders);
  };
  const hint = await homeHint(session).catch(() => "");
  let outcome = old === undefined ? "it was taken off again" : "its line is again what it was before";
  try {
    // The link was lost or the time is up: leaving the key behind would be worse than taking longer.
    await (session.alive ? undo(file) : apart(account, async (again) => undo(await openFile(again, account))));
  } catch (error) {
    outcome = `undoing that failed too: ${error instanceof Error ? error.message : error}`;
  }
  if (!(failure instanceof SshError)) return failure;
  const failed = failure instanceof CommandError ? "its command does not run" : "a login with it failed";
  const text = `the key was deployed, but ${failed}; ${outcome}. ${failure.message}${hint || otherFileHint(failure, wanted, file)}`;
  return new SshError(failure.kind, text, { ...(failure.phase ? { phase: failure.phase } : {}), cause: failure });
}

/** Does something over a connection of its own, with a deadline of its own. */
async function apart<T>(account: ManagedAccount, work: (session: Session) => Promise<T>): Promise<T> {
  const deadline = new Deadline(hostAndPort(account.host, portOf(account)), account.timeout ?? 30);
  try {
    const session = new Session(account, await connect(account, deadline), deadline);
    try {
      return await work(session);
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

/** Where keys are accepted and this one is not, nothing else of the host's set-up can be seen from outside. */
function otherFileHint(failure: SshError, { options = "" }: Deployment, file: AccountFile): string {
  const limited = splitOptions(options)?.some(({ name }) => /^(from|expiry-time)$/i.test(name));
  if (failure.kind !== "authentication" || limited || !/offers: [^;]*publickey/.test(failure.message)) return "";
  return `. If its sshd_config names another AuthorizedKeysFile than ${file.path}, give that as authorizedKeysPath`;
}
