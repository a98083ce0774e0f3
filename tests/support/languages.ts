import { strict as assert } from "node:assert";
import { cpSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import type { startAccount } from "./account";
import { InstalledPlugin } from "./plugin";
import { execute, ProjectStack, ROOT } from "./project";

type Account = Awaited<ReturnType<typeof startAccount>>;

/** A program in any language, over the installed plugin: the CLI with all language hosts, a folder and a home of its own. */
export class LanguageProject {
  readonly folder = realpathSync(mkdtempSync(join(tmpdir(), "borgbase-language-")));
  // Set by scripts/test.mjs.
  private path = [process.env.LANGUAGE_HOSTS ?? "", process.env.PATH ?? ""];
  #stack: ProjectStack | undefined;

  private constructor(
    private readonly plugin: InstalledPlugin,
    private readonly account: Account,
  ) {}

  /** @param example the name of a folder in `examples/` to copy; none: an empty folder */
  static async create(account: Account, example?: string): Promise<LanguageProject> {
    const project = new LanguageProject(await InstalledPlugin.create(), account);
    if (example !== undefined) cpSync(join(ROOT, "examples", example), project.folder, { recursive: true });
    return project;
  }

  private get env(): Record<string, string> {
    return { ...this.account.env, ...this.plugin.env, PATH: this.path.join(delimiter) };
  }

  write(name: string, text: string): void {
    writeFileSync(join(this.folder, name), text);
  }

  /** For all commands that follow. */
  addToPath(folder: string): void {
    this.path.unshift(join(this.folder, folder));
  }

  /** Runs a command of the user in the folder, which must succeed. */
  async run(command: string, ...args: string[]): Promise<void> {
    const { ok, output } = await execute(command, args, this.folder, this.env, 10);
    assert.ok(ok, `${[command, ...args].join(" ")}: ${output}`);
  }

  /** An empty stack in place of the last one. */
  async newStack(config: Record<string, string> = {}): Promise<ProjectStack> {
    await this.#stack?.close();
    this.#stack = await ProjectStack.create(this.folder, this.env);
    for (const [key, value] of Object.entries(config)) {
      await this.#stack.works("config", "set", key, value, /token$/i.test(key) ? "--secret" : "--plaintext");
    }
    return this.#stack;
  }

  async close(): Promise<void> {
    await this.#stack?.close();
    this.plugin.close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
