import { createHash } from "node:crypto";
import type { Entry, Observation } from "./host/observation";
import type { PlannedFile } from "./plan/types";

/** Whether a file on the host has another content, mode or owner than planned. */
export function differs({ entries }: Pick<Observation, "entries">, file: PlannedFile): boolean {
  const entry = entries.get(file.path);
  return entry?.kind !== "file" || entry.sha256 !== sha256(file.content) || hasOtherRights(entry, file);
}

export function differsAnywhere(found: Pick<Observation, "entries">, files: readonly PlannedFile[]): boolean {
  return files.some((file) => differs(found, file));
}

export function hasOtherRights(
  entry: Extract<Entry, { mode: number }>,
  { mode, owner, group }: { mode: number; owner: string; group: string },
): boolean {
  return entry.mode !== mode || entry.owner !== owner || entry.group !== group;
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
