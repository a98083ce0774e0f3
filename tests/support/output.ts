import { strict as assert } from "node:assert";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { constants, gunzipSync } from "node:zlib";
import type { Run } from "./stack";

/**
 * Checks that a command failed with one line that matches all `patterns`, and without a stack trace.
 * @returns the line
 */
export function assertOneLineError({ ok, output }: Run, ...patterns: RegExp[]): string {
  assert.ok(!ok, `expected a failure:\n${output}`);
  assert.doesNotMatch(output, /^\s+at .*(\.[jt]s|node:)/m);
  // What the host prints beside an error without a stack.
  assert.doesNotMatch(output, /^\s*:\s*$/m);
  const lines = output.split("\n").filter((line) => patterns.every((pattern) => pattern.test(line)));
  assert.ok(lines.length > 0, `expected a line with ${patterns.join(" and ")}:\n${output}`);
  return lines[0] as string;
}

/** The paths of all files below a folder that hold the text as it is, in base64, or as JSON writes it; packed ones too. */
export async function filesWith(folder: string, text: string): Promise<string[]> {
  const found: string[] = [];
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile() && holds(unpacked(await readFile(path)), text)) found.push(path);
  }
  return found;
}

/** The CLI's own log is packed with gzip as long as it knows no stack to encrypt it for; a killed one's has no end. */
function unpacked(content: Buffer): string {
  const isPacked = content.subarray(0, 2).toString("hex") === "1f8b";
  return (isPacked ? gunzipSync(content, { finishFlush: constants.Z_SYNC_FLUSH }) : content).toString("utf8");
}

/** Whether a text holds another: as it is, as JSON writes it, in base64, or the longest line of it. */
export function holds(haystack: string, secret: string): boolean {
  const lines = secret.split("\n").filter((line) => line.length > 30 && !line.startsWith("-----"));
  const forms = [secret, JSON.stringify(secret).slice(1, -1), Buffer.from(secret).toString("base64"), ...lines];
  return forms.some((form) => haystack.includes(form));
}
