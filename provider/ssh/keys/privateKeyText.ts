import { SshError } from "../error";

/** One armored private key block, decoded from base64. */
export interface ArmoredKey {
  /** The words between `BEGIN` and `PRIVATE KEY`: `OPENSSH`, `RSA`, `EC`, `ENCRYPTED`, … Empty for PKCS#8. */
  label: string;
  /** `Proc-Type` and `DEK-Info` of PEM's traditional encryption. Empty without it. */
  headers: string[];
  bytes: Buffer;
}

export function unusable(reason: string): SshError {
  return new SshError("input", `not a usable private key: ${reason}`, { property: "privateKey" });
}

interface Block {
  label: string;
  body: string;
  /** Whether `BEGIN` starts a line and `END` ends one, as OpenSSL requires. */
  hasOwnLines: boolean;
}

/**
 * Finds the private key that `ssh-keygen -y` would read in a text.
 * Lossless damage by other tools is undone: escaped or missing line breaks, quotes, base64 around the whole text.
 * @throws SshError `input` that names the kind of text, or the damage
 */
export function findPrivateKey(given: string): ArmoredKey {
  const text = withoutWrapping(given);
  const blocks = blocksIn(text);
  const openSsh = blocks.find(({ label }) => label === "OPENSSH");
  // OpenSSH requires exactly this first line for its own form. Else it takes the first key in one of OpenSSL's forms.
  const chosen =
    (given.startsWith("-----BEGIN OPENSSH PRIVATE KEY-----\n") ? openSsh : undefined) ??
    blocks.find(({ label, hasOwnLines }) => hasOwnLines && PEM.has(label)) ??
    openSsh ??
    blocks.find(({ label }) => PEM.has(label)) ??
    blocks[0];
  if (chosen === undefined) throw unusable(reasonWithoutBlock(text));
  if (chosen.label === "DSA") throw unusable("DSA keys are no longer accepted by SSH servers; use ed25519");
  if (chosen.label !== "OPENSSH" && !PEM.has(chosen.label)) {
    throw unusable(
      `"-----BEGIN ${chosen.label.slice(0, 40)} PRIVATE KEY-----" is no form that OpenSSH or OpenSSL read`,
    );
  }
  const { headers, rest } = splitHeaders(chosen.body);
  return { label: chosen.label, headers, bytes: decode(rest) };
}

/** Labels of OpenSSL's forms. */
const PEM = new Set(["", "ENCRYPTED", "RSA", "EC", "DSA"]);

const ARMOR = /-----BEGIN ([A-Z0-9 ]*?) ?PRIVATE KEY-----((?:(?!-----BEGIN).)*?)-----END \1 ?PRIVATE KEY-----/gs;

function blocksIn(text: string): Block[] {
  return [...text.matchAll(ARMOR)].map(({ 0: whole, 1: label = "", 2: body = "", index }) => ({
    label,
    body,
    hasOwnLines: /(^|\n)$/.test(text.slice(0, index)) && /^[ \t]*(\n|$)/.test(text.slice(index + whole.length)),
  }));
}

/** The text without byte order mark, escaped line breaks and surrounding base64. */
function withoutWrapping(given: string, depth = 0): string {
  const text = given
    .replace(/\r\n?/g, "\n")
    // OpenSSL skips one byte order mark at the start and behind each block. Any other hides its line, and `trim` would remove it.
    .replace(/(^|-----END [^\n]*-----[ \t]*\n)\uFEFF/g, "$1")
    // Line breaks as `\n`, escaped once or several times; also a backslash that continues a line.
    .replace(/\\+(?:(?:u00|x)0[aAdD])/g, "\n")
    .replace(/\\+(?:r\\+n|[nr]|\n)/g, "\n")
    .replace(/^[ \t\n\f\v]+|[ \t\n\f\v]+$/g, "");
  if (depth === 3 || /BEGIN|PuTTY-User-Key-File/.test(text)) return text;
  const bare = text.replace(/^[\s"'`]+|[\s"'`]+$/g, "").replace(/\s/g, "");
  if (!/^[A-Za-z0-9+/_-]{40,}={0,2}$/.test(bare)) return text;
  const inner = Buffer.from(bare, "base64").toString("utf8");
  return /-----BEGIN|PuTTY-User-Key-File|^[\s"'`]*[A-Za-z0-9+/_-]{60}/.test(inner)
    ? withoutWrapping(inner, depth + 1)
    : text;
}

/** The headers of RFC 1421 and the base64 body after them. */
function splitHeaders(body: string): { headers: string[]; rest: string } {
  if (!/^\s*Proc-Type/.test(body)) return { headers: [], rest: body };
  const found = /^\s*Proc-Type:\s*4,\s*ENCRYPTED\s*DEK-Info:\s*([A-Z0-9-]+),\s*([0-9A-Fa-f]+)/.exec(body);
  const [whole = "", cipher = "", digits = ""] = found ?? [];
  if (found === null) throw unusable("its lines Proc-Type and DEK-Info are not whole; was it edited?");
  // Without line breaks the base64 follows at once. The cipher's vector length separates the two.
  const size = /^(AES|CAMELLIA|ARIA|SEED|SM4)/.test(cipher) ? 32 : 16;
  if (digits.length < size) throw unusable("its line DEK-Info is cut off");
  const rest = body.slice(whole.length - digits.length + size);
  return { headers: ["Proc-Type: 4,ENCRYPTED", `DEK-Info: ${cipher},${digits.slice(0, size)}`], rest };
}

function decode(body: string): Buffer {
  const text = body.replace(/[\s\u200b\u2060\ufeff]/g, "");
  if (text === "") throw unusable("nothing stands between its BEGIN and END lines");
  // PEM lines have 64 characters, OpenSSH's have 70. An n after each line was a line break.
  if ([64, 70, 76].some((width) => new RegExp(`^n(.{${width}}n)+.{1,${width}}n$`).test(text))) {
    throw unusable('the backslashes of its "\\n" were lost; give it with real line breaks');
  }
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(text)) {
    const between = replacedLineBreak(text);
    if (between) throw unusable(`"${between}" stands where its line breaks were; give it with real line breaks`);
    if (/%[0-9A-Fa-f]{2}/.test(text)) throw unusable("it is percent-encoded, as in an address; give the plain text");
    if (/[-_]/.test(text)) throw unusable("its + and / were replaced, as in base64url; give the plain text");
    throw unusable("its body has characters that no key has; was it shortened or edited?");
  }
  const characters = text.replace(/=+$/, "").length;
  if (characters % 4 === 1)
    throw unusable(`one of its characters is missing, or one too many${missingCharactersHint(body)}`);
  return Buffer.from(text, "base64");
}

/** The text that a tool has put in place of each line break: the same one after every full line. */
function replacedLineBreak(body: string): string | undefined {
  const found = /^([^A-Za-z0-9+/=%](?:[\w#"' /,]{0,7}[^A-Za-z0-9+/=])?)/.exec(body)?.[1];
  if (found === undefined) return undefined;
  const lines = body.split(found).filter(Boolean);
  const isWhole = (line: string) => /^[A-Za-z0-9+/]+={0,2}$/.test(line);
  const [width = 0] = lines.map(({ length }) => length);
  const areEqual = lines.slice(0, -1).every((line) => line.length === width) && (lines.at(-1)?.length ?? 0) <= width;
  return lines.length > 1 && width >= 40 && areEqual && lines.every(isWhole) ? found : undefined;
}

/** The probable reason for missing characters: plus signs turned into blanks, or truncation. */
function missingCharactersHint(body: string): string {
  return /\S \S/.test(body) ? "; did a tool make blanks of its plus signs?" : "; was it cut off?";
}

/** The reason for a text without any private key block. */
function reasonWithoutBlock(text: string): string {
  if (text === "") return "it is empty";
  if (/PuTTY-User-Key-File/.test(text)) return "it is in PuTTY's form (.ppk); puttygen -O private-openssh converts it";
  if (/^-{4,5} ?BEGIN SSH2 (ENCRYPTED )?PRIVATE KEY/.test(text))
    return "it is in the form of ssh.com; ssh-keygen -i converts it";
  if (/BEGIN PGP PRIVATE KEY/.test(text)) return "it is a key of PGP, not of SSH";
  if (/^["']?(ssh-|ecdsa-|sk-)|BEGIN ([A-Z0-9 ]* )?PUBLIC KEY/.test(text)) return "this is a public key";
  if (/-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----/.test(text)) {
    const isAlone = /-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----\s*["']?$/.test(text);
    return isAlone
      ? "only its first line is there; was it cut off at a line break?"
      : "its end is missing; was it cut off?";
  }
  if (/-----END [A-Z0-9 ]*PRIVATE KEY-----/.test(text)) return "its beginning is missing; was it cut off?";
  if (/BEGIN(%20|\+)[A-Z0-9%+]*PRIVATE(%20|\+)KEY/.test(text)) {
    return "it is percent-encoded, as in an address; give the plain text";
  }
  if (/BEGIN [A-Z0-9 ]*PRIVATE KEY/.test(text)) return "the five dashes around BEGIN or END are not whole";
  if (/BEGIN CERTIFICATE/.test(text)) return "this is a certificate";
  if (/^["']?(b3BlbnNzaC1rZXktdjE|M[C-I])[A-Za-z0-9+/=\s]{40,}["']?$/.test(text)) {
    return "its BEGIN and END lines were lost; give the whole file";
  }
  if (/^(~|\.{0,2})\/[^\s]*$|^[A-Za-z]:\\\S*$/.test(text))
    return "it looks like the name of a file; give the file's content";
  return 'expected text with a line "-----BEGIN … PRIVATE KEY-----"';
}
