/** Parts of a rendered script. */
import { quoteForShell } from "../../ssh/files/shellPath";
import type { PlannedFile, PlannedFolder } from "../plan";

/** One word of a shell, whatever it holds. */
export function word(text: string): string {
  return text.startsWith("~") ? `'${text.replaceAll("'", "'\\''")}'` : quoteForShell(text);
}

/** Functions of the script. A file appears whole or not at all, and nobody else reads its draft. */
export const FUNCTIONS = `fail() { echo "backup job $job: $*" >&2; exit 1; }
folder() { [ -d "$1" ] || mkdir "$1"; chown "$3" "$1"; chmod "$2" "$1"; }
draft() { cat > "$1.new"; chown "$3" "$1.new"; chmod "$2" "$1.new"; }
put() { draft "$@"; mv -f "$1.new" "$1"; }`;

export function folderLine({ path, mode, owner, group }: PlannedFolder): string {
  return `folder ${path} ${mode.toString(8)} ${ownership(owner, group)}`;
}

/** A call of \`put\` or \`draft\` with the content behind it. */
export function fileLines(call: "put" | "draft", { path, mode, owner, group, content }: PlannedFile): string {
  const end = endMark(content);
  return `${call} ${path} ${mode.toString(8)} ${ownership(owner, group)} <<'${end}'\n${content}${end}`;
}

/** A line that the content does not have. */
function endMark(content: string): string {
  const lines = new Set(content.split("\n"));
  let mark = "END";
  while (lines.has(mark)) mark += "_";
  return mark;
}

/** Only the machine knows the group of an account. */
export function ownership(owner: string, group: string): string {
  return group === "root" ? `${owner}:root` : `${owner}:"$group"`;
}
