import { strict as assert } from "node:assert";
import { readFileSync, writeFileSync } from "node:fs";
import { execute } from "./project";

/** A recovery kit as its reader has it: headings, and blocks of code to copy. */
export class RecoveryKit {
  constructor(
    readonly text: string,
    /** The folder that its reader works in. */
    private readonly folder: string,
    private readonly env: Record<string, string>,
  ) {}

  /** The blocks to run below a heading, up to the next one of its level or above. */
  blocks(heading: string): { language: string; code: string }[] {
    const blocks: { language: string; code: string }[] = [];
    let level = 0;
    let open: { fence: string; language: string; lines: string[] } | undefined;
    for (const line of this.text.split("\n")) {
      const [, fence = "", language = ""] = /^(`{3,})(\w*)$/.exec(line) ?? [];
      if (open !== undefined && line === open.fence) {
        if (level > 0) blocks.push({ language: open.language, code: open.lines.join("\n") });
        open = undefined;
      } else if (open !== undefined) open.lines.push(line);
      else if (fence !== "") open = { fence, language, lines: [] };
      else if (line.startsWith("#")) {
        const depth = line.indexOf(" ");
        if (line.slice(depth + 1) === heading) level = depth;
        else if (level > 0 && depth <= level) level = 0;
      }
    }
    return blocks;
  }

  /** Runs each block below a heading in a shell of its own, as a reader with several terminals might. */
  async follow(heading: string, onEdit = (_line: string | undefined) => {}): Promise<string> {
    let output = "";
    const blocks = this.blocks(heading);
    assert.ok(blocks.length > 0, `nothing to do below ${heading}`);
    for (const { language, code } of blocks) {
      if (language === "ts") onEdit(code);
      if (language !== "sh") continue;
      if (code.includes("--expect-no-changes")) onEdit(undefined);
      const result = await execute("sh", ["-e", "-c", code], this.folder, this.env);
      assert.ok(result.ok, `${code}\n${result.output}`);
      output += result.output;
    }
    return output;
  }

  /** Follows a heading whose steps edit a program: a line at its top, which goes again. */
  async followWith(program: string, heading: string): Promise<string> {
    const original = readFileSync(program, "utf8");
    return this.follow(heading, (line) =>
      writeFileSync(program, line === undefined ? original : `${line}\n${original}`),
    );
  }
}
