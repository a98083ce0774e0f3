import { SshError } from "../error";
import { type PathStart, quoteForShell, shellPath } from "../files/shellPath";
import { splitOptions } from "./options";

/** The limits of a key on the host: `borg serve` only, or an option string of sshd(8). */
export type Restriction = { borgServe: BorgServe; options?: undefined } | { options: string; borgServe?: undefined };

export interface BorgServe {
  /** Folder of the repositories. A relative one starts from `defaultPath`, or where a login starts. */
  path: string;
  /** Default false. */
  appendOnly?: boolean;
  /** In MB (10^6 bytes), at least 10 (borg's own limit). */
  storageQuota?: number;
  /** The host's borg: a command name such as `borg-1.4`, or an absolute path. Default `borg`. */
  program?: string;
}

// sshd(8) of OpenSSH 10, "AUTHORIZED_KEYS FILE FORMAT". An unknown option makes sshd ignore the whole line.
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

// One word for a shell and for sshd's quotes: a command name or an absolute path.
const PROGRAM = /^(?:[A-Za-z0-9_][A-Za-z0-9._+-]*|(?:\/[A-Za-z0-9._+-]+)+)$/;

/** The problems of a restriction, per argument; empty when it is valid. */
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
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the pattern looks for control characters
  if (/["'`%\u0000-\u001f\u007f]/.test(path)) return "cannot have quotes, %, newlines or other control characters";
  return undefined;
}

function optionsProblem(options: string): string | undefined {
  // An empty string lifts every restriction, also options that others set.
  if (options === "") return undefined;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the pattern looks for control characters
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
 * Renders the option string of an `authorized_keys` line; empty without a restriction.
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
