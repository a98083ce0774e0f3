import {
  chmodSync,
  closeSync,
  existsSync,
  openSync,
  readSync,
  realpathSync,
  renameSync,
  rmSync,
  type Stats,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, resolve } from "node:path";

/** The text by which a page of a report is known; it stands near the beginning. */
export const MARK = '<meta name="generator" content="pulumi-borgbase report">';
const MARK_WITHIN = 1024;

/**
 * A file to which a report may be written, looked up before anything is read. Its content is replaced at once, so that no
 * reader sees half a page. A new file is readable for its owner alone; a replaced one keeps its mode.
 * @throws an error of one line for a file that is no report, without `force`
 */
export function target(name: string, force: boolean): { write(content: string): void } {
  const old = statSync(name, { throwIfNoEntry: false });
  if (old && !old.isFile()) throw new Error(`${name} is no file: name another one with --html, or - to print the page`);
  if (!existsSync(dirname(resolve(name)))) throw new Error(`there is no folder ${dirname(name)}: make it first`);
  if (old && !force && old.size > 0 && !isReport(name)) {
    throw new Error(`${name} exists and is no report: name another file with --html, or replace it with --force`);
  }
  return { write: (content) => replace(old ? realpathSync(name) : resolve(name), content, old) };
}

function isReport(name: string): boolean {
  const start = Buffer.alloc(MARK_WITHIN);
  const file = openSync(name, "r");
  try {
    return start.toString("utf8", 0, readSync(file, start)).includes(MARK);
  } finally {
    closeSync(file);
  }
}

function replace(path: string, content: string, old: Stats | undefined): void {
  const draft = `${path}.${process.pid}`;
  try {
    writeFileSync(draft, content, { flag: "wx", mode: 0o600 });
    if (old) chmodSync(draft, old.mode & 0o777);
    renameSync(draft, path);
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  }
}
