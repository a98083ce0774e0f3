/**
 * Paths as people write them. SFTP and this package expand nothing, so a path is what it says; the one thing that means
 * the same everywhere is a `~/` in front, as a login starts in its home.
 */

/** A path without the `~/` in front: relative paths start in the home anyway. */
export function plainPath(path: string): string {
  if (!path.startsWith("~/")) return path;
  return path.replace(/^~\/+/, "") || ".";
}

interface Expansion {
  pattern: RegExp;
  /** Who would expand it. */
  who: string;
  /** What takes its place; undefined where only the host knows. */
  plain?: (found: string, username: string | undefined) => string | undefined;
}

const EXPANSIONS: Expansion[] = [
  { pattern: /^~$/, who: "a shell", plain: () => "." },
  {
    pattern: /^~[^/]*\/*/,
    who: "a shell",
    plain: (found, username) => (found.replace(/^~|\/+$/g, "") === username ? "" : undefined),
  },
  { pattern: /^(\$HOME|\$\{HOME\}|%h|%d)(\/+|$)/, who: "sshd or a shell", plain: () => "" },
  { pattern: /^%(USERPROFILE|HOMEPATH)%[/\\]*/i, who: "Windows", plain: () => "" },
  { pattern: /^(__PROGRAMDATA__|%PROGRAMDATA%)/i, who: "Windows", plain: () => "/C:/ProgramData" },
  {
    pattern: /%u|\$(USER|LOGNAME)\b|\$\{(USER|LOGNAME)\}/,
    who: "sshd or a shell",
    plain: (_, username) => username,
  },
  { pattern: /%%/, who: "sshd", plain: () => "%" },
  { pattern: /%[A-Z_]{2,}%|%[hU]/i, who: "sshd" },
  { pattern: /^(["'])(.*)\1$/, who: "a shell", plain: (found) => found.slice(1, -1) },
  { pattern: /\$\w+|\$\{[^}]*\}|\$\([^)]*\)|`[^`]*`/, who: "a shell" },
  { pattern: /\{[^{}]*(,|\.\.)[^{}]*\}/, who: "a shell" },
  { pattern: /[*?]|\[[^\]]+\]/, who: "a shell" },
  { pattern: /^[A-Za-z]:(?=[\\/])/, who: "Windows", plain: (found) => `/${found}` },
  { pattern: /\\+(?=[A-Za-z0-9_.])/, who: "Windows", plain: () => "/" },
  { pattern: /\\/, who: "a shell", plain: () => "" },
];

/**
 * Why a path is not what it says: it has something that only sshd or a shell would expand. Undefined when it is plain.
 * @param username to name the plain form with
 */
export function expansionProblem(path: string, username?: string): string | undefined {
  const rest = path.startsWith("~/") ? path.slice(2) : path;
  const first = EXPANSIONS.map((each) => ({ ...each, match: each.pattern.exec(rest) })).find(({ match }) => match);
  if (first === undefined) return undefined;
  const plain = plainFormOf(rest, username);
  const found = first.match?.[0] ?? "";
  const advice = plain === undefined ? "write out the path that is meant" : `write "${plain}"`;
  return `"${found}" is something that only ${first.who} would expand: ${advice}`;
}

/** What is wrong with a path; undefined when nothing is. */
export function pathProblem(path: string, username?: string): string | undefined {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused
  if (/[\u0000-\u001f\u007f]/.test(path)) return "cannot have newlines or other control characters";
  return expansionProblem(path, username);
}

/** Undefined where only the host could say. */
function plainFormOf(path: string, username: string | undefined): string | undefined {
  let plain = path;
  for (const { pattern, plain: replacement } of EXPANSIONS) {
    for (let match = pattern.exec(plain); match !== null; match = pattern.exec(plain)) {
      const text = replacement?.(match[0], username);
      if (text === undefined) return undefined;
      plain = `${plain.slice(0, match.index)}${text}${plain.slice(match.index + match[0].length)}`;
      // What took its place may look like what was there.
      if (text.includes(match[0]) || pattern.exec(text) !== null || text === "%") break;
    }
  }
  return plain === "" ? "." : plain;
}
