import { SshError } from "../error";

/** The block of a private key, as its armor says it. */
export interface ArmoredKey {
  /** What stands between `BEGIN` and `PRIVATE KEY`: `OPENSSH`, `RSA`, `EC`, `ENCRYPTED`, … or nothing (PKCS#8). */
  label: string;
  /** `Proc-Type` and `DEK-Info` of PEM's traditional encryption; empty without it. */
  headers: string[];
  bytes: Buffer;
}

export function unusable(reason: string): SshError {
  return new SshError("input", `not a usable private key: ${reason}`, { property: "privateKey" });
}

interface Block {
  label: string;
  body: string;
  atLineStart: boolean;
}

/**
 * Finds the private key in a text: the one that `ssh-keygen -y` takes where it reads the text. What tools do to a key is
 * undone where nothing is lost by it: `\n` spelled out, line breaks that are blanks or gone, quotes, base64 of the whole.
 * @throws SshError `input` that says what the text is, or what it lost
 */
export function findPrivateKey(given: string): ArmoredKey {
  const text = withoutWrapping(given);
  const blocks = blocksIn(text);
  const openSsh = blocks.find(({ label }) => label === "OPENSSH");
  // Its own form begins the file in just this way; else OpenSSH takes the first key in one of OpenSSL's forms.
  const chosen =
    (given.startsWith("-----BEGIN OPENSSH PRIVATE KEY-----\n") ? openSsh : undefined) ??
    blocks.find(({ label, atLineStart }) => atLineStart && PEM.has(label)) ??
    openSsh ??
    blocks.find(({ label }) => PEM.has(label)) ??
    blocks[0];
  if (chosen === undefined) throw unusable(whyNone(text));
  if (chosen.label === "DSA") throw unusable("DSA keys are no longer accepted by SSH servers; use ed25519");
  if (chosen.label !== "OPENSSH" && !PEM.has(chosen.label)) {
    throw unusable(
      `"-----BEGIN ${chosen.label.slice(0, 40)} PRIVATE KEY-----" is no form that OpenSSH or OpenSSL read`,
    );
  }
  const { headers, rest } = splitHeaders(chosen.body);
  return { label: chosen.label, headers, bytes: decode(rest) };
}

/** The labels of OpenSSL's forms. */
const PEM = new Set(["", "ENCRYPTED", "RSA", "EC", "DSA"]);

const ARMOR = /-----BEGIN ([A-Z0-9 ]*?) ?PRIVATE KEY-----((?:(?!-----BEGIN).)*?)-----END \1 ?PRIVATE KEY-----/gs;

function blocksIn(text: string): Block[] {
  return [...text.matchAll(ARMOR)].map(({ 1: label = "", 2: body = "", index }) => ({
    label,
    body,
    atLineStart: index === 0 || text[index - 1] === "\n",
  }));
}

/** Without a byte order mark, with real line breaks, out of base64. */
function withoutWrapping(given: string, depth = 0): string {
  const text = given
    .replace(/^\uFEFF/, "")
    .trim()
    .replace(/\r\n?/g, "\n")
    // Spelled out, by one tool or several; also before a real line break, which it then continued.
    .replace(/\\+(?:r\\+n|[nr]|\n)/g, "\n")
    .trim();
  if (depth === 3 || /BEGIN|PuTTY-User-Key-File/.test(text)) return text;
  const bare = text.replace(/^[\s"'`]+|[\s"'`]+$/g, "").replace(/\s/g, "");
  if (!/^[A-Za-z0-9+/_-]{40,}={0,2}$/.test(bare)) return text;
  const inner = Buffer.from(bare, "base64").toString("utf8");
  return /-----BEGIN|PuTTY-User-Key-File|^[\s"'`]*[A-Za-z0-9+/_-]{60}/.test(inner)
    ? withoutWrapping(inner, depth + 1)
    : text;
}

/** Headers of RFC 1421, which need a line each and an empty one after them. */
function splitHeaders(body: string): { headers: string[]; rest: string } {
  if (!/^\s*Proc-Type/.test(body)) return { headers: [], rest: body };
  const found = /^\s*Proc-Type:\s*4,\s*ENCRYPTED\s*DEK-Info:\s*([A-Z0-9-]+),\s*([0-9A-Fa-f]+)/.exec(body);
  const [whole = "", cipher = "", digits = ""] = found ?? [];
  if (found === null) throw unusable("its lines Proc-Type and DEK-Info are not whole; was it edited?");
  // Where no line break is left, base64 follows at once: the length of the cipher's vector says where.
  const size = /^(AES|CAMELLIA|ARIA|SEED|SM4)/.test(cipher) ? 32 : 16;
  if (digits.length < size) throw unusable("its line DEK-Info is cut off");
  const rest = body.slice(whole.length - digits.length + size);
  return { headers: ["Proc-Type: 4,ENCRYPTED", `DEK-Info: ${cipher},${digits.slice(0, size)}`], rest };
}

function decode(body: string): Buffer {
  const text = body.replace(/[\s\u200b\u2060\ufeff]/g, "");
  if (text === "") throw unusable("nothing stands between its BEGIN and END lines");
  // A line of PEM has 64 characters, of OpenSSH 70: an n at each of these places was a line break.
  if ([64, 70, 76].some((width) => new RegExp(`^n(.{${width}}n)+.{1,${width}}n$`).test(text))) {
    throw unusable('the backslashes of its "\\n" were lost; give it with real line breaks');
  }
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(text)) {
    if (/%[0-9A-Fa-f]{2}/.test(text)) throw unusable("it is percent-encoded, as in an address; give the plain text");
    if (/[-_]/.test(text)) throw unusable("its + and / were replaced, as in base64url; give the plain text");
    throw unusable("its body has characters that no key has; was it shortened or edited?");
  }
  const characters = text.replace(/=+$/, "").length;
  if (characters % 4 === 1) throw unusable(`one of its characters is missing, or one too many${blanks(body)}`);
  return Buffer.from(text, "base64");
}

/** A tool that makes blanks of line breaks may have made blanks of plus signs too. */
function blanks(body: string): string {
  return /\S \S/.test(body) ? "; did a tool make blanks of its plus signs?" : "; was it cut off?";
}

function whyNone(text: string): string {
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
  if (/BEGIN [A-Z0-9 ]*PRIVATE KEY/.test(text)) return "the five dashes around BEGIN or END are not whole";
  if (/BEGIN CERTIFICATE/.test(text)) return "this is a certificate";
  if (/^["']?(b3BlbnNzaC1rZXktdjE|M[C-I])[A-Za-z0-9+/=\s]{40,}["']?$/.test(text)) {
    return "its BEGIN and END lines were lost; give the whole file";
  }
  if (/^(~|\.{0,2})\/[^\s]*$|^[A-Za-z]:\\\S*$/.test(text))
    return "it looks like the name of a file; give the file's content";
  return 'expected text with a line "-----BEGIN … PRIVATE KEY-----"';
}
