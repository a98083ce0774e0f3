import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { ROOT } from "../support/project";

/** Folders that hold no documentation of this project. */
const SKIPPED = new Set(["node_modules", "dist", ".git", "tests"]);

/** Markdown files of the project, by their path from the root. */
export function markdownFiles(folder = ROOT): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return SKIPPED.has(entry.name) ? [] : markdownFiles(path);
    return entry.name.endsWith(".md") ? [relative(ROOT, path)] : [];
  });
}

export interface Markdown {
  /** Lines without those of code blocks. */
  prose: string[];
  /** Code blocks with the language that they name. */
  code: { language: string; text: string }[];
}

export function readMarkdown(path: string): Markdown {
  const prose: string[] = [];
  const code: Markdown["code"] = [];
  let block: { language: string; lines: string[] } | undefined;
  for (const line of readFileSync(join(ROOT, path), "utf8").split("\n")) {
    const fence = /^\s*```(\w*)/.exec(line);
    if (block && fence) {
      code.push({ language: block.language, text: block.lines.join("\n") });
      block = undefined;
    } else if (block) block.lines.push(line);
    else if (fence) block = { language: fence[1] ?? "", lines: [] };
    else prose.push(line);
  }
  return { prose, code };
}
