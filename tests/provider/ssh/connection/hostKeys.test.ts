import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hostAndPort } from "../../../../provider/ssh/connection/address";
import { describeHostKey } from "../../../../provider/ssh/connection/hostKey";
import {
  type HostKeyPolicy,
  hostKeyProblem,
  hostKeyVerifier,
  pinnedTypes,
  resolveHostKeys,
} from "../../../../provider/ssh/connection/hostKeys";
import { formatKnownHosts } from "../../../../provider/ssh/connection/knownHosts";
import { SshError } from "../../../../provider/ssh/error";
import { generate, type KeyMaterial } from "../../../../provider/ssh/keys";
import { TestHost } from "../support/accounts";
import { Sshd } from "../support/sshd";

describe("SSH host keys", () => {
  let key: KeyMaterial;
  let other: KeyMaterial;
  let rsa: KeyMaterial;
  before(async () => {
    [key, other, rsa] = await Promise.all([generate(), generate(), generate({ keyType: "rsa", bits: 2048 })]);
  });

  const bytes = ({ blob }: KeyMaterial) => Buffer.from(blob, "base64");
  const bytesOf = (of: KeyMaterial) => createHash("sha256").update(bytes(of)).digest("hex");
  const line = (hosts: string, of: Pick<KeyMaterial, "algorithm" | "blob"> = key) =>
    `${hosts} ${of.algorithm} ${of.blob}`;
  const judge = (policy: HostKeyPolicy, presented = key, host = "box.example.com", port = 22) =>
    hostKeyVerifier(hostAndPort(host, port), resolveHostKeys(host, port, policy))(bytes(presented));

  /** The verdict of an entry on a presented key: accepted, refused, or "unreadable" before any contact. */
  const verdict = (hostKey: HostKeyPolicy["hostKey"], host?: string, port = 22, presented = key) => {
    if (hostKeyProblem(host ?? "box.example.com", port, { hostKey }) !== undefined) return "unreadable";
    return judge({ hostKey }, presented, host, port) === undefined ? "accepted" : "refused";
  };

  it("A pinned fingerprint accepts its own key and no other", () => {
    assert.equal(verdict(key.fingerprintSha256), "accepted");
    assert.equal(verdict(`  ${key.fingerprintSha256}=\n`), "accepted");
    assert.equal(verdict(other.fingerprintSha256), "refused");
  });

  it("A list of pins accepts any of its keys, for a roll-over", () => {
    assert.equal(verdict([other.fingerprintSha256, key.fingerprintSha256]), "accepted");
    assert.equal(verdict([other.fingerprintSha256, line("box.example.com")]), "accepted");
    assert.equal(verdict(`${line("box.example.com", other)}\n# scanned\n${line("box.example.com")}\n`), "accepted");
    assert.equal(verdict([other.fingerprintSha256, rsa.fingerprintSha256]), "refused");
  });

  it("The names of a known_hosts line match as in OpenSSH", () => {
    const cases: [string, string, number, string][] = [
      ["box.example.com", "box.example.com", 22, "accepted"],
      ["BOX.example.com", "Box.Example.com", 22, "accepted"],
      ["a,box.example.com,10.0.0.1", "10.0.0.1", 22, "accepted"],
      ["[box.example.com]:2222", "box.example.com", 2222, "accepted"],
      ["[box.example.com]:2222", "box.example.com", 22, "unreadable"],
      ["[box.example.com]:2222", "box.example.com", 2223, "unreadable"],
      ["box.example.com", "box.example.com", 2222, "accepted"],
      ["*.example.com", "box.example.com", 22, "accepted"],
      ["*.example.com", "box.example.org", 22, "unreadable"],
      ["[*.example.com]:23", "box.example.com", 23, "accepted"],
      ["bo?.example.com", "box.example.com", 22, "accepted"],
      ["*.example.com,!box.example.com", "box.example.com", 22, "unreadable"],
      // OpenSSH then looks for the name without the port, which "*" matches.
      ["*,![box.example.com]:23", "box.example.com", 23, "accepted"],
      ["*,!box.example.com,![box.example.com]:23", "box.example.com", 23, "unreadable"],
      ["boxXexample.com", "box.example.com", 22, "unreadable"],
      ["box.example.com", "box-example-com", 22, "unreadable"],
      ["2001:db8::1", "2001:DB8::1", 22, "accepted"],
      ["[2001:db8::1]:23", "2001:db8::1", 23, "accepted"],
    ];
    for (const [hosts, host, port, expected] of cases) {
      assert.equal(verdict(line(hosts), host, port), expected, `${hosts} for ${host} ${port}`);
    }
  });

  it("A name that ssh-keygen has hashed matches its host", () => {
    const folder = mkdtempSync(join(tmpdir(), "known-hosts-"));
    try {
      const path = join(folder, "known_hosts");
      writeFileSync(path, `${line("box.example.com")}\n${line("[box.example.com]:2222", rsa)}\n`);
      execFileSync("ssh-keygen", ["-H", "-f", path], { stdio: "pipe" });
      const hashed = readFileSync(path, "utf8");
      assert.match(hashed, /^\|1\|/);
      assert.equal(verdict(hashed), "accepted");
      assert.equal(verdict(hashed, "box.example.com", 2222, rsa), "accepted");
      assert.equal(verdict(hashed, "box.example.com", 22, rsa), "refused");
      assert.equal(verdict(hashed, "other.example.com"), "unreadable");
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("A revoked key is refused even when another line accepts it", () => {
    assert.equal(verdict([line("box.example.com"), `@revoked ${line("*")}`]), "refused");
    assert.equal(verdict([line("box.example.com"), `@revoked ${line("*", other)}`]), "accepted");
    assert.equal(verdict([key.fingerprintSha256, `@revoked ${line("box.example.com")}`]), "refused");
    assert.equal(verdict(`@revoked ${line("box.example.com")}`), "unreadable");
  });

  it("An unreadable hostKey fails closed with the reason", () => {
    const cases: [string, RegExp][] = [
      ["", /empty/],
      ["# only a comment", /empty/],
      [`@cert-authority ${line("*.example.com")}`, /not supported/],
      [`@strange ${line("*")}`, /unknown marker/],
      [key.fingerprintMd5, /forged.*ssh-keygen -lf/],
      [key.fingerprintMd5.slice(4), /forged/],
      [`256 ${key.fingerprintMd5} root@box (ED25519)`, /forged/],
      ["SHA256:abc", /no SHA256 fingerprint/],
      [`${key.fingerprintSha256} ${other.fingerprintSha256}`, /several fingerprints/],
      [`box ${key.fingerprintSha256}`, /text around the fingerprint; give SHA256:\S{43} alone/],
      [
        `256 ${key.fingerprintSha256} other.example.com (ED25519)`,
        /is of "other.example.com".*give SHA256:\S{43} alone/,
      ],
      [key.publicKey.slice(0, -6), /the public key is (damaged|no base64)/],
      ["nonsense", /neither a SHA256: fingerprint nor a known_hosts line/],
      [line("box.example.com").slice(0, -6), /cut off/],
      ["~/.ssh/known_hosts", /looks like the name of a file; give the file's content/],
      ["/etc/ssh/ssh_host_ed25519_key.pub", /looks like the name of a file/],
      ["C:\\Users\\me\\.ssh\\known_hosts", /looks like the name of a file/],
      [`box.example.com ssh-rsa ${key.blob}`, /says ssh-rsa, but its key says ssh-ed25519/],
      [`ssh-ed25519-cert-v01@openssh.com AAAA${key.blob}`, /certificates are not supported/],
      ["-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----", /PEM form; ssh-keygen -lf/],
      [key.privateKey, /this is a private key/],
      [`|1|abc ${key.algorithm} ${key.blob}`, /no entry for/],
      [`a,|1|YQ==|YQ== ${key.algorithm} ${key.blob}`, /no entry for/],
      [line("elsewhere.example.com"), /no entry for box\.example\.com/],
    ];
    for (const [entry, reason] of cases) {
      // A valid entry does not excuse an unreadable one beside it.
      for (const hostKey of [
        entry,
        ...(/empty|no entry|private key/.test(reason.source) ? [] : [[key.fingerprintSha256, entry]]),
      ]) {
        assert.match(hostKeyProblem("box.example.com", 22, { hostKey }) ?? "accepted", reason, entry);
        assert.throws(() => resolveHostKeys("box.example.com", 22, { hostKey }), SshError);
      }
    }
  });

  it("A known_hosts text is valid for a host despite broken lines of other hosts, as in OpenSSH", async () => {
    const good = line("box.example.com");
    const others = [
      line("elsewhere.example.com").slice(0, -6),
      `elsewhere.example.com ssh-rsa ${key.blob}`,
      "old.example.com 1024 35 1234567890",
      `@cert-authority ${line("*.example.org")}`,
      `@strange ${line("elsewhere.example.com")}`,
      `|1|abc ${key.algorithm} ${key.blob}`,
      "|1|YWJjZGVmZ2hpamtsbW5vcHFyc3Q=|YQ== ssh-ed25519 AAAA",
      `a,|1|YQ==|YQ== ${key.algorithm} ${key.blob}`,
      "justone",
      "elsewhere.example.com IN SSHFP 4 1 abcdef",
      // Lines of this very host that OpenSSH skips too.
      line("box.example.com", rsa).slice(0, -6),
      `@cert-authority ${line("*.example.com", other)}`,
    ];
    const folder = mkdtempSync(join(tmpdir(), "known-hosts-"));
    const host = new TestHost();
    const sshd = await Sshd.start(host);
    try {
      for (const each of others) {
        for (const text of [`${each}\n${good}\n`, `\uFEFF${good}\r\n${each}`]) {
          assert.equal(verdict(text), "accepted", each);
          assert.equal(verdict(text, undefined, 22, other), "refused", each);
        }
      }
      // A real client with the same text verifies the host, and then fails at the login.
      const path = join(folder, "known_hosts");
      const [presented] = sshd.hostKeys;
      assert.ok(presented);
      const mine = `[127.0.0.1]:${sshd.port} ${presented.algorithm} ${presented.blob}`;
      const text = [...others, mine].join("\n").replaceAll("box.example.com", `[127.0.0.1]:${sshd.port}`);
      writeFileSync(path, `${text}\n`);
      const options = ["StrictHostKeyChecking=yes", "BatchMode=yes", `UserKnownHostsFile=${path}`];
      const arguments_ = [...options.flatMap((option) => ["-o", option]), "-p", String(sshd.port), "root@127.0.0.1"];
      const { stderr } = spawnSync("ssh", ["-F", "none", ...arguments_, "true"], { encoding: "utf8" });
      assert.match(stderr, /Permission denied/);
      assert.equal(verdict(text, "127.0.0.1", sshd.port, presented as KeyMaterial), "accepted");
    } finally {
      await sshd.stop();
      host.remove();
      rmSync(folder, { recursive: true });
    }
  });

  it("A known_hosts line with the port overrides one without it, for keys of the same type", () => {
    const at = (port: number, of: KeyMaterial) => line(port === 22 ? "h" : `[h]:${port}`, of);
    assert.equal(verdict(`${at(22, key)}\n${at(2222, other)}`, "h", 2222, key), "refused");
    assert.equal(verdict(`${at(22, key)}\n${at(2222, other)}`, "h", 2222, other), "accepted");
    assert.equal(verdict(`${at(22, key)}\n${at(2222, rsa)}`, "h", 2222, key), "accepted");
  });

  it("A host key is read in every form of OpenSSH, PuTTY and DNS", () => {
    const folder = mkdtempSync(join(tmpdir(), "host-key-"));
    try {
      const path = join(folder, "key.pub");
      writeFileSync(path, `${key.algorithm} ${key.blob} root@box\n`);
      const run = (command: string) => execFileSync("sh", ["-c", command], { encoding: "utf8", cwd: folder });
      const hex = bytesOf(key);
      const forms = [
        readFileSync(path, "utf8"),
        `${key.algorithm} ${key.blob}`,
        key.blob,
        key.fingerprintSha256.slice(7),
        hex,
        `SHA256:${hex.match(/../g)?.join(":").toUpperCase()}`,
        run("ssh-keygen -lf key.pub"),
        run("sed 's/ root@box//' key.pub | ssh-keygen -lf -"),
        run("sed 's/^/box.example.com /' key.pub > kh; ssh-keygen -lf kh"),
        run("ssh-keygen -r box.example.com -f key.pub"),
        run("ssh-keygen -e -f key.pub"),
        `ED25519 key fingerprint is ${key.fingerprintSha256}.`,
        `ssh-ed25519 255 ${key.fingerprintSha256}`,
        `ssh-ed25519 255 ${key.fingerprintSha256.slice(7)}=`,
        `"${key.fingerprintSha256}"`,
        `'${key.algorithm} ${key.blob} root@box'\n`,
        `"${line("box.example.com")}\\n"`,
        Buffer.from(`${line("other.example.com", other)}\n${line("box.example.com")}\n`).toString("base64"),
        Buffer.from(`${key.algorithm} ${key.blob}`).toString("base64").replace(/.{76}/g, "$&\n"),
        Buffer.from(key.fingerprintSha256).toString("base64"),
        `# box.example.com:22 SSH-2.0-OpenSSH_9.2\n${line("box.example.com")}\n`,
        `${line("other.example.com", other)}\\n${line("box.example.com")}`,
      ];
      for (const form of forms) {
        assert.equal(hostKeyProblem("box.example.com", 22, { hostKey: form }), undefined, form);
        assert.equal(verdict(form), "accepted", form);
        assert.equal(verdict(form, undefined, 22, other), "refused", form);
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("trustOnFirstUse accepts any key only when it is set, and never against a pin", () => {
    assert.equal(judge({ trustOnFirstUse: true }), undefined);
    assert.ok(judge({ trustOnFirstUse: true, hostKey: other.fingerprintSha256 }) instanceof SshError);
    const error = judge({});
    assert.ok(error instanceof SshError);
    assert.equal(error.kind, "hostKey");
    assert.ok(error.message.includes(key.fingerprintSha256));
    assert.match(error.message, /ssh-keygen -lf/);
    assert.match(error.message, /no secret was sent/);
  });

  it("A changed key is refused with both fingerprints in one line", () => {
    const { message = "" } = judge({ hostKey: other.fingerprintSha256 }) ?? {};
    assert.ok(message.includes(key.fingerprintSha256) && message.includes(other.fingerprintSha256));
    assert.match(message, /no secret was sent/);
    assert.doesNotMatch(message, /[\r\n]/);
  });

  it("Bytes that are no key are refused", () => {
    const hostKeys = resolveHostKeys("h", 22, { trustOnFirstUse: true, hostKey: key.fingerprintSha256 });
    const verify = hostKeyVerifier("h", hostKeys);
    assert.ok(verify(Buffer.from("nonsense")) instanceof SshError);
    assert.equal(describeHostKey(Buffer.alloc(0)), undefined);
  });

  it("A host with several keys is asked for the pinned one when its type is known", () => {
    const types = (policy: HostKeyPolicy) => pinnedTypes(resolveHostKeys("h", 22, policy));
    assert.deepEqual(types({ hostKey: line("h", rsa) }), ["ssh-rsa"]);
    assert.deepEqual(types({ hostKey: [line("h"), line("h", rsa)] }), ["ssh-ed25519", "ssh-rsa"]);
    assert.equal(types({ hostKey: [line("h", rsa), key.fingerprintSha256] }), undefined);
    assert.equal(types({ trustOnFirstUse: true }), undefined);
  });

  it("formatKnownHosts writes lines that ssh-keygen finds", () => {
    const folder = mkdtempSync(join(tmpdir(), "known-hosts-"));
    try {
      const path = join(folder, "known_hosts");
      for (const [host, port, search] of [
        ["Box.example.com", 22, "box.example.com"],
        ["box.example.com", 2222, "[box.example.com]:2222"],
        ["2001:db8::1", 23, "[2001:db8::1]:23"],
      ] as const) {
        const seen = describeHostKey(bytes(key));
        assert.ok(seen);
        const written = formatKnownHosts(host, port, seen);
        writeFileSync(path, `${written}\n`);
        assert.ok(execFileSync("ssh-keygen", ["-F", search, "-f", path], { encoding: "utf8" }).includes(key.blob));
        assert.equal(verdict(written, host, port), "accepted");
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
