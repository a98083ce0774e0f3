import assert from "node:assert/strict";
import { ProviderError } from "../../provider/errors";
import { diff, type Properties } from "../../provider/lifecycle";
import { UNKNOWN } from "../../provider/lifecycle/resource";
import { resourceOf } from "../../provider/registry";
import { generate } from "../../provider/ssh/keys";
import { makeKey, reencrypt } from "../support/sshKeygen";
import { context, differing } from "./support";

const COMPACTION = { interval: 1, unit: "weeks", hour: 3, timezone: "Europe/Berlin" };
const EU = { region: "eu" };
const REPO: Properties = {
  name: "web",
  region: "eu",
  format: "borg1",
  quota: 300,
  alertDays: 2,
  appendOnlyKeys: ["1"],
  fullAccessKeys: ["2", "3"],
  rsyncKeys: [],
  appendOnly: false,
  sftpEnabled: false,
  borgVersion: "LATEST",
  compaction: COMPACTION,
  // No request asks whether the repository holds backups.
  forceDestroy: true,
  repoPath: "ssh://abcd1234@abcd1234.repo.borgbase.com/./repo",
  server: {},
  __account: "me@example.com",
};
/** The effect in words: a name with `!` replaces the resource. */
const effectOf = (changed: string[]) =>
  changed.length
    ? `reports a ${changed[0]?.startsWith("!") ? "replacement by" : "change of"} ${changed.join(" and ").replaceAll("!", "")}`
    : "reports no change";
const may = { api: async () => ({ account: { owner: async () => "me@example.com" } }) as never };

describe("Diff of a Repo", () => {
  const zone = (timezone: string) => ({ ...COMPACTION, timezone });
  const CASES: [what: string, news: Properties, changed: string[], state?: Properties, olds?: Properties][] = [
    ["a region alone", EU, []],
    [
      "every argument with its present value",
      { ...REPO, repoPath: undefined, server: undefined, __account: undefined },
      [],
    ],
    ["another name", { ...EU, name: "mail" }, ["name"]],
    ["another region", { region: "us" }, ["!region"]],
    ["the region in another case", { region: "EU" }, []],
    ["another format", { ...EU, format: "restic" }, ["!format"]],
    ["the format in another case", { ...EU, format: "Borg1" }, []],
    ["another quota", { ...EU, quota: 301 }, ["quota"]],
    ["a quota as a sum of floats", { ...EU, quota: (0.1 + 0.2) * 1000 }, []],
    ["a quota of 0 without a quota", { ...EU, quota: 0 }, [], { quota: 0 }],
    ["other alertDays", { ...EU, alertDays: 3 }, ["alertDays"]],
    ["keys in another order and with duplicates", { ...EU, fullAccessKeys: ["3", "2", "3"] }, []],
    ["keys as numbers", { ...EU, fullAccessKeys: [2, 3] }, []],
    ["one key fewer", { ...EU, fullAccessKeys: ["3"] }, ["fullAccessKeys"]],
    ["one key more", { ...EU, appendOnlyKeys: ["1", "4"] }, ["appendOnlyKeys"]],
    ["an added rsync key", { ...EU, rsyncKeys: ["4"] }, ["rsyncKeys"]],
    ["an unknown key id", { ...EU, rsyncKeys: [UNKNOWN] }, ["rsyncKeys"]],
    ["a changed appendOnly", { ...EU, appendOnly: true }, ["appendOnly"]],
    ["a changed sftpEnabled", { ...EU, sftpEnabled: true }, ["sftpEnabled"]],
    ["another borgVersion", { ...EU, borgVersion: "V_1_2_X" }, ["borgVersion"]],
    ["the borgVersion in another case", { ...EU, borgVersion: "latest" }, []],
    ["a changed forceDestroy", { ...EU, forceDestroy: false }, ["forceDestroy"]],
    ["a changed keepOnDelete", { ...EU, keepOnDelete: true }, ["keepOnDelete"]],
    ["a keepOnDelete of false and an older state without it", { ...EU, keepOnDelete: false }, []],
    ["another compaction hour", { ...EU, compaction: { ...COMPACTION, hour: 4 } }, ["compaction"]],
    ["another compaction interval", { ...EU, compaction: { ...COMPACTION, interval: 2 } }, ["compaction"]],
    ["another compaction time zone", { ...EU, compaction: zone("Europe/Paris") }, ["compaction"]],
    ["the time zone Etc/UTC instead of UTC", { ...EU, compaction: zone("Etc/UTC") }, [], { compaction: zone("UTC") }],
    [
      "the time zone Asia/Calcutta instead of Asia/Kolkata",
      { ...EU, compaction: zone("Asia/Calcutta") },
      [],
      { compaction: zone("Asia/Kolkata") },
    ],
    [
      "the time zone Asia/Kolkata instead of Asia/Calcutta",
      { ...EU, compaction: zone("Asia/Kolkata") },
      [],
      { compaction: zone("Asia/Calcutta") },
    ],
    ["compaction while it is off", { ...EU, compaction: COMPACTION }, ["compaction"], { compaction: undefined }],
    ["a removed quota", EU, ["quota"], {}, { ...EU, quota: 300 }],
    ["a removed quota that is 0 already", EU, [], { quota: 0 }, { ...EU, quota: 300 }],
    ["a removed compaction", EU, ["compaction"], {}, { ...EU, compaction: COMPACTION }],
    ["a removed compaction that is off already", EU, [], { compaction: undefined }, { ...EU, compaction: COMPACTION }],
    ["a removed format with the default value", EU, [], {}, { ...EU, format: "borg1" }],
    ["a removed format with another value", EU, ["!format"], { format: "restic" }, { ...EU, format: "restic" }],
    ["an unknown region", { region: UNKNOWN }, ["!region"]],
    ["an unknown quota", { ...EU, quota: UNKNOWN }, ["quota"]],
    ["a quota that the program sets for the first time", { ...EU, quota: 300 }, ["quota"], { __declared: "region" }],
    ["a quota that the program set before", { ...EU, quota: 300 }, [], { __declared: "region,quota" }],
    ["a format that the program sets for the first time", { ...EU, format: "borg1" }, [], { __declared: "region" }],
    ["the same existingId", { ...EU, existingId: "abcd1234" }, [], {}, { ...EU, existingId: "abcd1234" }],
    ["an unknown existingId", { ...EU, existingId: UNKNOWN }, []],
    ["a removed existingId", EU, [], {}, { ...EU, existingId: "abcd1234" }],
  ];
  for (const [what, news, changed, state, olds] of CASES) {
    it(`Diff of a Repo ${effectOf(changed)} for ${what}`, async () => {
      const after = await differing("Repo", "abcd1234", { ...REPO, ...state }, news, olds, may);
      assert.deepEqual(after, changed);
    });
  }

  const REFUSED: [what: string, news: Properties, reason: RegExp][] = [
    [
      "the existingId of another repository",
      { ...EU, existingId: "other123" },
      /^This Repo is abcd1234, and existingId now says other123: a resource cannot become another object\./,
    ],
    [
      "the replacement of an adopted repository",
      { region: "us", existingId: "abcd1234" },
      /change of region.*remove existingId/,
    ],
  ];
  for (const [what, news, reason] of REFUSED) {
    it(`Diff of a Repo refuses ${what}`, async () => {
      await assert.rejects(
        () => diff(resourceOf("Repo"), "abcd1234", REPO, news, context(may)),
        (error) => error instanceof ProviderError && error.kind === "refused" && reason.test(error.message),
      );
    });
  }
});

describe("Diff of an SshKey", () => {
  const line = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBAt/X37WDQ3cNPEVHQBsW3lH7XPeea5rUoeXuhoTkzR";
  let other: string;
  before(async () => {
    ({ publicKey: other } = await generate());
  });
  const state = { name: "web", publicKey: line, comment: "" };
  const CASES: [what: string, news: () => Properties, changed: string[], olds?: Properties][] = [
    ["the same publicKey alone", () => ({ publicKey: line }), []],
    ["another comment", () => ({ publicKey: `${line} me@laptop` }), []],
    ["other blanks and a line break", () => ({ publicKey: `  ${line.replace(" ", "  ")}\n` }), []],
    ["another publicKey", () => ({ publicKey: other }), ["!publicKey"]],
    ["an unknown publicKey", () => ({ publicKey: UNKNOWN }), ["!publicKey"]],
    ["another name", () => ({ name: "mail", publicKey: line }), ["!name"]],
    ["the name in another case", () => ({ name: "Web", publicKey: line }), ["!name"]],
    ["a removed name", () => ({ publicKey: line }), [], { name: "web", publicKey: line }],
    ["the same existingId", () => ({ publicKey: line, existingId: "7" }), [], { publicKey: line, existingId: "7" }],
  ];
  for (const [what, news, changed, olds] of CASES) {
    it(`Diff of an SshKey ${effectOf(changed)} for ${what}`, async () => {
      assert.deepEqual(await differing("SshKey", "7", state, news(), olds, may), changed);
    });
  }
});

describe("Diff of a KeyPair", () => {
  let made: Properties;
  let brought: string;
  let state: Properties;
  before(async () => {
    made = { ...(await generate()) };
    brought = (await makeKey("-t ed25519", "one", "from elsewhere")).privateKey;
    const { type: keyType, bits, comment, publicKey, privateKey, fingerprintSha256 } = made;
    state = { keyType, bits, comment, publicKey, privateKey, fingerprintSha256 };
  });
  const CASES: [what: string, news: () => Properties, changed: string[], olds?: Properties][] = [
    ["an empty set of arguments", () => ({}), []],
    ["the same keyType and bits", () => ({ keyType: "ed25519", bits: 256 }), []],
    ["another keyType", () => ({ keyType: "rsa" }), ["!keyType"]],
    ["other bits", () => ({ keyType: "ecdsa", bits: 384 }), ["!keyType", "!bits"]],
    ["another comment", () => ({ comment: "me" }), ["comment"]],
    ["a removed comment that is empty already", () => ({}), [], { comment: "me" }],
    ["other keepers", () => ({ keepers: { rotated: "1" } }), ["!keepers"]],
    ["empty keepers", () => ({ keepers: {} }), []],
    ["its own key as privateKey", () => ({ privateKey: made.privateKey }), []],
    ["another privateKey", () => ({ privateKey: brought, passphrase: "one" }), ["!privateKey"]],
    ["a passphrase alone", () => ({ passphrase: "x" }), []],
    ["its own key with an unknown comment", () => ({ privateKey: made.privateKey, comment: UNKNOWN }), ["comment"]],
    ["its own key with an unknown passphrase", () => ({ privateKey: made.privateKey, passphrase: UNKNOWN }), []],
    [
      "an encrypted key with an unknown passphrase",
      () => ({ privateKey: brought, passphrase: UNKNOWN }),
      ["!privateKey"],
    ],
    ["an unknown privateKey", () => ({ privateKey: UNKNOWN }), ["!privateKey"]],
  ];
  for (const [what, news, changed, olds] of CASES) {
    it(`Diff of a KeyPair ${effectOf(changed)} for ${what}`, async () => {
      assert.deepEqual(await differing("KeyPair", "SHA256:x", state, news(), olds), changed);
    });
  }

  it("Diff of a KeyPair reports no change for the same private key under another passphrase", async () => {
    const { importPrivateKey } = await import("../../provider/ssh/keys/index.js");
    const { type, ...key } = importPrivateKey({ privateKey: brought, passphrase: "one" });
    const relocked = await reencrypt(brought, "one", "two");
    const news = { privateKey: relocked, passphrase: "two" };
    assert.deepEqual(await differing("KeyPair", "SHA256:x", { ...key, keyType: type }, news), []);
  });
});
