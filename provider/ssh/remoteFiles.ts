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
