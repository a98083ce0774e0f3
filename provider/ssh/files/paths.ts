/**
 * Paths as people write them. SFTP and this package expand nothing but a leading `~/`, because a login starts in its home.
 */

/** A path without a leading `~/`: relative paths start in the home anyway. */
export function plainPath(path: string): string {
  if (!path.startsWith("~/")) return path;
  return path.replace(/^~\/+/, "") || ".";
}

interface Expansion {
  pattern: RegExp;
  /** Why it is no plain path, as the rest of a sentence. */
  reason: string;
  /** Its plain replacement. Undefined when only the host knows the value. */
  plain?: (found: string, username: string | undefined) => string | undefined;
}

const only = (program: string) => `is something that only ${program} would expand`;
const ADDRESS = "belongs to an address, not to a path";

const EXPANSIONS: Expansion[] = [
  { pattern: /^~$/, reason: only("a shell"), plain: () => "." },
  {
    pattern: /^~[^/]*\/*/,
    reason: only("a shell"),
    plain: (found, username) => (found.replace(/^~|\/+$/g, "") === username ? "" : undefined),
  },
  // `./~/X` of a shell, and `/~/X` and `/./X` of borg's addresses.
  { pattern: /^(?:\.?\/+)+~(?:\/+|$)/, reason: "would be a folder named ~", plain: () => "" },
  { pattern: /^(?:\.?\/+)+~[^/]+(?:\/+|$)/, reason: "would be a folder of that name" },
  { pattern: /^\/\.\/+/, reason: ADDRESS, plain: () => "" },
  {
    pattern: /^file:(\/\/[^/]*)?(?=\/)/i,
    reason: ADDRESS,
    plain: (found) => (/^file:(\/\/(localhost)?)?$/i.test(found) ? "" : undefined),
  },
  { pattern: /^[a-z][a-z0-9+.-]+:\/\/.*/i, reason: ADDRESS },
  { pattern: /^[^/@:]+@[^/@:]+:/, reason: ADDRESS, plain: () => "" },
  { pattern: /\/~(?=\/|$)/, reason: "would be a folder named ~" },
  { pattern: /^(\$HOME|\$\{HOME\}|%h|%d)(\/+|$)/, reason: only("sshd or a shell"), plain: () => "" },
  { pattern: /^%(USERPROFILE|HOMEPATH)%[/\\]*/i, reason: only("Windows"), plain: () => "" },
  { pattern: /^(__PROGRAMDATA__|%PROGRAMDATA%)/i, reason: only("Windows"), plain: () => "/C:/ProgramData" },
  {
    pattern: /%u|\$(USER|LOGNAME)\b|\$\{(USER|LOGNAME)\}/,
    reason: only("sshd or a shell"),
    plain: (_, username) => username,
  },
  { pattern: /%%/, reason: only("sshd"), plain: () => "%" },
  { pattern: /%[A-Z_]{2,}%|%[hU]/i, reason: only("sshd") },
  { pattern: /^(["'])(.*)\1$/, reason: only("a shell"), plain: (found) => found.slice(1, -1) },
  { pattern: /\$\w+|\$\{[^}]*\}|\$\([^)]*\)|`[^`]*`/, reason: only("a shell") },
  { pattern: /\{[^{}]*(,|\.\.)[^{}]*\}/, reason: only("a shell") },
  { pattern: /[*?]|\[[^\]]+\]/, reason: only("a shell") },
  { pattern: /^[A-Za-z]:(?=[\\/])/, reason: only("Windows"), plain: (found) => `/${found}` },
  { pattern: /\\+(?=[A-Za-z0-9_.])/, reason: only("Windows"), plain: () => "/" },
  { pattern: /\\/, reason: only("a shell"), plain: () => "" },
];

/**
 * The reason why a path is not plain: it has a part that only sshd or a shell would expand. Undefined for a plain path.
 * @param username replaces the login's name in the advised path
 */
export function expansionProblem(path: string, username?: string): string | undefined {
  // A blank in front would also hide a `~/`.
  const trimmed = path.trim();
  if (trimmed !== path) return `begins or ends with a blank, which only a shell would drop: write "${trimmed}"`;
  const rest = path.startsWith("~/") ? path.replace(/^~\/+/, "") : path;
  const first = EXPANSIONS.map((each) => ({ ...each, match: each.pattern.exec(rest) })).find(({ match }) => match);
  if (first === undefined) return undefined;
  const plain = plainFormOf(rest, username);
  const found = first.match?.[0] ?? "";
  const advice = plain === undefined ? "write out the path that is meant" : `write "${plain}"`;
  return `"${found}" ${first.reason}: ${advice}`;
}

/** The problem of a path; undefined when it is valid. */
export function pathProblem(path: string, username?: string): string | undefined {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the pattern looks for control characters
  if (/[\u0000-\u001f\u007f]/.test(path)) return "cannot have newlines or other control characters";
  return expansionProblem(path, username);
}

/** The path with every expansion replaced. Undefined when only the host knows a value. */
function plainFormOf(path: string, username: string | undefined): string | undefined {
  let plain = path;
  for (const { pattern, plain: replacement } of EXPANSIONS) {
    for (let match = pattern.exec(plain); match !== null; match = pattern.exec(plain)) {
      const text = replacement?.(match[0], username);
      if (text === undefined) return undefined;
      plain = `${plain.slice(0, match.index)}${text}${plain.slice(match.index + match[0].length)}`;
      // The replacement may match the pattern again.
      if (text.includes(match[0]) || pattern.exec(text) !== null || text === "%") break;
    }
  }
  return plain === "" ? "." : plain;
}
