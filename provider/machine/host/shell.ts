/** Pieces of POSIX scripts, for a BusyBox too. */

/** A word in single quotes, whatever it holds. */
export function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

export interface FileToWrite {
  path: string;
  mode: number;
  owner: string;
  group: string;
  content: string;
}

/**
 * Writes a file under a temporary name in its folder, and renames it: no reader ever sees a part. Owner and mode are set
 * before the content. Content stands in the script, which travels on standard input. A full disk keeps no part.
 */
export function writeFile({ path, mode, owner, group, content }: FileToWrite): string {
  const draft = quote(`${path}.draft`);
  const encoded = Buffer.from(content).toString("base64");
  const steps = [
    `rm -f ${draft}`,
    `(umask 077; : > ${draft})`,
    `chown ${quote(`${owner}:${group}`)} ${draft}`,
    `chmod ${octal(mode)} ${draft}`,
    `printf %s ${encoded === "" ? "''" : encoded} | base64 -d > ${draft}`,
    `mv -f ${draft} ${quote(path)}`,
  ];
  return `{ ${steps.join(" && ")} || { rm -f ${draft}; false; }; }`;
}

/** Name of a new file beside the present one, until it takes its place. */
export const stagedPath = (path: string) => `${path}.new`;

/** Renames a new file to its place, where there is one. */
export function moveStaged(path: string): string {
  const staged = quote(stagedPath(path));
  return `{ [ ! -e ${staged} ] || mv -f ${staged} ${quote(path)}; }`;
}

export function makeFolder({ path, mode, owner, group }: Omit<FileToWrite, "content">): string {
  const folder = quote(path);
  // Another stack may make or remove a shared folder at the same moment.
  return `mkdir -p ${folder} && chown ${quote(`${owner}:${group}`)} ${folder} && chmod ${octal(mode)} ${folder}`;
}

export function octal(mode: number): string {
  return mode.toString(8).padStart(4, "0");
}
