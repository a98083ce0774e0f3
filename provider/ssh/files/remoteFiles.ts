/** Permission bits and owner; an owner is left out where the server does not name it. */
export interface Ownership {
  mode: number;
  uid?: number | undefined;
  gid?: number | undefined;
}

export interface FileStatus extends Ownership {
  type: "file" | "folder" | "link" | "other";
}

export interface RemoteFile {
  content: Buffer;
  /** Of the file itself where the path is a link. */
  status: FileStatus;
}

/** What a file has beside its content, owner and mode, as far as the server lets it be seen. */
export interface Extras {
  /** How many names it has (hard links). */
  links?: number;
  /** Whether an access control list stands beside its mode. */
  acl?: boolean;
}

/**
 * What editing a file of an account needs, over SFTP or over a shell. Relative paths start where a login starts.
 * All throw SshError `permission`, `write`, `session` or `timeout`.
 */
export interface RemoteFiles {
  /** Undefined when there is no such file. */
  read(path: string): Promise<RemoteFile | undefined>;
  /** Undefined when there is nothing. A link is followed only where that is asked for. */
  status(path: string, how?: { follow: boolean }): Promise<FileStatus | undefined>;
  extras(path: string, status: FileStatus): Promise<Extras>;
  /** Where a path leads when all links are followed. */
  realPath(path: string): Promise<string>;
  /** A new folder. An owner that the server does not give to it is no error: its status shows who has it. */
  makeFolder(path: string, like: Ownership): Promise<void>;
  /**
   * A new file; undefined when there is something of that name. Leaves none behind when it fails. An owner or a mode
   * that the server does not give to it is no error: what it has is returned.
   */
  create(path: string, content: Buffer, like: Ownership): Promise<FileStatus | undefined>;
  /** Gives a file the access control list of another one; false when that cannot be done. */
  copyAcl(from: string, to: string): Promise<boolean>;
  /** Moves a file to a name in the same folder, in one step where the server can, over what is there. */
  replace(from: string, to: string): Promise<void>;
  chmod(path: string, mode: number): Promise<void>;
  /** Does nothing when there is no such file. */
  remove(path: string): Promise<void>;
  /** Fails when it is not empty. */
  removeFolder(path: string): Promise<void>;
}
