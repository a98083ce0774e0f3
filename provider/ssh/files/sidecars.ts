/** Paths of the temporary files beside an edited file. */

/** The lock that one holder at a time can create. */
export function lockPathOf(path: string): string {
  return `${path}.pulumi-borgbase.lock`;
}

/** The new content before it replaces the file, or a marker. One per token. */
export function temporaryPathOf(path: string, token: string): string {
  return `${path}.pulumi-borgbase.${token}`;
}

/** The old content on servers that cannot rename over a file. Restored after a lost connection. */
export function backupPathOf(path: string): string {
  return `${path}.pulumi-borgbase.old`;
}
