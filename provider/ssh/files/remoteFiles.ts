/** Permission bits and owner. The owner is unset when the server does not report it. */
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
  /** Status of the file itself, also behind a link. */
  status: FileStatus;
}

/** Attributes beside content, owner and mode, as far as the server reports them. */
export interface ExtraAttributes {
  /** Number of names (hard links). */
  links?: number;
  /** Whether the file has an access control list beside its mode. */
  acl?: boolean;
}

/**
 * The file operations of an account, over SFTP or over a shell. Relative paths start where a login starts.
 * Every method throws SshError `permission`, `write`, `session` or `timeout`.
 */
export interface RemoteFiles {
  /** Undefined for a missing file. */
  read(path: string): Promise<RemoteFile | undefined>;
  /** Undefined for a missing path. Links are followed with `follow` only. */
  status(path: string, how?: { follow: boolean }): Promise<FileStatus | undefined>;
  extraAttributes(path: string, status: FileStatus): Promise<ExtraAttributes>;
  /** The path with every link followed. */
  realPath(path: string): Promise<string>;
  /** Makes a folder. Its owner may differ from `like` when the server refuses it: check the status. */
  makeFolder(path: string, like: Ownership): Promise<void>;
  /**
   * Creates a file, and removes it again on failure. Undefined when the path exists.
   * The returned owner and mode may differ from `like` when the server refuses them.
   */
  create(path: string, content: Buffer, like: Ownership): Promise<FileStatus | undefined>;
  /** Copies the access control list of a file to another one. False when the server cannot. */
  copyAcl(from: string, to: string): Promise<boolean>;
  /** Renames a file within its folder over an existing one, atomically where the server can. */
  replace(from: string, to: string): Promise<void>;
  chmod(path: string, mode: number): Promise<void>;
  /** Removes a file. A missing one is no error. */
  remove(path: string): Promise<void>;
  /** Removes an empty folder. */
  removeFolder(path: string): Promise<void>;
}
