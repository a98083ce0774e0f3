import { quote } from "../../provider/machine/host/shell";

/** One word of a POSIX shell. */
export function word(text: string): string {
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(text) ? text : quote(text);
}

/**
 * Commands that write a text and a line break to a file. No character of the text has a meaning for the shell. A terminal
 * or an editor may change a text with control characters, or with blanks at the end of a line: such a text is encoded.
 */
export function writeText(file: string, text: string): string {
  if (/^[\x20-\x7e\n]*$/.test(text) && !/ (\n|$)/.test(text)) return hereDocument(`cat > ${word(file)}`, text);
  const encoded = Buffer.from(`${text}\n`).toString("base64").replace(/.{76}/g, "$&\n").replace(/\n$/, "");
  return hereDocument(`base64 -d > ${word(file)}`, encoded);
}

function hereDocument(command: string, text: string): string {
  const lines = text.split("\n");
  let delimiter = "END";
  for (let count = 2; lines.includes(delimiter); count++) delimiter = `END${count}`;
  return `${command} <<'${delimiter}'\n${text}\n${delimiter}`;
}
