import stringWidth from "string-width";

/** `1 repository`, `2 repositories` */
export function amount(count: number, noun: string, plural = `${noun}s`): string {
  return `${count} ${count === 1 ? noun : plural}`;
}

/**
 * Cuts to a width of a terminal.
 * @param ending stands at the end of a text that was cut
 */
export function cut(text: string, width: number, ending = "…"): string {
  if (stringWidth(text) <= width) return text;
  let kept = "";
  for (const character of text) {
    if (stringWidth(kept + character + ending) > width) break;
    kept += character;
  }
  return kept + ending;
}
