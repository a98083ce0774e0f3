/** Paths in the command lines of a remote shell. */

/** The start of paths on a host. */
export interface PathStart {
  /** Folder of relative paths. Unset: the folder where a login starts. */
  defaultPath?: string | undefined;
  /** Prefix of absolute paths over a shell: `/volume1` on Synology, whose SFTP shows a part of the disk. */
  sshPathPrefix?: string | undefined;
}

/** A path for a shell of the host, not yet quoted. An existing prefix is not repeated. */
export function shellPath(path: string, { defaultPath, sshPathPrefix }: PathStart): string {
  const relative = !/^[/~]/.test(path);
  const whole = relative && defaultPath !== undefined ? `${defaultPath.replace(/\/+$/, "")}/${path}` : path;
  // Programs would take a leading dash for an option.
  if (whole.startsWith("-")) return `./${whole}`;
  const prefix = sshPathPrefix?.replace(/\/+$/, "");
  if (!prefix || !whole.startsWith("/") || `${whole}/`.startsWith(`${prefix}/`)) return whole;
  return `${prefix}${whole}`;
}

/**
 * One word for a POSIX shell. A leading `~/` keeps its meaning.
 * Plain words stay unquoted: restricted shells may know no quotes.
 */
export function quoteForShell(word: string): string {
  if (/^[A-Za-z0-9_@%+=:,./~-]+$/.test(word)) return word;
  const home = word.startsWith("~/") ? "~/" : "";
  return `${home}'${word.slice(home.length).replaceAll("'", "'\\''")}'`;
}
