import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { SshError } from "../../../../provider/ssh/error";
import { importPrivateKey } from "../../../../provider/ssh/keys";

const PASSPHRASE = "open sesame";

/** A private key in the form of one tool. */
interface Made {
  name: string;
  text: string;
  encrypted: boolean;
}

/** A gate plays the same texts each time; elsewhere each run plays new ones. */
const { PROPERTY_SEED } = process.env;
const seed = PROPERTY_SEED ? { seed: Number(PROPERTY_SEED) } : {};

describe("The text of a private key", function () {
  this.timeout(600_000);
  let folder: string;
  let corpus: Made[];
  let count = 0;

  const openssl = (...args: string[]) => execFileSync("openssl", args, { encoding: "utf8", stdio: "pipe" });
  function file(content = ""): string {
    const path = join(folder, `key${count++}`);
    writeFileSync(path, content, { mode: 0o600 });
    return path;
  }

  before(() => {
    folder = mkdtempSync(join(tmpdir(), "key-text-"));
    corpus = makeCorpus();
  });
  after(() => rmSync(folder, { recursive: true }));

  function makeCorpus(): Made[] {
    const made: Made[] = [];
    const add = (name: string, text: string, encrypted = false) => made.push({ name, text, encrypted });
    const pass = ["-passout", `pass:${PASSPHRASE}`];
    for (const curve of ["prime256v1", "secp384r1", "secp521r1"]) {
      add(`ecparam ${curve}`, openssl("ecparam", "-name", curve, "-genkey"));
    }
    const ec = openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout");
    const ecFile = file(ec);
    add("ecparam -noout", ec);
    add("explicit parameters", openssl("ecparam", "-name", "prime256v1", "-param_enc", "explicit", "-genkey"));
    add("compressed point", openssl("ec", "-in", ecFile, "-conv_form", "compressed"));
    add("no public half", openssl("ec", "-in", ecFile, "-no_public"));
    add("PKCS#8 of EC", openssl("pkcs8", "-topk8", "-nocrypt", "-in", ecFile));
    const rsa = openssl("genrsa", "-traditional", "2048");
    const rsaFile = file(rsa);
    add("PKCS#1", rsa);
    add("genpkey RSA", openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024"));
    for (const cipher of ["aes128", "aes256", "des3", "camellia256", "aria192"]) {
      add(`PKCS#1 under ${cipher}`, openssl("rsa", "-traditional", "-in", rsaFile, `-${cipher}`, ...pass), true);
    }
    add("EC PRIVATE KEY under aes256", openssl("ec", "-in", ecFile, "-aes256", ...pass), true);
    for (const options of [
      ["-v2", "aes-128-cbc"],
      ["-v2", "aes-256-cbc", "-v2prf", "hmacWithSHA1"],
      ["-v2", "aes-192-cbc", "-v2prf", "hmacWithSHA512"],
      ["-v2", "des3"],
      ["-scrypt"],
      ["-v1", "PBE-SHA1-3DES"],
    ]) {
      add(`PKCS#8 ${options.join(" ")}`, openssl("pkcs8", "-topk8", "-in", ecFile, ...options, ...pass), true);
    }
    const certificate = openssl("req", "-x509", "-new", "-key", rsaFile, "-subj", "/CN=backup", "-days", "2");
    const both = file(certificate + rsa);
    const p12 = file();
    openssl("pkcs12", "-export", "-in", both, "-name", "my key", "-out", p12, "-passout", "pass:x");
    add("pkcs12 -nodes", openssl("pkcs12", "-in", p12, "-nodes", "-passin", "pass:x"));
    add("certificate and key", certificate + rsa);
    add("text of the key before it", openssl("rsa", "-traditional", "-text", "-in", rsaFile));
    for (const [type, form] of [
      ["rsa", "PEM"],
      ["ecdsa", "PEM"],
      ["ecdsa", "PKCS8"],
      ["rsa", "RFC4716"],
      ["ecdsa", "RFC4716"],
      ["ed25519", "RFC4716"],
    ] as const) {
      for (const passphrase of ["", PASSPHRASE]) {
        const path = join(folder, `key${count++}`);
        execFileSync("ssh-keygen", [
          "-q",
          "-t",
          type,
          "-m",
          form,
          "-a",
          "1",
          "-N",
          passphrase,
          "-C",
          "a comment",
          "-f",
          path,
        ]);
        add(`ssh-keygen ${type} ${form} ${passphrase}`, readFileSync(path, "utf8"), passphrase !== "");
      }
    }
    return made;
  }

  /** The public line that `ssh-keygen -y` prints. Undefined for a text that it cannot read. */
  function asOpenSshReads({ text, encrypted }: Made): string | undefined {
    const path = file(text);
    const args = ["-y", "-P", encrypted ? PASSPHRASE : "", "-f", path];
    const { status, stdout } = spawnSync("ssh-keygen", args, { encoding: "utf8", input: "" });
    rmSync(path);
    return status === 0 ? stdout.trim() : undefined;
  }

  const read = (text: string, encrypted: boolean) =>
    importPrivateKey({ privateKey: text, ...(encrypted && { passphrase: PASSPHRASE }) }).publicKey;

  function refused(text: string, reason: RegExp, given: { passphrase?: string; property?: string } = {}): void {
    const { passphrase, property = "privateKey" } = given;
    assert.throws(
      () => importPrivateKey({ privateKey: text, ...(passphrase !== undefined && { passphrase }) }),
      (error: unknown) => {
        assert.ok(error instanceof SshError, String(error));
        assert.equal(error.property, property, error.message);
        assert.match(error.message, reason);
        assert.doesNotMatch(error.message, /[\r\n]|[A-Za-z0-9+/]{50}/);
        return true;
      },
    );
  }

  it("A private key of any tool is read as ssh-keygen -y reads it", () => {
    for (const made of corpus) {
      const expected = asOpenSshReads(made);
      assert.ok(expected, `ssh-keygen reads: ${made.name}`);
      assert.equal(read(made.text, made.encrypted), expected, made.name);
    }
  });

  it("A changed text is read wherever ssh-keygen -y still reads it, with the same key", () => {
    /** Changes around a key that a PEM parser may have to skip. */
    const changes: Record<string, (text: string) => string> = {
      "Windows line ends": (text) => text.replaceAll("\n", "\r\n"),
      "no last newline": (text) => text.replace(/\n$/, ""),
      "trailing blanks": (text) => text.replaceAll("\n", " \t\n"),
      "blanks behind the armor": (text) => text.replace(/-----$/gm, "-----  "),
      "text before": (text) => `Bag Attributes\n    localKeyID: 01 \n${text}`,
      "text behind": (text) => `${text}# the end\n`,
      "an empty line before": (text) => `\n${text}`,
      "an empty line in front of the end": (text) => text.replace("-----END", "\n-----END"),
      "parameters before": (text) =>
        `-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n${text}`,
      "a mention before": (text) => `# here comes -----BEGIN PRIVATE KEY-----\n${text}`,
      "another key behind": (text) => `${text}${corpus[3]?.text}`,
      "another key before": (text) => `${corpus[3]?.text}${text}`,
      "a key of OpenSSH before": (text) => `${corpus.at(-2)?.text}${text}`,
      "a byte order mark": (text) => `\uFEFF${text}`,
      "lines of 48": (text) =>
        text.replace(
          /(?<=KEY-----\n)[A-Za-z0-9+/=\n]+/g,
          (body) => `${body.replaceAll("\n", "").replace(/.{1,48}/g, "$&\n")}`,
        ),
    };
    let compared = 0;
    fc.assert(
      fc.property(
        fc.nat(corpus.length - 1),
        fc
          .array(fc.constantFrom(...Object.keys(changes)), { minLength: 1, maxLength: 3 })
          // OpenSSL skips the first one for its empty line, and reads the other.
          .filter(
            (all) => !(all.some((each) => /another/.test(each)) && all.some((each) => /empty line in/.test(each))),
          ),
        (index, names) => {
          const made = corpus[index] as Made;
          const text = names.reduce((changed, name) => changes[name]?.(changed) ?? changed, made.text);
          const expected = asOpenSshReads({ ...made, text });
          if (expected === undefined) return;
          compared++;
          assert.equal(read(text, made.encrypted), expected);
        },
      ),
      { numRuns: 400, ...seed },
    );
    assert.ok(compared > 100, `${compared} texts that ssh-keygen reads`);
  });

  it("A private key is read despite quotes, base64 or damaged line breaks of other tools", () => {
    const breaks: Record<string, (text: string) => string> = {
      none: (text) => text,
      "spelled out": (text) => text.replaceAll("\n", "\\n"),
      "spelled out twice": (text) => text.replaceAll("\n", "\\\\n"),
      "spelled out as Windows has them": (text) => text.replaceAll("\n", "\\r\\n"),
      "continued lines": (text) => text.replaceAll("\n", "\\\n"),
      blanks: (text) => text.trim().replaceAll("\n", " "),
      gone: (text) => text.replaceAll("\n", ""),
      "old Mac": (text) => text.replaceAll("\n", "\r"),
      indented: (text) => text.replaceAll("\n", "\n    "),
    };
    const wraps: Record<string, (text: string) => string> = {
      none: (text) => text,
      quotes: (text) => `"${text}"`,
      "single quotes": (text) => `'${text}'\n`,
      "a byte order mark": (text) => `\uFEFF${text}`,
      base64: (text) => Buffer.from(text).toString("base64"),
      "base64 in lines": (text) => Buffer.from(text).toString("base64").replace(/.{76}/g, "$&\n"),
      "base64 in quotes": (text) => `"${Buffer.from(text).toString("base64")}"`,
      base64url: (text) => Buffer.from(text).toString("base64url"),
      JSON: (text) => JSON.stringify({ type: "key", private_key: text }),
    };
    const names = fc.record({
      index: fc.nat(corpus.length - 1),
      lineBreaks: fc.constantFrom(...Object.keys(breaks)),
      wrapping: fc
        .array(fc.constantFrom(...Object.keys(wraps)), { maxLength: 2 })
        .filter(([, second]) => second !== "JSON"),
    });
    const original = new Map<string, string>();
    fc.assert(
      fc.property(names, ({ index, lineBreaks, wrapping }) => {
        const { name, text, encrypted } = corpus[index] as Made;
        const expected = original.get(name) ?? read(text, encrypted);
        original.set(name, expected);
        const block = /-----BEGIN (?!EC PARAM|CERT).*-----END [A-Z ]*PRIVATE KEY-----/s.exec(text)?.[0] ?? "";
        const changed = breaks[lineBreaks]?.(block) ?? "";
        assert.equal(
          read(
            wrapping.reduce((all, each) => wraps[each]?.(all) ?? all, changed),
            encrypted,
          ),
          expected,
        );
      }),
      { numRuns: 1000, ...seed },
    );
  });

  it("A text that is no private key is refused with its kind or its damage", () => {
    const [ec = "", rsa = ""] = ["ecparam -noout", "PKCS#1"].map(
      (name) => corpus.find((made) => made.name === name)?.text,
    );
    const open = corpus.find(({ name }) => name === "ssh-keygen ed25519 RFC4716 ")?.text ?? "";
    const bare = (text: string) => text.replace(/-----.*-----/g, "").trim();
    const ppk = "PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\nComment: imported\n";
    for (const [text, reason] of [
      ["", /it is empty/],
      [ppk, /PuTTY's form \(\.ppk\).*puttygen -O private-openssh/],
      [`"${ppk.replaceAll("\n", "\\n")}"`, /PuTTY/],
      [Buffer.from(ppk).toString("base64"), /PuTTY/],
      ["---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----\nAAAA", /form of ssh\.com/],
      ["-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nlQ", /key of PGP/],
      ["-----BEGIN PUBLIC KEY-----\nMFkw\n-----END PUBLIC KEY-----", /this is a public key/],
      ["-----BEGIN CERTIFICATE-----\nMFkw\n-----END CERTIFICATE-----", /this is a certificate/],
      ["/home/me/.ssh/id_ed25519", /name of a file/],
      ["~/.ssh/id_ed25519", /name of a file/],
      ["C:\\Users\\me\\id_rsa", /name of a file/],
      [bare(open), /BEGIN and END lines were lost/],
      [bare(rsa), /BEGIN and END lines were lost/],
      [`"${bare(ec)}"`, /BEGIN and END lines were lost/],
      [rsa.split("\n")[0] ?? "", /only its first line is there/],
      [rsa.slice(0, 400), /its end is missing/],
      [rsa.slice(40), /its beginning is missing/],
      [rsa.replaceAll("-----", "—"), /five dashes/],
      [rsa.replaceAll("\n", "n"), /backslashes of its "\\n" were lost/],
      [open.replaceAll("\n", "n"), /backslashes of its "\\n" were lost/],
      [rsa.replaceAll("+", "%2B").replaceAll("/", "%2F"), /percent-encoded/],
      ...[",", ";", "|", "<br>", "&#10;", '", "'].map((mark): [string, RegExp] => [
        open.replaceAll("\n", mark),
        /stands where its line breaks were; give it with real line breaks/,
      ]),
      [encodeURIComponent(rsa), /percent-encoded/],
      [rsa.replace(/\n(.{20}).{30}/, "\n$1…"), /has characters that no key has/],
      [rsa.replace(/\n.{64}\n/, "\n"), /bytes are missing|damaged/],
      [rsa.replace(/\n.{3}/, "\n"), /one of its characters is missing|damaged|bytes are missing/],
      ["-----BEGIN RSA PRIVATE KEY-----\n-----END RSA PRIVATE KEY-----", /nothing stands between/],
      [rsa.replaceAll("RSA", "FOO"), /"-----BEGIN FOO PRIVATE KEY-----" is no form/],
      ["correct horse battery staple", /expected text with a line/],
    ] as const) {
      refused(text, reason);
    }
  });

  it("Line breaks escaped as in JSON are read", () => {
    const text = corpus.find(({ name }) => name === "ssh-keygen ed25519 RFC4716 ")?.text ?? "";
    for (const mark of ["\\u000a", "\\u000A", "\\x0a", "\\u000d\\u000a"]) {
      assert.equal(read(text.replaceAll("\n", mark), false), read(text, false), mark);
    }
  });

  it("A private key with blanks in place of plus signs is refused for them", () => {
    const text = corpus.find(({ name }) => name === "PKCS#1")?.text ?? "";
    refused(text.replaceAll("+", " "), /blanks of its plus signs|damaged|bytes are missing/, {
      passphrase: PASSPHRASE,
    });
  });

  it("A missing passphrase, a wrong one and one with a line break have errors of their own", () => {
    for (const { name, text } of corpus.filter(({ encrypted }) => encrypted)) {
      refused(text, /none was given/, { property: "passphrase" });
      for (let round = 0; round < (name.includes("ssh-keygen") || name.includes("scrypt") ? 2 : 40); round++) {
        refused(text, /does not open the private key$/, { passphrase: `wrong ${round}`, property: "passphrase" });
      }
      refused(text, /ends with a line break/, { passphrase: `${PASSPHRASE}\n`, property: "passphrase" });
    }
  });

  it("A private key of a hardware token is refused by that name", () => {
    // Output of ssh-keygen -t ed25519-sk. Its secret half is a handle of the token.
    const string = (value: string | Buffer) => {
      const bytes = Buffer.from(value);
      const length = Buffer.alloc(4);
      length.writeUInt32BE(bytes.length);
      return Buffer.concat([length, bytes]);
    };
    const type = "sk-ssh-ed25519@openssh.com";
    const half = [string(type), string(Buffer.alloc(32, 7)), string("ssh:")];
    const secret = Buffer.concat([
      Buffer.alloc(8, 1),
      ...half,
      Buffer.of(1),
      string("handle"),
      string(""),
      string("me"),
    ]);
    const padded = Buffer.concat([secret, Buffer.from([1, 2, 3, 4, 5, 6, 7].slice(0, (8 - (secret.length % 8)) % 8))]);
    const head = [Buffer.from("openssh-key-v1\0"), string("none"), string("none"), string(""), Buffer.of(0, 0, 0, 1)];
    const body = Buffer.concat([...head, string(Buffer.concat(half)), string(padded)]).toString("base64");
    const text = `-----BEGIN OPENSSH PRIVATE KEY-----\n${body.replace(/.{70}/g, "$&\n")}\n-----END OPENSSH PRIVATE KEY-----\n`;
    assert.match(asOpenSshReads({ name: "sk", text, encrypted: false }) ?? "", /^sk-ssh-ed25519/);
    refused(text, /handle of a hardware token/);
  });
});
