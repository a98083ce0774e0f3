import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SshError } from "../../../provider/ssh/error";
import {
  describeHostKey,
  formatKnownHosts,
  type HostKeyPolicy,
  hostKeyProblem,
  hostKeyVerifier,
  pinnedTypes,
} from "../../../provider/ssh/hostKeys";
import { generate, type KeyMaterial } from "../../../provider/ssh/keys";

describe("SSH host keys", () => {
  let key: KeyMaterial;
  let other: KeyMaterial;
  let rsa: KeyMaterial;
  before(async () => {
    [key, other, rsa] = await Promise.all([generate(), generate(), generate({ keyType: "rsa", bits: 2048 })]);
  });

  const bytes = ({ blob }: KeyMaterial) => Buffer.from(blob, "base64");
  const line = (hosts: string, of = key) => `${hosts} ${of.algorithm} ${of.blob}`;
  const judge = (policy: HostKeyPolicy, presented = key, host = "box.example.com", port = 22) =>
    hostKeyVerifier(host, port, policy)(bytes(presented));

  /** What each entry makes of `key` presented at this address: accepted, refused, or "unreadable" before any contact. */
  const verdict = (hostKey: HostKeyPolicy["hostKey"], host?: string, port = 22, presented = key) => {
    if (hostKeyProblem(host ?? "box.example.com", port, { hostKey }) !== undefined) return "unreadable";
    return judge({ hostKey }, presented, host, port) === undefined ? "accepted" : "refused";
  };

  it("accepts the pinned fingerprint and no other", () => {
    assert.equal(verdict(key.fingerprintSha256), "accepted");
    assert.equal(verdict(`  ${key.fingerprintSha256}=\n`), "accepted");
    assert.equal(verdict(other.fingerprintSha256), "refused");
  });

  it("accepts any of a list, for a roll-over", () => {
    assert.equal(verdict([other.fingerprintSha256, key.fingerprintSha256]), "accepted");
    assert.equal(verdict([other.fingerprintSha256, line("box.example.com")]), "accepted");
    assert.equal(verdict(`${line("box.example.com", other)}\n# scanned\n${line("box.example.com")}\n`), "accepted");
    assert.equal(verdict([other.fingerprintSha256, rsa.fingerprintSha256]), "refused");
  });

  it("reads known_hosts names as OpenSSH does", () => {
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
      ["*,![box.example.com]:23", "box.example.com", 23, "unreadable"],
      ["boxXexample.com", "box.example.com", 22, "unreadable"],
      ["box.example.com", "box-example-com", 22, "unreadable"],
      ["2001:db8::1", "2001:DB8::1", 22, "accepted"],
      ["[2001:db8::1]:23", "2001:db8::1", 23, "accepted"],
    ];
    for (const [hosts, host, port, expected] of cases) {
      assert.equal(verdict(line(hosts), host, port), expected, `${hosts} for ${host} ${port}`);
    }
  });

  it("reads the names that ssh-keygen hashes", () => {
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

  it("never accepts a revoked key, even where another line allows it", () => {
    assert.equal(verdict([line("box.example.com"), `@revoked ${line("*")}`]), "refused");
    assert.equal(verdict([line("box.example.com"), `@revoked ${line("*", other)}`]), "accepted");
    assert.equal(verdict([key.fingerprintSha256, `@revoked ${line("box.example.com")}`]), "refused");
    assert.equal(verdict(`@revoked ${line("box.example.com")}`), "unreadable");
  });

  it("fails closed on what it cannot read, and says why", () => {
    const cases: [string, RegExp][] = [
      ["", /empty/],
      ["# only a comment", /empty/],
      [`@cert-authority ${line("*.example.com")}`, /not supported/],
      [`@strange ${line("*")}`, /unknown marker/],
      [key.fingerprintMd5, /forged/],
      [key.fingerprintMd5.slice(4), /forged/],
      ["SHA256:abc", /no SHA256 fingerprint/],
      [key.publicKey, /neither|no entry|cut off|damaged/],
      [line("box.example.com").slice(0, -6), /cut off/],
      [`box.example.com ssh-rsa ${key.blob}`, /says ssh-rsa, its key says ssh-ed25519/],
      [`|1|abc ${key.algorithm} ${key.blob}`, /hashed name/],
      [`a,|1|YQ==|YQ== ${key.algorithm} ${key.blob}`, /hashed name/],
      [line("elsewhere.example.com"), /no entry for box\.example\.com/],
    ];
    for (const [entry, reason] of cases) {
      // A good entry beside it does not make an unreadable one harmless.
      for (const hostKey of [
        entry,
        ...(/empty|no entry/.test(reason.source) ? [] : [[key.fingerprintSha256, entry]]),
      ]) {
        assert.match(hostKeyProblem("box.example.com", 22, { hostKey }) ?? "accepted", reason, entry);
        assert.throws(() => hostKeyVerifier("box.example.com", 22, { hostKey }), SshError);
      }
    }
  });

  it("trusts on first use only when asked, and never against a pin", () => {
    assert.equal(judge({ trustOnFirstUse: true }), undefined);
    assert.ok(judge({ trustOnFirstUse: true, hostKey: other.fingerprintSha256 }) instanceof SshError);
    const error = judge({});
    assert.ok(error instanceof SshError);
    assert.equal(error.kind, "hostKey");
    assert.ok(error.message.includes(key.fingerprintSha256));
    assert.match(error.message, /ssh-keygen -lf/);
    assert.match(error.message, /no secret was sent/);
  });

  it("names both fingerprints when the key changed, in one line", () => {
    const { message = "" } = judge({ hostKey: other.fingerprintSha256 }) ?? {};
    assert.ok(message.includes(key.fingerprintSha256) && message.includes(other.fingerprintSha256));
    assert.match(message, /no secret was sent/);
    assert.doesNotMatch(message, /[\r\n]/);
  });

  it("refuses bytes that are no key", () => {
    const verify = hostKeyVerifier("h", 22, { trustOnFirstUse: true, hostKey: key.fingerprintSha256 });
    assert.ok(verify(Buffer.from("nonsense")) instanceof SshError);
    assert.equal(describeHostKey(Buffer.alloc(0)), undefined);
  });

  it("asks a host with several keys for the pinned one where its type is known", () => {
    assert.deepEqual(pinnedTypes("h", 22, { hostKey: line("h", rsa) }), ["ssh-rsa"]);
    assert.deepEqual(pinnedTypes("h", 22, { hostKey: [line("h"), line("h", rsa)] }), ["ssh-ed25519", "ssh-rsa"]);
    assert.equal(pinnedTypes("h", 22, { hostKey: [line("h", rsa), key.fingerprintSha256] }), undefined);
    assert.equal(pinnedTypes("h", 22, { trustOnFirstUse: true }), undefined);
  });

  it("writes known_hosts lines that ssh-keygen finds", () => {
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
