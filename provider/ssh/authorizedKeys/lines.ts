import type { PublicKey } from "../keys/publicKey";
import { readStrings } from "../keys/wire";
import { sameOptions, splitOptions } from "./options";

/** The options and comment of one key line in `authorized_keys`. */
export interface AuthorizedLine {
  /** Option string in front of the key; empty without options. */
  options: string;
  comment: string;
}

type Key = Pick<PublicKey, "algorithm" | "blob">;

/**
 * Finds the lines that let a key log in, in their order. `cert-authority` lines do not count.
 * @param file the bytes of an `authorized_keys` file (sshd(8), "AUTHORIZED_KEYS FILE FORMAT")
 */
export function findKey(file: Buffer, key: Key): AuthorizedLine[] {
  return splitLines(file).flatMap((line) => {
    const found = parseLine(line);
    return found !== undefined && isOf(found, key)
      ? [{ options: utf8(found.options), comment: utf8(found.comment) }]
      : [];
  });
}

/**
 * Puts exactly one line for a key, with these options. Every other line stays byte for byte.
 * Only a missing newline at the end is added. A single line with the same options stays, with its comment.
 * @param options the result of {@link import("./restriction").renderOptions}; empty: no options
 */
export function putKey(file: Buffer, key: Key & { comment: string }, options: string): Buffer {
  const present = findKey(file, key);
  if (present.length === 1 && present[0] !== undefined && sameOptions(present[0].options, options)) return file;
  const wanted = latin1([options, key.algorithm, key.blob, key.comment].filter((part) => part !== "").join(" "));
  let isWritten = false;
  const lines = splitLines(file).flatMap((line) => {
    const found = parseLine(line);
    if (found === undefined || !isOf(found, key)) return [line];
    if (isWritten) return [];
    isWritten = true;
    return [`${wanted}\n`];
  });
  if (!isWritten) {
    const last = lines.pop();
    if (last !== undefined) lines.push(last.endsWith("\n") ? last : `${last}\n`);
    lines.push(`${wanted}\n`);
  }
  return Buffer.from(lines.join(""), "latin1");
}

/** Removes every line of a key. Returns the same bytes when there is none. */
export function removeKey(file: Buffer, key: Key): Buffer {
  const kept = splitLines(file).filter((line) => {
    const found = parseLine(line);
    return found === undefined || !isOf(found, key);
  });
  return Buffer.from(kept.join(""), "latin1");
}

// The file is handled as latin1 text, one character per byte, so that bytes outside UTF-8 survive.

function splitLines(file: Buffer): string[] {
  return file.toString("latin1").match(/[^\n]*\n|[^\n]+$/g) ?? [];
}

function latin1(text: string): string {
  return Buffer.from(text, "utf8").toString("latin1");
}

function utf8(text: string): string {
  return Buffer.from(text, "latin1").toString("utf8");
}

interface ParsedLine extends AuthorizedLine {
  bytes: Buffer;
}

/** Parses a line as sshd does: a key, or options and a key. Undefined for any other line. */
function parseLine(line: string): ParsedLine | undefined {
  const text = line.replace(/\r?\n$/, "").replace(/^[ \t]+/, "");
  if (text === "" || text.startsWith("#")) return undefined;
  return parseKey(text, "") ?? parseWithOptions(text);
}

function parseWithOptions(text: string): ParsedLine | undefined {
  let quoted = false;
  let end = 0;
  for (; end < text.length && (quoted || (text[end] !== " " && text[end] !== "\t")); end++) {
    if (text[end] === "\\" && text[end + 1] === '"') end++;
    else if (text[end] === '"') quoted = !quoted;
  }
  const options = text.slice(0, end);
  // Such a key signs certificates and cannot log in itself.
  if (splitOptions(options)?.some(({ name }) => name.toLowerCase() === "cert-authority")) return undefined;
  return parseKey(text.slice(end).replace(/^[ \t]+/, ""), options);
}

function parseKey(text: string, options: string): ParsedLine | undefined {
  const [, algorithm, blob, comment] = /^([^ \t]+)[ \t]+([A-Za-z0-9+/=]+)\r?(?:[ \t]+(.*))?$/s.exec(text) ?? [];
  if (algorithm === undefined || blob === undefined) return undefined;
  const bytes = Buffer.from(blob, "base64");
  if (readStrings(bytes)?.[0]?.toString("latin1") !== algorithm) return undefined;
  return { options, bytes, comment: (comment ?? "").trimEnd() };
}

function isOf(line: ParsedLine, key: Key): boolean {
  return line.bytes.equals(Buffer.from(key.blob, "base64"));
}
