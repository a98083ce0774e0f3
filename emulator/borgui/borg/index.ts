/** The end of a borg process. */
export interface BorgResult {
  code: number;
  stdout: string;
  stderr: string;
}

export interface BorgAccess {
  passphrase: string | null;
  /** The text of the private key for an `ssh://` address; null for none. */
  privateKey: string | null;
  /** Host keys as lines of known_hosts, of which one must be shown; null accepts any. */
  pinned: string | null;
  /** Ends the process. */
  signal?: AbortSignal;
}

/** The borg that a Borg UI server runs. */
export interface Borg {
  /** The words of `borg --version`; null without borg. */
  version(): Promise<string | null>;
  /** Runs `borg ARGS`. */
  run(args: string[], access: BorgAccess): Promise<BorgResult>;
  /** Keeps the key file of a repository of mode `keyfile`. */
  addKeyfile(address: string, content: string): Promise<{ name: string; remove(): Promise<void> }>;
  /** Stops all processes, and resolves when they have ended. */
  close(): Promise<void>;
}
