import { SshError } from "../error";
import { splitOptions } from "./lines";

/** What a key may do on the host: only `borg serve`, or what an option string of sshd(8) says. */
export type Restriction = { borgServe: BorgServe; options?: undefined } | { options: string; borgServe?: undefined };

export interface BorgServe {
  /** The folder that repositories may lie in; a relative one starts from `defaultPath`, or from where a login starts. */
  path: string;
  /** Default false. */
  appendOnly?: boolean;
  /** In MB (10^6 bytes), at least 10 (borg's own limit). */
  storageQuota?: number;
  /** The host's borg: a name that a login finds, as `borg-1.4`, or an absolute path. Default `borg`. */
  program?: string;
}

// sshd(8) of OpenSSH 10, "AUTHORIZED_KEYS FILE FORMAT". sshd ignores a whole line that has an option it does not know.
const WITH_VALUE = [
  "command",
  "environment",
  "expiry-time",
  "from",
  "permitlisten",
  "permitopen",
  "principals",
  "tunnel",
];
const FLAGS = [
  "restrict",
  ...["agent-forwarding", "port-forwarding", "pty", "user-rc", "x11-forwarding"].flatMap((name) => [
    name,
    `no-${name}`,
  ]),
  "no-touch-required",
  "verify-required",
];

// Nothing that a shell, or sshd in its quotes, would read as more than a word; an absolute path names a file.
const PROGRAM = /^(?:[A-Za-z0-9_][A-Za-z0-9._+-]*|(?:\/[A-Za-z0-9._+-]+)+)$/;

/** What is wrong with a restriction, per argument; empty when nothing is. */
export function restrictionProblems(
  restriction: Restriction,
  defaultPath?: string,
): { property: string; reason: string }[] {
  const problems: { property: string; reason: string }[] = [];
  const add = (property: string, reason: string) => problems.push({ property: `restrict.${property}`, reason });
  if (restriction.borgServe !== undefined && restriction.options !== undefined) {
    problems.push({ property: "restrict", reason: "give either borgServe or options, not both" });
  } else if (restriction.borgServe !== undefined) {
    const { path, storageQuota, program } = restriction.borgServe;
    const bad = pathProblem(path);
    if (bad) add("borgServe.path", bad);
    if (program !== undefined && !PROGRAM.test(program)) {
      add(
        "borgServe.program",
        'must be one word, as "borg-1.4", or an absolute path, of letters, digits and . _ + - alone',
      );
    }
    const badDefault = defaultPath === undefined ? undefined : pathProblem(defaultPath);
    if (badDefault) problems.push({ property: "defaultPath", reason: badDefault });
    if (storageQuota !== undefined && !(Number.isSafeInteger(storageQuota) && storageQuota >= 10)) {
      add("borgServe.storageQuota", `must be a whole number of MB, at least 10, not ${storageQuota}`);
    }
  } else if (restriction.options !== undefined) {
    const reason = optionsProblem(restriction.options);
    if (reason) add("options", reason);
  } else {
    problems.push({ property: "restrict", reason: "give borgServe or options" });
  }
  return problems;
}

function pathProblem(path: string): string | undefined {
  if (path === "") return "is empty";
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused
  if (/["'`%\u0000-\u001f\u007f]/.test(path)) return "cannot have quotes, %, newlines or other control characters";
  return undefined;
}

function optionsProblem(options: string): string | undefined {
  // Said in so many words, the key may do everything: also where it stands already with options of others.
  if (options === "") return undefined;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused
  if (/[\u0000-\u001f\u007f]/.test(options)) return "cannot have newlines or other control characters";
  const parts = splitOptions(options);
  if (parts === undefined) {
    return 'must be options in the form of authorized_keys: name,name="value", without blanks outside of the quotes';
  }
  for (const { name, value } of parts) {
    const known = name.toLowerCase();
    if (known === "cert-authority") return "cannot have cert-authority: it would let the key admit others";
    if (WITH_VALUE.includes(known) && value === undefined) return `${name} needs a value in double quotes`;
    if (FLAGS.includes(known) && value !== undefined) return `${name} takes no value`;
    if (!WITH_VALUE.includes(known) && !FLAGS.includes(known)) {
      return `"${name}" is no option of authorized_keys; sshd would ignore the whole line`;
    }
  }
  return undefined;
}

/**
 * The option string for a line of `authorized_keys`; empty without a restriction.
 * @throws SshError `input`
 */
export function renderOptions(restriction: Restriction | undefined, start: PathStart = {}): string {
  if (restriction === undefined) return "";
  const [problem] = restrictionProblems(restriction, start.defaultPath);
  if (problem) throw new SshError("input", `${problem.property} ${problem.reason}`, { property: problem.property });
  if (restriction.borgServe === undefined) return restriction.options;
  const { path, appendOnly, storageQuota, program = "borg" } = restriction.borgServe;
  const command = [
    `${program} serve --restrict-to-path`,
    quoteForShell(shellPath(path, start)),
    ...(appendOnly ? ["--append-only"] : []),
    ...(storageQuota === undefined ? [] : [`--storage-quota ${storageQuota}M`]),
  ];
  return `restrict,command="${command.join(" ")}"`;
}

/** Where paths on a host start. */
export interface PathStart {
  /** For relative ones; left out: where a login starts. */
  defaultPath?: string | undefined;
  /** Put before absolute ones that are used over a shell: `/volume1` on Synology, whose SFTP shows less of the disk. */
  sshPathPrefix?: string | undefined;
}

/** A path as a shell of the host shall see it, not yet quoted. A prefix that it has already is not put twice. */
export function shellPath(path: string, { defaultPath, sshPathPrefix }: PathStart): string {
  const relative = !/^[/~]/.test(path);
  const whole = relative && defaultPath !== undefined ? `${defaultPath.replace(/\/+$/, "")}/${path}` : path;
  // Else a program would take it for an option.
  if (whole.startsWith("-")) return `./${whole}`;
  const prefix = sshPathPrefix?.replace(/\/+$/, "");
  if (!prefix || !whole.startsWith("/") || `${whole}/`.startsWith(`${prefix}/`)) return whole;
  return `${prefix}${whole}`;
}

/** One word for a POSIX shell; plain ones stay bare, since restricted shells may know no quotes. A leading `~/` keeps its meaning. */
export function quoteForShell(word: string): string {
  if (/^[A-Za-z0-9_@%+=:,./~-]+$/.test(word)) return word;
  const home = word.startsWith("~/") ? "~/" : "";
  return `${home}'${word.slice(home.length).replaceAll("'", "'\\''")}'`;
}
