import { closeSync, fsyncSync, lstatSync, openSync, readFileSync, renameSync, rmSync, writeSync } from "node:fs";
import { basename, dirname, join } from "node:path";

/** First lines of every kit: a file that begins so may be replaced. */
export const MARKS = {
  plain: "<!-- pulumi-borgbase recovery-kit: no secrets -->",
  secret: "<!-- pulumi-borgbase recovery-kit: SECRETS -->",
};

/**
 * Refuses a file that is no kit, and the loss of secrets.
 * @throws an error of one line
 */
export function assertReplaceable(file: string, withSecrets: boolean, force: boolean): void {
  const found = lstatSync(file, { throwIfNoEntry: false });
  if (found === undefined || (force && found.isFile())) return;
  if (!found.isFile()) throw new Error(`${file} is no regular file: name another one with --out`);
  const [mark] = readFileSync(file, "utf8").split("\n", 1);
  if (mark === MARKS.secret && !withSecrets) {
    throw new Error(
      `${file} is a kit with secrets, and the new one has none: name another file, add --with-secrets, or replace it with --force`,
    );
  }
  if (mark !== MARKS.plain && mark !== MARKS.secret) {
    throw new Error(`${file} exists and is no recovery kit: name another file, or replace it with --force`);
  }
}

/** Writes the whole file, or nothing. A file with secrets is readable by its owner alone from its first byte on. */
export function writeKit(file: string, text: string, mode: number): void {
  const draft = join(dirname(file), `.${basename(file)}.draft`);
  // The draft of a run that was killed.
  rmSync(draft, { force: true });
  const isNew = lstatSync(file, { throwIfNoEntry: false }) === undefined;
  // Fails where another program has made the file in between.
  if (isNew) closeSync(openSync(file, "wx", mode));
  try {
    write(draft, text, mode);
    renameSync(draft, file);
  } catch (error) {
    for (const each of [draft, ...(isNew ? [file] : [])]) rmSync(each, { force: true });
    throw error;
  }
}

function write(file: string, text: string, mode: number): void {
  const handle = openSync(file, "wx", mode);
  try {
    const content = Buffer.from(text);
    for (let written = 0; written < content.length; ) written += writeSync(handle, content, written);
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
