import { randomBytes } from "node:crypto";
import type { Session } from "../connection/session";
import { printable, SshError } from "../error";
import type { ExtraAttributes, FileStatus, Ownership, RemoteFile, RemoteFiles } from "./remoteFiles";
import { quoteForShell, shellPath } from "./shellPath";

const MISSING = 44;
const EXISTS = 45;

// A file in a folder without search permission is not missing: ls then reports the reason.
const MISSING_UNLESS_HIDDEN = `{ d=$(dirname "$1"); if [ -d "$d" ]; then [ -x "$d" ] || { ls -d "$1"; exit 1; }; fi; exit ${MISSING}; }`;
const UNLESS_MISSING = `[ -e "$1" ] || [ -L "$1" ] || ${MISSING_UNLESS_HIDDEN}`;
const UNLESS_NO_FILE = `[ -e "$1" ] || ${MISSING_UNLESS_HIDDEN}`;

// Some login shells accept no line break within quotes. Every script is one line, without exclamation marks.
const lines = (...parts: string[]) => parts.join(" ");

// noclobber opens the file with O_EXCL. The shell writes to that open file, even if the path is replaced meanwhile.
const CREATE = lines(
  'own() { echo "$3:$4"; };',
  "for round in 1 2 3; do",
  '(set -C; { exec 2>&4; cat || exit 9; } > "$1") 4>&2 2>/dev/null;',
  "case $? in",
  '0) [ -z "$2" ] || [ "$(own $(ls -ldn "$1"))" = "$2" ] || chown -h "$2" "$1" 2>/dev/null;',
  '[ -z "$3" ] || [ -L "$1" ] || chmod "$3" "$1" 2>/dev/null;',
  'ls -ldn "$1"; exit;;',
  '9) rm -f "$1"; exit 1;;',
  "esac;",
  `if [ -e "$1" ] || [ -L "$1" ]; then exit ${EXISTS}; fi;`,
  "done;",
  '(set -C; : > "$1") && rm -f "$1"; exit 1',
);

// The tools of Linux. A Synology has neither, and its lists are inherited from the folder.
const COPY_ACL = lines(
  "if command -v getfacl >/dev/null && command -v setfacl >/dev/null; then",
  'getfacl -cn -- "$1" | setfacl --set-file=- -- "$2" && [ "$(getfacl -cn -- "$1")" = "$(getfacl -cn -- "$2")" ];',
  'else case $(ls -ldn "$2") in ??????????+*) :;; *) exit 1;; esac; fi',
);

/** Files over a POSIX shell, with commands that every system has, including BusyBox. */
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

  async read(path: string): Promise<RemoteFile | undefined> {
    // A lock may disappear and reappear between two commands, so one open file serves the whole read.
    const script = lines(
      `for round in 1 2 3 4 5; do ${UNLESS_NO_FILE};`,
      's=$(ls -ldnL "$1" 2>/dev/null) && { printf "%s\\n" "$s"; cat <&3 || exit 1; } 3< "$1" && exit 0;',
      'done; cat < "$1" > /dev/null; exit 1',
    );
    const { code, output } = await this.#do("read", script, path);
    if (code === MISSING) return undefined;
    const end = output.indexOf("\n");
    return { status: this.#parse(output.toString("latin1", 0, end), path), content: output.subarray(end + 1) };
  }

  async status(path: string, { follow } = { follow: false }): Promise<FileStatus | undefined> {
    return this.inspect(path, follow);
  }

  async extraAttributes(path: string): Promise<ExtraAttributes> {
    return (await this.inspect(path)) ?? {};
  }

  /** The attributes that ls shows. Undefined for a missing path. */
  async inspect(path: string, follow = false): Promise<(FileStatus & ExtraAttributes) | undefined> {
    const unless = follow ? UNLESS_NO_FILE : UNLESS_MISSING;
    const script = `${unless}; ls ${follow ? "-ldnL" : "-ldn"} "$1" || { ${unless}; exit 1; }`;
    const { code, output } = await this.#do("read", script, path);
    return code === MISSING ? undefined : this.#parse(output.toString("latin1"), path);
  }

  #parse(line: string, path: string): FileStatus & ExtraAttributes {
    const pattern = /^([a-z-])([rwxsStT-]{9})([^\s\d]?)\s*(\d+)\s+(\d+)\s+(\d+)\s/;
    const [, letter, permissions, mark, links, uid, gid] = pattern.exec(line) ?? [];
    if (letter === undefined || permissions === undefined) throw this.#failed("read", path, "ls answered strangely");
    return {
      type: letter === "-" ? "file" : letter === "d" ? "folder" : letter === "l" ? "link" : "other",
      mode: modeOf(permissions),
      uid: Number(uid),
      gid: Number(gid),
      links: Number(links),
      acl: mark === "+",
    };
  }

  async realPath(path: string): Promise<string> {
    const { output } = await this.#do("read", 'readlink -f "$1"', path);
    return output.toString("utf8").replace(/\n$/, "");
  }

  async makeFolder(path: string, like: Ownership): Promise<void> {
    // chown -h follows no link that may have replaced the folder.
    const script = `umask ${umaskFor(like.mode)}; mkdir "$1" || exit 1; case "$2" in ""|"$(id -u)":*) ;; *) chown -h "$2" "$1" 2>/dev/null;; esac; exit 0`;
    await this.#do("write", script, path, [owner(like)]);
  }

  async create(path: string, content: Buffer, like: Ownership): Promise<FileStatus | undefined> {
    const special = like.mode & ~0o666 ? like.mode.toString(8) : "";
    const script = `umask ${umaskFor(like.mode)}; ${CREATE}`;
    const { code, output } = await this.#do("write", script, path, [owner(like), special], content);
    return code === EXISTS ? undefined : this.#parse(output.toString("latin1"), path);
  }

  async copyAcl(from: string, to: string): Promise<boolean> {
    return (await this.#run(COPY_ACL, [this.#path(from), this.#path(to)]))?.code === 0;
  }

  async replace(from: string, to: string): Promise<void> {
    // mv would move the file into a folder of that name.
    const script = 'if [ -d "$1" ]; then echo "it is a folder" >&2; exit 1; fi; mv -f "$2" "$1"';
    await this.#do("write", script, to, [this.#path(from)]);
  }

  async chmod(path: string, mode: number): Promise<void> {
    await this.#do("write", 'chmod "$2" "$1"', path, [mode.toString(8)]);
  }

  async remove(path: string): Promise<void> {
    await this.#do("write", 'rm -f "$1"', path);
  }

  async removeFolder(path: string): Promise<void> {
    await this.#do("write", 'rmdir "$1"', path);
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

  /** Runs a script of one line. Undefined when no shell answers. */
  async #run(script: string, words: string[], stdin?: Buffer) {
    // Start-up files of a shell may print text before and after. The output stands between the marks.
    const mark = `mark-${randomBytes(9).toString("hex")}`;
    const framed = `printf "%s\\n" ${mark}; (${script}); printf "\\n%s %s\\n" ${mark} "$?"`;
    // Login shells of every kind understand a command with words in single quotes.
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
    const reply = printable(stderr).slice(-200);
    const details = { phase: "session" } as const;
    // The commands answer in the account's language, and have no error codes.
    if (/permission denied|not permitted/i.test(reply)) {
      return new SshError(
        "permission",
        `${target.username} may not ${intent} ${path} on ${address} (it says: ${reply})`,
        details,
      );
    }
    const hint = intent === "write" ? "; what was there before still is" : "";
    const kind = intent === "write" ? "write" : "session";
    return new SshError(kind, `cannot ${intent} ${path} on ${address} (it says: ${reply})${hint}`, details);
  }
}

function quoted(word: string): string {
  const plain = quoteForShell(word);
  return plain === word ? `'${word}'` : plain;
}

function owner({ uid, gid }: Ownership): string {
  return uid === undefined || gid === undefined ? "" : `${uid}:${gid}`;
}

function umaskFor(mode: number): string {
  return (0o777 & ~mode).toString(8).padStart(3, "0");
}

/** The mode in nine letters such as `rwxr-sr-t`. */
function modeOf(permissions: string): number {
  let mode = 0;
  for (const letter of permissions) mode = mode * 2 + (/[-ST]/.test(letter) ? 0 : 1);
  // The set-user-id, set-group-id and sticky bits.
  for (const place of [2, 5, 8]) if (/[sStT]/.test(permissions[place] ?? "")) mode |= 0o4000 >> ((place - 2) / 3);
  return mode;
}
