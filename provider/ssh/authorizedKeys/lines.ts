import type { PublicKey } from "../keys/publicKey";
import { readStrings } from "../keys/wire";

/** What a line of `authorized_keys` says beside its key. */
export interface AuthorizedLine {
  /** The option string in front of the key; empty when there is none. */
  options: string;
  comment: string;
}

type Key = Pick<PublicKey, "algorithm" | "blob">;

/**
 * The lines that let this key log in, in their order. A line where it stands as `cert-authority` is none of them.
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
 * The file with exactly one line for this key, with these options. Every other line stays as it is, byte for byte,
 * but for a missing newline at the end. A single line that has the same options already stays, too, whatever its comment.
 * @param options as {@link import("./restriction").renderOptions} gives them; empty: none
 */
export function putKey(file: Buffer, key: Key & { comment: string }, options: string): Buffer {
  const present = findKey(file, key);
  if (present.length === 1 && present[0] !== undefined && sameOptions(present[0].options, options)) return file;
  const wanted = latin1([options, key.algorithm, key.blob, key.comment].filter((part) => part !== "").join(" "));
  let placed = false;
  const lines = splitLines(file).flatMap((line) => {
    const found = parseLine(line);
    if (found === undefined || !isOf(found, key)) return [line];
    if (placed) return [];
    placed = true;
    return [`${wanted}\n`];
  });
  if (!placed) {
    const last = lines.pop();
    if (last !== undefined) lines.push(last.endsWith("\n") ? last : `${last}\n`);
    lines.push(`${wanted}\n`);
  }
  return Buffer.from(lines.join(""), "latin1");
}

/** The file without any line of this key; the same bytes when there is none. */
export function removeKey(file: Buffer, key: Key): Buffer {
  const kept = splitLines(file).filter((line) => {
    const found = parseLine(line);
    return found === undefined || !isOf(found, key);
  });
  return Buffer.from(kept.join(""), "latin1");
}

/** Whether two option strings say the same: the same options in the same order (`restrict` undoes what stands before it). */
export function sameOptions(a: string, b: string): boolean {
  const normal = (options: string) => splitOptions(options)?.map(({ name, value }) => [name.toLowerCase(), value]);
  return a === b || (splitOptions(a) !== undefined && JSON.stringify(normal(a)) === JSON.stringify(normal(b)));
}

/** An option string taken apart; a `value` keeps its quotes. Undefined when its quotes or commas are out of order. */
export function splitOptions(options: string): { name: string; value: string | undefined }[] | undefined {
  const parts: { name: string; value: string | undefined }[] = [];
  let rest = options;
  while (rest !== "") {
    const match = /^([A-Za-z0-9-]+)(?:=("(?:\\"|[^"])*"))?(?:,(?=.)|$)/s.exec(rest);
    if (match === null) return undefined;
    parts.push({ name: match[1] ?? "", value: match[2] });
    rest = rest.slice(match[0].length);
  }
  return parts;
}

// Bytes are handled as latin1 text, in which each byte is one character: what is not UTF-8 survives unchanged.

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

/** Like sshd: a line is a key, or options and a key; anything else is no concern of ours. */
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
  // The key signs certificates there; it does not log in itself.
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
