import type { SFTPWrapper } from "ssh2";
import type { Context } from "../context";
import type { Key } from "../store/rows";
import { SshFailure } from "./failure";
import { pinnedKeys } from "./hostKeys";
import { type Limits, type SshSession, type Target, withSession } from "./session";

/** Time in ms of a whole deployment. */
const DEPLOY_MS = 30_000;

const FILE = ".ssh/authorized_keys";

/**
 * Installs a public key with a password as `ssh-copy-id` does: over SFTP, or in a shell. A login with the key comes first,
 * and skips the rest. Success therefore proves neither the password nor, after an installation, the key.
 *
 * @returns null for success, else the failure.
 */
export async function deployKey(
  context: Context,
  target: Target,
  key: Key,
  password: string,
  overSftp: boolean,
): Promise<SshFailure | null> {
  const deadline = Date.now() + DEPLOY_MS;
  const pinned = pinnedKeys(context, target);
  const limits = () => ({ connectMs: context.connectMs, totalMs: Math.max(1, deadline - Date.now()), pinned });
  try {
    if (await isInstalled(target, key, overSftp, limits())) return null;
    await withSession(target, { password }, limits(), (session) =>
      overSftp ? appendOverSftp(session, key.public_key) : appendInShell(session, key.public_key),
    );
    return null;
  } catch (error) {
    if (error instanceof SshFailure) return error;
    throw error;
  }
}

/** @throws {SshFailure} for any answer but a refused login: a restricted shell looks broken. */
async function isInstalled(target: Target, key: Key, overSftp: boolean, limits: Limits): Promise<boolean> {
  try {
    const { code, stdout, stderr } = await withSession(target, { privateKey: key.private_key }, limits, (session) =>
      session.run("exit"),
    );
    const words = stdout + stderr;
    if (code === 0 || (overSftp && /allows sftp connections only/.test(words))) return true;
    throw new SshFailure("ssh_command_failed", words.trim() || "the login with the key has an unexpected answer");
  } catch (error) {
    if (error instanceof SshFailure && error.kind === "authentication_failed") return false;
    throw error;
  }
}

/** Reads the whole file, adds the line, and writes the file: two deployments at once lose a line. */
async function appendOverSftp(session: SshSession, publicKey: string): Promise<void> {
  const sftp = await session.sftp();
  await done((back) => sftp.mkdir(".ssh", { mode: 0o700 }, back)).catch(() => {});
  const before = await readFile(sftp);
  const separator = before === "" || before.endsWith("\n") ? "" : "\n";
  const content = `${before}${separator}${publicKey.trimEnd()}\n`;
  await done((back) => sftp.writeFile(FILE, content, { mode: 0o600 }, back));
  await done((back) => sftp.chmod(FILE, 0o600, back));
  await done((back) => sftp.chmod(".ssh", 0o700, back));
}

function readFile(sftp: SFTPWrapper): Promise<string> {
  return new Promise((resolve) =>
    sftp.readFile(FILE, (error, content) => resolve(error ? "" : content.toString("utf8"))),
  );
}

async function appendInShell(session: SshSession, publicKey: string): Promise<void> {
  const endLine = `test ! -s ${FILE} || test -z "$(tail -c 1 ${FILE})" || echo >>${FILE}`;
  const command = `umask 077; cd && mkdir -p .ssh && { ${endLine}; } && cat >>${FILE} && chmod 700 .ssh && chmod 600 ${FILE}`;
  const { code, stderr } = await session.run(command, `${publicKey.trimEnd()}\n`);
  if (code !== 0) throw new SshFailure("ssh_command_failed", stderr || "the shell refuses the installation");
}

function done(start: (back: (error?: Error | null) => void) => void): Promise<void> {
  return new Promise((resolve, reject) =>
    start((error) => (error ? reject(new SshFailure("ssh_command_failed", error.message)) : resolve())),
  );
}
