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
  // Nobody is asked whether it holds backups.
  forceDestroy: true,
  repoPath: "ssh://abcd1234@abcd1234.repo.borgbase.com/./repo",
  server: {},
  __account: "me@example.com",
};
const may = { api: async () => ({ account: { owner: async () => "me@example.com" } }) as never };

describe("diff of a Repo", () => {
  const zone = (timezone: string) => ({ ...COMPACTION, timezone });
  const CASES: [what: string, news: Properties, changed: string[], state?: Properties, olds?: Properties][] = [
    ["nothing declared", EU, []],
    ["everything declared as it is", { ...REPO, repoPath: undefined, server: undefined, __account: undefined }, []],
    ["name", { ...EU, name: "mail" }, ["name"]],
    ["region", { region: "us" }, ["!region"]],
    ["region in another case", { region: "EU" }, []],
    ["format", { ...EU, format: "restic" }, ["!format"]],
    ["format in another case", { ...EU, format: "Borg1" }, []],
    ["quota", { ...EU, quota: 301 }, ["quota"]],
    ["quota as a sum of floats", { ...EU, quota: (0.1 + 0.2) * 1000 }, []],
    ["quota 0 where there is none", { ...EU, quota: 0 }, [], { quota: 0 }],
    ["alertDays", { ...EU, alertDays: 3 }, ["alertDays"]],
    ["keys in another order, some twice", { ...EU, fullAccessKeys: ["3", "2", "3"] }, []],
    ["keys as numbers", { ...EU, fullAccessKeys: [2, 3] }, []],
    ["one key less", { ...EU, fullAccessKeys: ["3"] }, ["fullAccessKeys"]],
    ["one key more", { ...EU, appendOnlyKeys: ["1", "4"] }, ["appendOnlyKeys"]],
    ["rsyncKeys", { ...EU, rsyncKeys: ["4"] }, ["rsyncKeys"]],
    ["a key that is not known yet", { ...EU, rsyncKeys: [UNKNOWN] }, ["rsyncKeys"]],
    ["appendOnly", { ...EU, appendOnly: true }, ["appendOnly"]],
    ["sftpEnabled", { ...EU, sftpEnabled: true }, ["sftpEnabled"]],
    ["borgVersion", { ...EU, borgVersion: "V_1_2_X" }, ["borgVersion"]],
    ["borgVersion in another case", { ...EU, borgVersion: "latest" }, []],
    ["forceDestroy", { ...EU, forceDestroy: false }, ["forceDestroy"]],
    ["keepOnDelete", { ...EU, keepOnDelete: true }, ["keepOnDelete"]],
    ["keepOnDelete false, the state being older", { ...EU, keepOnDelete: false }, []],
    ["compaction: its hour", { ...EU, compaction: { ...COMPACTION, hour: 4 } }, ["compaction"]],
    ["compaction: its interval", { ...EU, compaction: { ...COMPACTION, interval: 2 } }, ["compaction"]],
    ["compaction: another time zone", { ...EU, compaction: zone("Europe/Paris") }, ["compaction"]],
    ["compaction: Etc/UTC is UTC", { ...EU, compaction: zone("Etc/UTC") }, [], { compaction: zone("UTC") }],
    [
      "compaction: Asia/Kolkata is Asia/Calcutta",
      { ...EU, compaction: zone("Asia/Calcutta") },
      [],
      { compaction: zone("Asia/Kolkata") },
    ],
    [
      "compaction: Asia/Calcutta is Asia/Kolkata",
      { ...EU, compaction: zone("Asia/Kolkata") },
      [],
      { compaction: zone("Asia/Calcutta") },
    ],
    ["compaction where there is none", { ...EU, compaction: COMPACTION }, ["compaction"], { compaction: undefined }],
    ["quota removed", EU, ["quota"], {}, { ...EU, quota: 300 }],
    ["quota removed where there is none", EU, [], { quota: 0 }, { ...EU, quota: 300 }],
    ["compaction removed", EU, ["compaction"], {}, { ...EU, compaction: COMPACTION }],
    ["compaction removed where it is off", EU, [], { compaction: undefined }, { ...EU, compaction: COMPACTION }],
    ["format removed", EU, [], {}, { ...EU, format: "borg1" }],
    ["format removed that is another", EU, ["!format"], { format: "restic" }, { ...EU, format: "restic" }],
    ["a replacing argument that is not known yet", { region: UNKNOWN }, ["!region"]],
    ["an argument that is not known yet", { ...EU, quota: UNKNOWN }, ["quota"]],
    ["declared now, the state being older", { ...EU, quota: 300 }, ["quota"], { __declared: "region" }],
    ["declared before", { ...EU, quota: 300 }, [], { __declared: "region,quota" }],
    ["a replacing one declared now", { ...EU, format: "borg1" }, [], { __declared: "region" }],
    ["existingId as it is", { ...EU, existingId: "abcd1234" }, [], {}, { ...EU, existingId: "abcd1234" }],
    ["existingId not known yet", { ...EU, existingId: UNKNOWN }, []],
    ["existingId removed", EU, [], {}, { ...EU, existingId: "abcd1234" }],
  ];
  for (const [what, news, changed, state, olds] of CASES) {
    it(`${what}: ${changed.join() || "none"}`, async () => {
      const after = await differing("Repo", "abcd1234", { ...REPO, ...state }, news, olds, may);
      assert.deepEqual(after, changed);
    });
  }

  const REFUSED: [what: string, news: Properties, reason: RegExp][] = [
    [
      "existingId of another",
      { ...EU, existingId: "other123" },
      /^This Repo is abcd1234, and existingId now says other123: a resource cannot become another object\./,
    ],
    [
      "a replacement of what is adopted",
      { region: "us", existingId: "abcd1234" },
      /change of region.*remove existingId/,
    ],
  ];
  for (const [what, news, reason] of REFUSED) {
    it(`${what} is refused`, async () => {
      await assert.rejects(
        () => diff(resourceOf("Repo"), "abcd1234", REPO, news, context(may)),
        (error) => error instanceof ProviderError && error.kind === "refused" && reason.test(error.message),
      );
    });
  }
});

describe("diff of an SshKey", () => {
  const line = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBAt/X37WDQ3cNPEVHQBsW3lH7XPeea5rUoeXuhoTkzR";
  let other: string;
  before(async () => {
    ({ publicKey: other } = await generate());
  });
  const state = { name: "web", publicKey: line, comment: "" };
  const CASES: [what: string, news: () => Properties, changed: string[], olds?: Properties][] = [
    ["nothing but the key", () => ({ publicKey: line }), []],
    ["a comment", () => ({ publicKey: `${line} me@laptop` }), []],
    ["blanks and a line break", () => ({ publicKey: `  ${line.replace(" ", "  ")}\n` }), []],
    ["another key", () => ({ publicKey: other }), ["!publicKey"]],
    ["a key that is not known yet", () => ({ publicKey: UNKNOWN }), ["!publicKey"]],
    ["name", () => ({ name: "mail", publicKey: line }), ["!name"]],
    ["name in another case", () => ({ name: "Web", publicKey: line }), ["!name"]],
    ["name removed", () => ({ publicKey: line }), [], { name: "web", publicKey: line }],
    ["existingId as it is", () => ({ publicKey: line, existingId: "7" }), [], { publicKey: line, existingId: "7" }],
  ];
  for (const [what, news, changed, olds] of CASES) {
    it(`${what}: ${changed.join() || "none"}`, async () => {
      assert.deepEqual(await differing("SshKey", "7", state, news(), olds, may), changed);
    });
  }
});

describe("diff of a KeyPair", () => {
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
    ["nothing declared", () => ({}), []],
    ["keyType as it is", () => ({ keyType: "ed25519", bits: 256 }), []],
    ["keyType", () => ({ keyType: "rsa" }), ["!keyType"]],
    ["bits", () => ({ keyType: "ecdsa", bits: 384 }), ["!keyType", "!bits"]],
    ["comment", () => ({ comment: "me" }), ["comment"]],
    ["comment removed where there is none", () => ({}), [], { comment: "me" }],
    ["keepers", () => ({ keepers: { rotated: "1" } }), ["!keepers"]],
    ["keepers that are empty", () => ({ keepers: {} }), []],
    ["its own key brought along", () => ({ privateKey: made.privateKey }), []],
    ["another key brought along", () => ({ privateKey: brought, passphrase: "one" }), ["!privateKey"]],
    ["a passphrase alone", () => ({ passphrase: "x" }), []],
    ["its own key, the comment unknown", () => ({ privateKey: made.privateKey, comment: UNKNOWN }), ["comment"]],
    ["its own key, the passphrase unknown", () => ({ privateKey: made.privateKey, passphrase: UNKNOWN }), []],
    ["a locked key, the passphrase unknown", () => ({ privateKey: brought, passphrase: UNKNOWN }), ["!privateKey"]],
    ["privateKey not known yet", () => ({ privateKey: UNKNOWN }), ["!privateKey"]],
  ];
  for (const [what, news, changed, olds] of CASES) {
    it(`${what}: ${changed.join() || "none"}`, async () => {
      assert.deepEqual(await differing("KeyPair", "SHA256:x", state, news(), olds), changed);
    });
  }

  it("the same key under another passphrase: none", async () => {
    const { importPrivateKey } = await import("../../provider/ssh/keys/index.js");
    const { type, ...key } = importPrivateKey({ privateKey: brought, passphrase: "one" });
    const relocked = await reencrypt(brought, "one", "two");
    const news = { privateKey: relocked, passphrase: "two" };
    assert.deepEqual(await differing("KeyPair", "SHA256:x", { ...key, keyType: type }, news), []);
  });
});
