import type { Session } from "../connection/session";
import { printable, SshError } from "../error";
import { plainPath } from "./paths";
import type { RemoteFiles } from "./remoteFiles";
import { SftpFiles } from "./sftpFiles";
import { ShellFiles } from "./shellFiles";

export interface FileAccess {
  /** Left out: SFTP, then a shell where the server has no SFTP. */
  useSftpMode?: boolean | undefined;
  /** Put before absolute paths over a shell. */
  sshPathPrefix?: string | undefined;
}

/** @throws SshError `session` when the server offers none of the allowed ways */
export async function openFiles(session: Session, { useSftpMode, sshPathPrefix }: FileAccess): Promise<RemoteFiles> {
  const prefix = sshPathPrefix === undefined ? undefined : plainPath(sshPathPrefix);
  if (useSftpMode !== false) {
    const sftp = await session.sftp();
    if (sftp) return new SftpFiles(session, sftp, new ShellFiles(session, prefix));
  }
  if (useSftpMode === true) {
    const text = `${session.address} offers no SFTP; leave useSftpMode out${await wordsOf(session)}`;
    throw new SshError("session", text, { phase: "session", property: "useSftpMode" });
  }
  const shell = new ShellFiles(session, prefix);
  if (await shell.works()) return shell;
  const tried =
    useSftpMode === false ? "runs no shell commands; leave useSftpMode out" : "offers neither SFTP nor a shell";
  const text = `${session.address} ${tried}, so authorized_keys cannot be edited${await wordsOf(session)}`;
  throw new SshError("session", text, { phase: "session" });
}

/** What a host answers to any command: an account that is closed says so there. */
async function wordsOf(session: Session): Promise<string> {
  const result = await session.exec(":");
  const words = printable(`${result?.stdout ?? ""} ${result?.stderr ?? ""}`).slice(0, 200);
  // A forced command that wants other arguments says so of itself, not of the account.
  return words && !/^usage:/i.test(words) ? ` (it says: ${words})` : "";
}
