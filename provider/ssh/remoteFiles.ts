import { SshError } from "./error";
import type { Session } from "./session";
import { SftpFiles } from "./sftpFiles";
import { ShellFiles } from "./shellFiles";

export interface FileStatus {
  type: "file" | "folder" | "link" | "other";
  /** Permission bits. */
  mode: number;
}

/**
 * What editing a file of an account needs, over SFTP or over a shell. Relative paths start where a login starts.
 * All throw SshError `permission`, `write`, `session` or `timeout`.
 */
export interface RemoteFiles {
  /** Undefined when there is no such file. */
  read(path: string): Promise<Buffer | undefined>;
  /** Undefined when there is nothing; a link is not followed. */
  status(path: string): Promise<FileStatus | undefined>;
  /** Where a path leads when all links are followed. */
  realPath(path: string): Promise<string>;
  /** A new folder with mode 0700. */
  makeFolder(path: string): Promise<void>;
  /** A new file with mode 0600; false when there is something of that name. Leaves none behind when it fails. */
  create(path: string, content: Buffer): Promise<boolean>;
  /** Moves a file to a name in the same folder, in one step where the server can, over what is there. */
  replace(from: string, to: string): Promise<void>;
  chmod(path: string, mode: number): Promise<void>;
  /** Does nothing when there is no such file. */
  remove(path: string): Promise<void>;
}

export interface FileAccess {
  /** Left out: SFTP, then a shell where the server has no SFTP. */
  useSftpMode?: boolean | undefined;
  /** Put before absolute paths over a shell. */
  sshPathPrefix?: string | undefined;
}

/** @throws SshError `session` when the server offers none of the allowed ways */
export async function openFiles(session: Session, { useSftpMode, sshPathPrefix }: FileAccess): Promise<RemoteFiles> {
  if (useSftpMode !== false) {
    const sftp = await session.sftp();
    if (sftp) return new SftpFiles(session, sftp);
  }
  if (useSftpMode === true) {
    throw new SshError("session", `${session.address} offers no SFTP; leave useSftpMode out`, {
      phase: "session",
      property: "useSftpMode",
    });
  }
  const shell = new ShellFiles(session, sshPathPrefix);
  if (await shell.works()) return shell;
  const tried =
    useSftpMode === false ? "runs no shell commands; leave useSftpMode out" : "offers neither SFTP nor a shell";
  throw new SshError("session", `${session.address} ${tried}, so authorized_keys cannot be edited`, {
    phase: "session",
  });
}
