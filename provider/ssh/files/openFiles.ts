import type { Session } from "../connection/session";
import { printable, SshError } from "../error";
import { plainPath } from "./paths";
import type { RemoteFiles } from "./remoteFiles";
import { SftpFiles } from "./sftpFiles";
import { ShellFiles } from "./shellFiles";

/** Options of the file access. */
export interface FileAccess {
  /** `true`: SFTP only. `false`: a shell only. Unset: SFTP, then a shell on servers without SFTP. */
  useSftpMode?: boolean | undefined;
  /** Prefix of absolute paths over a shell. */
  sshPathPrefix?: string | undefined;
}

/**
 * Opens the files of an account over SFTP or a shell.
 * @throws SshError `session` when the server offers neither of the allowed two
 */
export async function openFiles(session: Session, { useSftpMode, sshPathPrefix }: FileAccess): Promise<RemoteFiles> {
  const prefix = sshPathPrefix === undefined ? undefined : plainPath(sshPathPrefix);
  if (useSftpMode !== false) {
    const sftp = await session.sftp();
    if (sftp) return new SftpFiles(session, sftp, new ShellFiles(session, prefix));
  }
  if (useSftpMode === true) {
    const text = `${session.address} offers no SFTP; leave useSftpMode out${await refusalText(session)}`;
    throw new SshError("session", text, { phase: "session", property: "useSftpMode" });
  }
  const shell = new ShellFiles(session, prefix);
  if (await shell.works()) return shell;
  const tried =
    useSftpMode === false ? "runs no shell commands; leave useSftpMode out" : "offers neither SFTP nor a shell";
  const text = `${session.address} ${tried}, so authorized_keys cannot be edited${await refusalText(session)}`;
  throw new SshError("session", text, { phase: "session" });
}

/** The host's answer to any command, for messages: a closed account explains itself there. */
async function refusalText(session: Session): Promise<string> {
  const result = await session.exec(":");
  const text = printable(`${result?.stdout ?? ""} ${result?.stderr ?? ""}`).slice(0, 200);
  // The usage text of a forced command describes that command, not the account.
  return text && !/^usage:/i.test(text) ? ` (it says: ${text})` : "";
}
