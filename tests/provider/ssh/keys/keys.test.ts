import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SshError } from "../../../../provider/ssh/error";
import {
  formatPublicKey,
  generate,
  importPrivateKey,
  type KeySpec,
  keySpecProblems,
  matches,
  parsePublicKey,
  sameKey,
} from "../../../../provider/ssh/keys";
import { mpint, sshString } from "../../../../provider/ssh/keys/wire";

/** Asserts an input error of this property whose text matches. */
function refused(action: () => unknown, text: RegExp, property: string): void {
  assert.throws(action, (error: unknown) => {
    assert.ok(error instanceof SshError, String(error));
    assert.equal(error.kind, "input");
    assert.equal(error.property, property);
    assert.match(error.message, text);
    assert.doesNotMatch(error.message, /[\r\n]/);
    return true;
  });
}

describe("SSH keys", function () {
  this.timeout(300_000);
  let folder: string;
  let count = 0;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "keys-"));
  });
  after(() => rmSync(folder, { recursive: true }));

  const keygen = (...args: string[]) => execFileSync("ssh-keygen", args, { encoding: "utf8", stdio: "pipe" });
  const openssl = (...args: string[]) => execFileSync("openssl", args, { encoding: "utf8", stdio: "pipe" });
  const file = (content?: string) => {
    const path = join(folder, `key${count++}`);
    if (content !== undefined) writeFileSync(path, content, { mode: 0o600 });
    return path;
  };
  const made = (...args: string[]) => {
    const path = file();
    keygen("-q", "-f", path, ...args);
    return { path, privateKey: readFileSync(path, "utf8"), publicKey: readFileSync(`${path}.pub`, "utf8") };
  };

  const kinds: KeySpec[] = [
    {},
    { keyType: "rsa" },
    { keyType: "rsa", bits: 2048 },
    { keyType: "ecdsa" },
    { keyType: "ecdsa", bits: 384 },
    { keyType: "ecdsa", bits: 521 },
  ];
  for (const spec of kinds) {
    it(`generate makes a key of ${JSON.stringify(spec)} that ssh-keygen reads`, async () => {
      const key = await generate({ ...spec, comment: "back up ü" });
      const path = file(key.privateKey);
      assert.equal(keygen("-y", "-P", "", "-f", path).trim(), key.publicKey);
      const [bits, sha256, ...rest] = keygen("-l", "-f", path).trim().split(" ");
      assert.equal(sha256, key.fingerprintSha256);
      assert.equal(Number(bits), key.bits);
      assert.equal(rest.pop(), `(${key.type.toUpperCase()})`);
      assert.equal(keygen("-l", "-E", "md5", "-f", path).split(" ")[1], key.fingerprintMd5);
      assert.deepEqual(importPrivateKey({ privateKey: key.privateKey }), key);
    });
  }

  it("generate defaults to ed25519, to 4096 bits for rsa and to 256 bits for ecdsa", async () => {
    assert.equal((await generate()).type, "ed25519");
    assert.equal((await generate({ keyType: "rsa" })).bits, 4096);
    assert.equal((await generate({ keyType: "ecdsa" })).bits, 256);
  });

  it("A key with leading zero bytes in its numbers is encoded as OpenSSH does", () => {
    const curves = [
      { make: () => generateKeyPairSync("ed25519").privateKey, part: "x" as const },
      { make: () => generateKeyPairSync("ec", { namedCurve: "prime256v1" }).privateKey, part: "x" as const },
      { make: () => generateKeyPairSync("ec", { namedCurve: "prime256v1" }).privateKey, part: "d" as const },
    ];
    for (const { make, part } of curves) {
      let key = make();
      while (Buffer.from(key.export({ format: "jwk" })[part] ?? "", "base64url")[0] !== 0) key = make();
      const material = importPrivateKey({ privateKey: key.export({ format: "pem", type: "pkcs8" }).toString() });
      assert.equal(keygen("-y", "-P", "", "-f", file(material.privateKey)).trim(), material.publicKey);
      assert.deepEqual(importPrivateKey({ privateKey: material.privateKey }), material);
    }
  });

  it("generate does not block the process", async () => {
    let ticks = 0;
    const timer = setInterval(() => ticks++, 5);
    await generate({ keyType: "rsa", bits: 4096 });
    clearInterval(timer);
    assert.ok(ticks > 0, `${ticks} ticks`);
  });

  it("keySpecProblems names every bad argument at once", async () => {
    const properties = (spec: KeySpec) => keySpecProblems(spec).map(({ property }) => property);
    assert.deepEqual(properties({ keyType: "rsa", bits: 1024, comment: "a\nb" }), ["bits", "comment"]);
    assert.deepEqual(properties({ keyType: "ecdsa", bits: 512 }), ["bits"]);
    assert.deepEqual(properties({ bits: 4096 }), ["bits"]);
    assert.deepEqual(properties({ keyType: "dsa" as "rsa" }), ["keyType"]);
    assert.deepEqual(properties({ keyType: "rsa", bits: 16384, comment: "ok" }), []);
    await assert.rejects(generate({ keyType: "rsa", bits: 16385 }), SshError);
  });

  describe("import", () => {
    const encodings: { name: string; args: string[] }[] = [
      { name: "OpenSSH", args: [] },
      { name: "PKCS#8", args: ["-m", "PKCS8"] },
      { name: "PKCS#1 / SEC 1", args: ["-m", "PEM"] },
    ];
    const types = [
      ["-t", "ed25519"],
      ["-t", "rsa", "-b", "2048"],
      ["-t", "ecdsa", "-b", "384"],
    ];
    for (const { name, args } of encodings) {
      for (const type of types) {
        if (type[1] === "ed25519" && name !== "OpenSSH") continue; // ssh-keygen writes these in its own form always
        it(`importPrivateKey reads ${type[1]} in ${name} form, encrypted or not`, () => {
          for (const passphrase of ["", "pass wörd"]) {
            const { privateKey, publicKey } = made(...type, ...args, "-N", passphrase, "-C", "old comment");
            const key = importPrivateKey({ privateKey, passphrase });
            assert.ok(sameKey(key, parsePublicKey(publicKey)));
            assert.equal(key.comment, name === "OpenSSH" ? "old comment" : "");
            assert.equal(keygen("-y", "-P", "", "-f", file(key.privateKey)).trim(), key.publicKey);
            assert.ok(matches(publicKey, { privateKey, passphrase }));
          }
        });
      }
    }

    it("importPrivateKey reads openssl's ed25519 in PKCS#8 form, encrypted or not", () => {
      const pem = openssl("genpkey", "-algorithm", "ed25519");
      const locked = openssl("pkcs8", "-topk8", "-in", file(pem), "-passout", "pass:geheim");
      assert.equal(
        importPrivateKey({ privateKey: locked, passphrase: "geheim" }).blob,
        importPrivateKey({ privateKey: pem }).blob,
      );
      refused(() => importPrivateKey({ privateKey: locked }), /passphrase, and none was given/, "passphrase");
      refused(() => importPrivateKey({ privateKey: locked, passphrase: "x" }), /does not open/, "passphrase");
    });

    it("importPrivateKey decrypts every cipher that ssh-keygen offers", () => {
      const ciphers = execFileSync("ssh", ["-Q", "cipher"], { encoding: "utf8" }).trim().split("\n");
      assert.ok(ciphers.includes("chacha20-poly1305@openssh.com"));
      for (const cipher of ciphers) {
        const { privateKey } = made("-t", "ed25519", "-Z", cipher, "-a", "1", "-N", "secret");
        assert.equal(importPrivateKey({ privateKey, passphrase: "secret" }).type, "ed25519", cipher);
        refused(() => importPrivateKey({ privateKey, passphrase: "wrong" }), /does not open/, "passphrase");
      }
    });

    it("importPrivateKey distinguishes a missing passphrase from a wrong one, and never prints it", () => {
      for (const args of [[], ["-m", "PEM"], ["-m", "PKCS8"]]) {
        const { privateKey } = made("-t", "rsa", "-b", "2048", "-N", "right one", ...args);
        refused(() => importPrivateKey({ privateKey }), /none was given: set passphrase/, "passphrase");
        refused(
          () => importPrivateKey({ privateKey, passphrase: "s3cr3t" }),
          /^((?!s3cr3t).)*does not open((?!s3cr3t).)*$/,
          "passphrase",
        );
      }
    });

    it("importPrivateKey keeps the comment or sets a new one, and returns the same text for the same key", () => {
      const { privateKey } = made("-t", "ed25519", "-N", "", "-C", "kept");
      assert.equal(importPrivateKey({ privateKey }).comment, "kept");
      const renamed = importPrivateKey({ privateKey, comment: "new" });
      assert.match(renamed.publicKey, / new$/);
      assert.equal(importPrivateKey({ privateKey: renamed.privateKey }).comment, "new");
      assert.equal(importPrivateKey({ privateKey, comment: "new" }).privateKey, renamed.privateKey);
      refused(() => importPrivateKey({ privateKey, comment: "a\nb" }), /one line/, "comment");
    });

    it("importPrivateKey accepts Windows line ends and blanks around the key", () => {
      const { privateKey, publicKey } = made("-t", "ed25519", "-N", "");
      assert.ok(matches(publicKey, { privateKey: `\n${privateKey.replaceAll("\n", "\r\n")}\n\n` }));
    });

    it("importPrivateKey refuses an unusable private key with the reason", () => {
      const { privateKey, publicKey } = made("-t", "ed25519", "-N", "");
      const wrong: [string, RegExp][] = [
        ["", /it is empty/],
        ["-----BEGIN anything", /expected text/],
        [publicKey, /this is a public key/],
        [privateKey.slice(0, 200), /its end is missing/],
        [privateKey.replace(/\n.{70}\n/, "\n"), /damaged|one of its characters is missing/],
        [openssl("genpkey", "-algorithm", "x25519"), /none of ed25519, rsa, ecdsa/],
        [openssl("ecparam", "-name", "secp256k1", "-genkey", "-noout"), /curve/],
        ["PuTTY-User-Key-File-3: ssh-ed25519", /puttygen/],
      ];
      for (const [text, reason] of wrong) refused(() => importPrivateKey({ privateKey: text }), reason, "privateKey");
    });

    it("importPrivateKey refuses a file with the public half of another key", async () => {
      const [key, other] = [await generate(), await generate()];
      const body = Buffer.from(key.privateKey.replace(/-----.*-----/g, ""), "base64").toString("latin1");
      const swapped = body.replaceAll(Buffer.from(key.blob, "base64").subarray(19).toString("latin1"), () =>
        Buffer.from(other.blob, "base64").subarray(19).toString("latin1"),
      );
      const text = Buffer.from(swapped, "latin1")
        .toString("base64")
        .match(/.{1,70}/g)
        ?.join("\n");
      const privateKey = `-----BEGIN OPENSSH PRIVATE KEY-----\n${text}\n-----END OPENSSH PRIVATE KEY-----\n`;
      refused(() => importPrivateKey({ privateKey }), /public half belongs to another key/, "privateKey");
    });

    it("matches is false for halves of different keys", () => {
      const [one, other] = [made("-t", "ed25519", "-N", ""), made("-t", "ed25519", "-N", "")];
      assert.equal(matches(one.publicKey, { privateKey: other.privateKey }), false);
    });
  });

  describe("public key lines", () => {
    it("parsePublicKey reads the lines of ssh-keygen, and formatPublicKey restores them", () => {
      const { publicKey } = made("-t", "ecdsa", "-b", "521", "-N", "", "-C", "me and  my laptop");
      const key = parsePublicKey(publicKey);
      assert.equal(formatPublicKey(key), publicKey.trim());
      assert.equal(key.comment, "me and  my laptop");
      assert.equal(key.algorithm, "ecdsa-sha2-nistp521");
    });

    it("sameKey ignores comments", async () => {
      const key = parsePublicKey((await generate({ comment: "a" })).publicKey);
      assert.ok(sameKey(key, parsePublicKey(`${key.algorithm}   ${key.blob}   b`)));
      assert.ok(!sameKey(key, await generate()));
    });

    it("parsePublicKey refuses anything but exactly one usable key, with the reason", async () => {
      const key = await generate();
      const rsa1000 = Buffer.concat([sshString("ssh-rsa"), mpint(Buffer.of(1, 0, 1)), mpint(Buffer.alloc(125, 0xc1))]);
      const offCurve = Buffer.concat([
        sshString("ecdsa-sha2-nistp256"),
        sshString("nistp256"),
        sshString(Buffer.concat([Buffer.of(4), Buffer.alloc(64, 7)])),
      ]);
      const wrong: [string, RegExp][] = [
        ["", /empty/],
        ["ssh-ed25519", /expected "algorithm/],
        [key.blob, /expected "algorithm/],
        [`${key.publicKey}\n${key.publicKey}`, /several lines/],
        [`${key.publicKey}\u001b[2J`, /control characters/],
        [`${key.publicKey} a\u0000b`, /control characters/],
        [`ssh-rsa ${key.blob}`, /line says ssh-rsa, its bytes say ssh-ed25519/],
        [`ssh-ed25519 ${key.blob.slice(0, -4)}`, /damaged|cut off/],
        [`ssh-ed25519 ${key.blob.slice(0, -3)}`, /cut off/],
        [
          `ssh-ed25519 ${Buffer.concat([Buffer.from(key.blob, "base64"), Buffer.alloc(4)]).toString("base64")}`,
          /no ed25519/,
        ],
        [`restrict ${key.publicKey}`, /options stand in front/],
        [`command="a b" ${key.publicKey}`, /options stand in front/],
        ["ssh-dss AAAAB3NzaC1kc3MAAACB", /DSA/],
        ["sk-ssh-ed25519@openssh.com AAAAGnNr", /damaged|cut off/],
        [`"${key.publicKey}"`, /quotes stand around it/],
        [`ssh-ed25519-cert-v01@openssh.com ${key.blob}`, /certificate/],
        [key.privateKey, /private key/],
        ["-----BEGIN PUBLIC KEY-----", /OpenSSH form/],
        [`ssh-rsa ${rsa1000.toString("base64")}`, /1000 bits/],
        [`ecdsa-sha2-nistp256 ${offCurve.toString("base64")}`, /curve/],
        ["ssh-foo AAAA", /unknown type "ssh-foo"/],
      ];
      for (const [line, reason] of wrong) refused(() => parsePublicKey(line), reason, "publicKey");
    });

    it("parsePublicKey reads keys of hardware tokens as ssh-keygen does", async () => {
      const point = Buffer.from((await generate({ keyType: "ecdsa" })).blob, "base64");
      const ed25519 = Buffer.from((await generate()).blob, "base64");
      const rest = (blob: Buffer) => blob.subarray(4 + blob.readUInt32BE(0));
      for (const [algorithm, fields, type, kind] of [
        ["sk-ssh-ed25519@openssh.com", rest(ed25519), "ed25519-sk", "ED25519-SK"],
        ["sk-ecdsa-sha2-nistp256@openssh.com", rest(point), "ecdsa-sk", "ECDSA-SK"],
      ] as const) {
        const blob = Buffer.concat([sshString(algorithm), fields, sshString("ssh:")]).toString("base64");
        const key = parsePublicKey(`${algorithm} ${blob} me@token`);
        assert.deepEqual([key.type, key.bits, key.comment], [type, 256, "me@token"]);
        const [, sha256, ...described] = keygen("-l", "-f", file(formatPublicKey(key)))
          .trim()
          .split(" ");
        assert.deepEqual([sha256, described.pop()], [key.fingerprintSha256, `(${kind})`]);
        const without = Buffer.concat([sshString(algorithm), fields]).toString("base64");
        refused(
          () => parsePublicKey(`${algorithm} ${without}`),
          /no ed25519 key|no key on the curve|no key of/,
          "publicKey",
        );
      }
    });

    it("parsePublicKey never prints a private key given by mistake", async () => {
      const { privateKey } = await generate();
      const secret = privateKey.split("\n")[3] ?? "";
      assert.throws(
        () => parsePublicKey(privateKey.replaceAll("\n", " ")),
        (error: Error) => !error.message.includes(secret),
      );
    });
  });

  it("The SSH modules load no SSH library before the first connection", () => {
    for (const module of ["keys", "authorizedKeys/deploy", "files/storage", "connection/testConnection"]) {
      const script = `require(${JSON.stringify(require.resolve(`../../../../provider/ssh/${module}`))});
        process.stdout.write(String(Object.keys(require.cache).some((path) => /node_modules/.test(path))))`;
      assert.equal(execFileSync(process.execPath, ["-e", script], { encoding: "utf8" }), "false", module);
    }
  });
});
