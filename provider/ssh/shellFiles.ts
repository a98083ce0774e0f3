import { randomBytes } from "node:crypto";
import { printable, SshError } from "./error";
import type { FileStatus, RemoteFiles } from "./remoteFiles";
import { quoteForShell, shellPath } from "./restriction";
import type { Session } from "./session";

const MISSING = 44;
const EXISTS = 45;

// A file in a folder that may not be searched is not missing: ls then says what is wrong.
const UNLESS_MISSING =
  '[ -e "$1" ] || [ -L "$1" ] || { d=$(dirname "$1"); ' +
  `if [ -d "$d" ]; then [ -x "$d" ] || { ls -d "$1"; exit 1; }; fi; exit ${MISSING}; }`;

/** Files over a POSIX shell, with nothing but the commands that every system has (BusyBox too). */
export class ShellFiles implements RemoteFiles {
  readonly #session: Session;
  readonly #prefix: string | undefined;

  constructor(session: Session, sshPathPrefix?: string) {
    this.#session = session;
    this.#prefix = sshPathPrefix;
  }

  /** Whether the account runs shell commands at all. */
  async works(): Promise<boolean> {
    return (await this.#run(":", [])) !== undefined;
  }

  async read(path: string): Promise<Buffer | undefined> {
    // A lock may be gone, and there again, between two commands. What was opened is read to its end or not at all.
    const script = `for round in 1 2 3 4 5; do ${UNLESS_MISSING}; { cat <&3 || exit 1; } 3< "$1" && exit 0; done; exit 1`;
    const { code, output } = await this.#do("read", script, path);
    return code === MISSING ? undefined : output;
  }

  async status(path: string): Promise<FileStatus | undefined> {
    const script = `${UNLESS_MISSING}; ls -ldn "$1" || { ${UNLESS_MISSING}; exit 1; }`;
    const { code, output } = await this.#do("read", script, path);
    if (code === MISSING) return undefined;
    const [, letter, permissions] = /^([a-z-])([rwxsStT-]{9})/.exec(output.toString("latin1")) ?? [];
    if (letter === undefined || permissions === undefined) throw this.#failed("read", path, "ls answered strangely");
    return {
      type: letter === "-" ? "file" : letter === "d" ? "folder" : letter === "l" ? "link" : "other",
      mode: modeOf(permissions),
    };
  }

  async realPath(path: string): Promise<string> {
    const { output } = await this.#do("read", 'readlink -f "$1"', path);
    return output.toString("utf8").replace(/\n$/, "");
  }

  async makeFolder(path: string): Promise<void> {
    await this.#do("write", 'umask 077; mkdir "$1"', path);
  }

  async create(path: string, content: Buffer): Promise<boolean> {
    // noclobber makes the shell open with O_EXCL. What is in the way may be gone a moment later: then it is tried again.
    const script =
      'umask 077; for round in 1 2 3; do if (set -C; : > "$1") 2>/dev/null; then cat > "$1" && exit 0; rm -f "$1"; exit 1; fi; ' +
      `if [ -e "$1" ] || [ -L "$1" ]; then exit ${EXISTS}; fi; done; (set -C; : > "$1") && rm -f "$1"; exit 1`;
    return (await this.#do("write", script, path, [], content)).code !== EXISTS;
  }

  async replace(from: string, to: string): Promise<void> {
    await this.#do("write", 'mv -f "$2" "$1"', to, [this.#path(from)]);
  }

  async chmod(path: string, mode: number): Promise<void> {
    await this.#do("write", 'chmod "$2" "$1"', path, [mode.toString(8)]);
  }

  async remove(path: string): Promise<void> {
    await this.#do("write", 'rm -f "$1"', path);
  }

  #path(path: string): string {
    return shellPath(path, { sshPathPrefix: this.#prefix });
  }

  async #do(intent: "read" | "write", script: string, path: string, more: string[] = [], stdin?: Buffer) {
    const result = await this.#run(script, [this.#path(path), ...more], stdin);
    if (result === undefined) {
      throw new SshError("session", `${this.#session.address} runs no shell commands for this account`, {
        phase: "session",
      });
    }
    if (result.code !== 0 && result.code !== MISSING && result.code !== EXISTS)
      throw this.#failed(intent, path, result.stderr);
    return result;
  }

  /** Undefined when no shell answers. */
  async #run(script: string, words: string[], stdin?: Buffer) {
    // Start-up files of a shell may print something before and after: only what stands between the marks counts.
    const mark = `mark-${randomBytes(9).toString("hex")}`;
    const framed = `printf "%s\\n" ${mark}; (${script}); printf "\\n%s %s\\n" ${mark} "$?"`;
    // The login shell may be of any kind; each of them understands a command with words in single quotes.
    const command = ["sh -c", quoted(framed), "sh", ...words.map(quoted)].join(" ");
    const result = await this.#session.exec(command, stdin ?? Buffer.alloc(0));
    if (result === undefined) return undefined;
    const text = result.stdout.toString("latin1");
    const start = text.indexOf(`${mark}\n`);
    const end = text.lastIndexOf(`\n${mark} `);
    if (start < 0 || end < start) return undefined;
    return {
      code: Number.parseInt(text.slice(end + mark.length + 2), 10),
      output: Buffer.from(text.slice(start + mark.length + 1, end), "latin1"),
      stderr: result.stderr,
    };
  }

  #failed(intent: "read" | "write", path: string, stderr: string): SshError {
    const { address, target } = this.#session;
    const said = printable(stderr).slice(-200);
    const details = { phase: "session" } as const;
    // The commands answer in the account's language; the system's own words are all there is to go by.
    if (/permission denied|not permitted/i.test(said)) {
      return new SshError(
        "permission",
        `${target.username} may not ${intent} ${path} on ${address} (it says: ${said})`,
        details,
      );
    }
    const hint = intent === "write" ? "; what was there before still is" : "";
    const kind = intent === "write" ? "write" : "session";
    return new SshError(kind, `cannot ${intent} ${path} on ${address} (it says: ${said})${hint}`, details);
  }
}

function quoted(word: string): string {
  const plain = quoteForShell(word);
  return plain === word ? `'${word}'` : plain;
}

function modeOf(permissions: string): number {
  let mode = 0;
  for (const letter of permissions) mode = mode * 2 + (/[-ST]/.test(letter) ? 0 : 1);
  return mode;
}
