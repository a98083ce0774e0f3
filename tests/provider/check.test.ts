import assert from "node:assert/strict";
import { UNKNOWN } from "../../provider/lifecycle/resource";
import type { ResourceType } from "../../provider/registry";
import { resources } from "../../provider/registry";
import { generate, type KeyMaterial } from "../../provider/ssh/keys";
import { makeKey } from "../support/sshKeygen";
import { checked } from "./support";

const WEEKLY = { interval: 1, unit: "weeks", hour: 3, timezone: "Europe/Berlin" };
const LINE = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBAt/X37WDQ3cNPEVHQBsW3lH7XPeea5rUoeXuhoTkzR";
const EU = { region: "eu" };
/** The public key of a hardware token. */
const TOKEN =
  "sk-ssh-ed25519@openssh.com AAAAGnNrLXNzaC1lZDI1NTE5QG9wZW5zc2guY29tAAAAIBAt/X37WDQ3cNPEVHQBsW3lH7XPeea5rUoeXuhoTkzRAAAABHNzaDo=";
const BOX = { host: "box.example.net", username: "me", publicKey: TOKEN, agent: true };

describe("Check of valid arguments", () => {
  const RIGHT: [ResourceType, what: string, news: object, normalised?: object][] = [
    ["KeyPair", "no argument", {}],
    [
      "KeyPair",
      "an rsa key pair with bits, comment and keepers",
      { keyType: "rsa", bits: 2048, comment: "me@laptop", keepers: { rotated: "1" } },
    ],
    ["KeyPair", "an ecdsa key pair with bits", { keyType: "ecdsa", bits: 521 }],
    ["SshKey", "a public key alone", { publicKey: LINE }],
    [
      "SshKey",
      "a name and trims the public key",
      { name: "web", publicKey: `${LINE} me@laptop\n` },
      { name: "web", publicKey: `${LINE} me@laptop` },
    ],
    [
      "SshConnection",
      "the key of a hardware token with its options",
      { ...BOX, restrict: { options: "restrict,no-touch-required,verify-required" } },
    ],
    [
      "SshConnection",
      "a path and program for borg serve",
      { ...BOX, restrict: { borgServe: { path: "backups", program: "borg-1.4" } } },
    ],
    ["Repo", "a region alone", EU],
    [
      "Repo",
      "an unknown region and drops an undefined argument",
      { region: "mars", format: "vykar", borgVersion: undefined },
      { region: "mars", format: "vykar" },
    ],
    ["Repo", "a name and trims it", { ...EU, name: " web " }, { ...EU, name: "web" }],
    ["Repo", "a quota and rounds it", { ...EU, quota: (0.1 + 0.2) * 1000 }, { ...EU, quota: 300 }],
    ["Repo", "null and drops it", { ...EU, quota: null, compaction: null }, EU],
    [
      "Repo",
      "key ids as numbers and sorts them as a set",
      { ...EU, fullAccessKeys: ["9", 12, "9"] },
      { ...EU, fullAccessKeys: ["12", "9"] },
    ],
    ["Repo", "keepOnDelete", { ...EU, keepOnDelete: true }],
    [
      "Repo",
      "compaction and every switch",
      { ...EU, compaction: WEEKLY, appendOnly: true, sftpEnabled: false, alertDays: 0, forceDestroy: true },
    ],
  ];
  for (const [type, what, news, normalised] of RIGHT) {
    it(`Check of ${type} accepts ${what}`, async () => {
      const { inputs, failures } = await checked(type, { ...news });
      assert.deepEqual(failures, []);
      assert.deepEqual(inputs, normalised ?? news);
    });
  }
});

describe("Check of invalid arguments", () => {
  const compaction = (change: object) => ({ ...EU, compaction: { ...WEEKLY, ...change } });
  const WRONG: [ResourceType, what: string, news: object, ...failures: string[]][] = [
    ["KeyPair", "an unknown keyType", { keyType: "dsa" }, 'keyType: must be "ed25519", "rsa" or "ecdsa"'],
    [
      "KeyPair",
      "an unknown keyType without a second error for bits",
      { keyType: "dsa", bits: 1024 },
      'keyType: must be "ed25519", "rsa" or "ecdsa"',
    ],
    [
      "KeyPair",
      "other bits for an ed25519 key",
      { bits: 4096 },
      "bits: an ed25519 key always has 256 bits; leave bits out",
    ],
    [
      "KeyPair",
      "too few bits for an rsa key",
      { keyType: "rsa", bits: 1024 },
      "bits: an rsa key needs 2048 to 16384 bits, not 1024",
    ],
    [
      "KeyPair",
      "other bits for an ecdsa key",
      { keyType: "ecdsa", bits: 512 },
      "bits: an ecdsa key needs 256, 384 or 521 bits, not 512",
    ],
    ["KeyPair", "bits as text", { bits: "256" }, "bits: must be a whole number"],
    [
      "KeyPair",
      "a comment of two lines",
      { comment: "a\nb" },
      "comment: the comment of a key must be one line without control characters",
    ],
    ["KeyPair", "a keeper that is not text", { keepers: { a: 1 } }, "keepers: a must be a text"],
    ["SshKey", "a missing publicKey", {}, "publicKey: publicKey is required"],
    ["SshKey", "an empty publicKey", { publicKey: "" }, "publicKey: not a usable public key: it is empty"],
    [
      "SshKey",
      "the key of a hardware token",
      { publicKey: TOKEN },
      "publicKey: BorgBase takes no keys of hardware tokens (sk-ssh-ed25519@openssh.com), which a backup could not use: give an ed25519, ecdsa or rsa key",
    ],
    [
      "SshConnection",
      "a shell command as the program of borg serve",
      { ...BOX, restrict: { borgServe: { path: "backups", program: "borg;id" } } },
      'restrict: borgServe.program must be one word, as "borg-1.4", or an absolute path, of letters, digits and . _ + - alone',
    ],
    ["SshKey", "an empty name", { publicKey: LINE, name: "" }, "name: must not be empty"],
    [
      "SshKey",
      "an existingId as number",
      { publicKey: LINE, existingId: 7 },
      "existingId: must be the id of an SSH key, as text",
    ],
    ["Repo", "a missing region", {}, "region: region is required"],
    ["Repo", "a blank region", { region: " " }, 'region: must be a region, for example "eu"'],
    ["Repo", "an empty name", { ...EU, name: "" }, "name: must be a text that is not empty"],
    ["Repo", "a negative quota", { ...EU, quota: -1 }, "quota: must not be negative"],
    ["Repo", "a quota with a unit", { ...EU, quota: "5 GB" }, "quota: must be a number of MB"],
    [
      "Repo",
      "a fraction of a day in alertDays",
      { ...EU, alertDays: 1.5 },
      "alertDays: must be a whole number of days",
    ],
    [
      "Repo",
      "a text instead of a list of keys",
      { ...EU, fullAccessKeys: "7" },
      "fullAccessKeys: must be a list of ids of SSH keys",
    ],
    ["Repo", "an empty key id", { ...EU, rsyncKeys: ["7", ""] }, "rsyncKeys: 1 must be the id of an SSH key"],
    ["Repo", "a text instead of a boolean", { ...EU, appendOnly: "yes" }, "appendOnly: must be true or false"],
    ["Repo", "a compaction interval of 0", compaction({ interval: 0 }), "compaction: interval must be at least 1"],
    [
      "Repo",
      "an unknown compaction unit",
      compaction({ unit: "years" }),
      'compaction: unit must be "days", "weeks" or "months"',
    ],
    ["Repo", "an hour above 23", compaction({ hour: 24 }), "compaction: hour must be an hour from 0 to 23"],
    [
      "Repo",
      "an unknown time zone",
      compaction({ timezone: "Mars/Olympus" }),
      'compaction: timezone must be an IANA time zone, for example "Europe/Berlin"',
    ],
    [
      "Repo",
      "a boolean as compaction",
      { ...EU, compaction: true },
      "compaction: must be { interval, unit, hour, timezone }",
    ],
    [
      "Repo",
      "borgVersion for a restic repository",
      { ...EU, format: "restic", borgVersion: "LATEST" },
      'borgVersion: is for borg repositories only, and format is "restic": leave it out',
    ],
    [
      "Repo",
      "a misspelt argument and suggests the right name",
      { ...EU, fullAccessKey: ["7"] },
      ": Repo has no argument fullAccessKey: did you mean fullAccessKeys?",
    ],
    ["Repo", "an argument named like a method of objects", { ...EU, toString: "x" }, ": Repo has no argument toString"],
    ["Repo", "an unknown argument", { ...EU, colour: "red" }, ": Repo has no argument colour"],
    [
      "Repo",
      "several arguments and reports them together",
      { quota: -1, alertDays: -1, name: "" },
      "name: must be a text that is not empty",
      "region: region is required",
      "quota: must not be negative",
      "alertDays: must not be negative",
    ],
  ];
  for (const [type, what, news, ...failures] of WRONG) {
    it(`Check of ${type} refuses ${what}`, async () => {
      assert.deepEqual((await checked(type, { ...news })).failures, failures);
    });
  }
});

describe("Check of unknown arguments", () => {
  for (const type of Object.keys(resources) as ResourceType[]) {
    it(`Check of ${type} accepts any argument as unknown and keeps it unknown`, async () => {
      const names = Object.keys(await resources[type].schema.fields());
      const all = Object.fromEntries(names.map((name) => [name, UNKNOWN]));
      assert.deepEqual(await checked(type, all), { inputs: all, failures: [] });
    });
  }

  const PARTLY: [ResourceType, what: string, news: object][] = [
    ["KeyPair", "bits with an unknown keyType", { keyType: UNKNOWN, bits: 4096 }],
    ["KeyPair", "an rsa key pair with unknown bits", { keyType: "rsa", bits: UNKNOWN }],
    ["KeyPair", "keyType and bits with an unknown privateKey", { privateKey: UNKNOWN, bits: 4096, keyType: "ecdsa" }],
    ["KeyPair", "a privateKey with an unknown passphrase", { privateKey: "-----BEGIN", passphrase: UNKNOWN }],
    ["SshKey", "a name with an unknown publicKey", { name: "web", publicKey: UNKNOWN }],
    ["Repo", "a list with an unknown key id", { ...EU, fullAccessKeys: ["1", UNKNOWN] }],
    ["Repo", "compaction with an unknown hour", { ...EU, compaction: { ...WEEKLY, hour: UNKNOWN } }],
    ["Repo", "borgVersion with an unknown format", { ...EU, format: UNKNOWN, borgVersion: "LATEST" }],
  ];
  for (const [type, what, news] of PARTLY) {
    it(`Check of ${type} accepts ${what}`, async () => {
      assert.deepEqual(await checked(type, { ...news }), { inputs: news, failures: [] });
    });
  }
});

describe("Check of secret arguments", () => {
  let key: KeyMaterial;
  let locked: string;
  before(async () => {
    key = await generate();
    locked = (await makeKey("-t ed25519", "open sesame")).privateKey;
  });

  const WRONG: [what: string, news: () => object, reason: RegExp][] = [
    [
      "a text that is not a key",
      () => ({ privateKey: "hush-hush" }),
      /^: privateKey: not a usable private key: expected text/,
    ],
    ["a truncated key", () => ({ privateKey: key.privateKey.slice(0, 200) }), /^: privateKey: .*was it cut off/],
    ["a key that is not text", () => ({ privateKey: 4711 }), /^: privateKey: must be a text$/],
    ["a wrong passphrase", () => ({ privateKey: locked, passphrase: "hush-hush" }), /^: the passphrase does not open/],
    ["a missing passphrase", () => ({ privateKey: locked }), /^: .*set passphrase/],
    ["a misspelt name", () => ({ privatKey: key.privateKey }), /^: .*privatKey: did you mean privateKey\?$/],
  ];
  for (const [what, news, reason] of WRONG) {
    it(`Check of KeyPair reports ${what} for the whole resource without a value`, async () => {
      const given = news();
      const { failures } = await checked("KeyPair", { ...given });
      assert.equal(failures.length, 1);
      assert.match(failures[0] as string, reason);
      const lines = Object.values(given).flatMap((value) => String(value).split("\n"));
      for (const line of lines.filter((each) => !each.startsWith("-----") && each)) {
        assert.ok(!failures[0]?.includes(line), failures[0]);
      }
    });
  }

  it("Check of KeyPair refuses a keyType and bits that contradict the given privateKey", async () => {
    const { failures } = await checked("KeyPair", { privateKey: key.privateKey, keyType: "rsa", bits: 4096 });
    assert.deepEqual(failures, [
      "keyType: the privateKey given is ed25519: leave keyType out, or say so",
      "bits: the privateKey given has 256 bits: leave bits out, or say so",
    ]);
  });

  it("Check of KeyPair accepts an encrypted privateKey with its passphrase", async () => {
    assert.deepEqual(
      (await checked("KeyPair", { privateKey: locked, passphrase: "open sesame", keyType: "ed25519" })).failures,
      [],
    );
  });
});

describe("Check of proxyJump", () => {
  const HOP = { host: "jump.example.net", username: "me", hostKey: `SHA256:${"A".repeat(43)}`, agent: true };
  const CASES: [what: string, proxyJump: unknown, ...failures: string[]][] = [
    ["one hop", HOP],
    ["a list of hops", [HOP, { ...HOP, port: 2222, password: "hush-hush" }]],
    ["an empty list of hops", []],
    ["a hop without a host key", { ...HOP, hostKey: undefined }],
    [
      "a hop without credentials",
      { ...HOP, agent: false },
      ": proxyJump has no way in: give privateKey, password or agent",
    ],
    [
      "a bad address",
      [HOP, { ...HOP, host: "me@jump", port: 0 }],
      ": proxyJump[1].host must be a host name or an IP address, and nothing else",
      ": proxyJump[1].port must be a whole number from 1 to 65535, not 0",
    ],
    [
      "a bad host key",
      [{ ...HOP, hostKey: "SHA256:abc" }],
      ': proxyJump[0].hostKey "SHA256:abc" is no SHA256 fingerprint (43 characters after SHA256:)',
    ],
    [
      "a misspelt argument without showing its value",
      [{ ...HOP, pasword: "hush-hush" }],
      ": proxyJump[0] has no argument pasword",
    ],
    ["a password that is not text", { ...HOP, password: 4711 }, ": proxyJump.password must be a text"],
    [
      "a text",
      "me@jump",
      ": proxyJump must be { host, port, username, hostKey, privateKey, passphrase, password, agent }",
    ],
  ];
  for (const [what, proxyJump, ...expected] of CASES) {
    it(`Check of proxyJump ${expected.length ? "refuses" : "accepts"} ${what}`, async () => {
      const { failures } = await checked("SshConnection", { ...BOX, proxyJump });
      assert.deepEqual(failures, expected);
    });
  }

  it("Check of proxyJump reports a damaged private key of a hop without its value", async () => {
    const { failures } = await checked("SshConnection", { ...BOX, proxyJump: [{ ...HOP, privateKey: "hush-hush" }] });
    assert.match(failures.join(), /^: proxyJump\[0\]\.privateKey not a usable private key/);
    assert.doesNotMatch(failures.join(), /hush/);
  });

  it("Check of SshConnection reports a private key given as hostKey without its value", async () => {
    const { privateKey } = await generate();
    const { failures } = await checked("SshConnection", { ...BOX, hostKey: privateKey });
    assert.match(failures.join(), /^: hostKey: this is a private key/);
  });
});

describe("Check of removed arguments", () => {
  const REMOVED: [ResourceType, what: string, olds: object, news: object, inputs: object][] = [
    [
      "KeyPair",
      "resets removed bits to the default of rsa",
      { keyType: "rsa", bits: 2048 },
      { keyType: "rsa" },
      { keyType: "rsa", bits: 4096 },
    ],
    [
      "KeyPair",
      "resets a removed keyType and bits to an ed25519 key",
      { keyType: "rsa", bits: 2048 },
      {},
      { keyType: "ed25519", bits: 256 },
    ],
    [
      "KeyPair",
      "resets a removed comment and removed keepers",
      { comment: "me", keepers: { a: "1" } },
      {},
      { comment: "", keepers: {} },
    ],
    ["KeyPair", "drops a removed privateKey and passphrase", { privateKey: "x", passphrase: "y" }, {}, {}],
    [
      "SshKey",
      "resets a removed name to the resource's name",
      { name: "mine", publicKey: LINE },
      { publicKey: LINE },
      { name: "web", publicKey: LINE },
    ],
    [
      "SshKey",
      "drops a removed existingId",
      { existingId: "7", publicKey: LINE },
      { publicKey: LINE },
      { publicKey: LINE },
    ],
    [
      "Repo",
      "resets a removed name, quota and alertDays",
      { ...EU, name: "mine", quota: 5, alertDays: 3 },
      EU,
      { ...EU, name: "web", quota: 0, alertDays: 0 },
    ],
    [
      "Repo",
      "resets removed key lists to empty lists",
      { ...EU, appendOnlyKeys: ["1"], fullAccessKeys: ["1"], rsyncKeys: ["1"] },
      EU,
      { ...EU, appendOnlyKeys: [], fullAccessKeys: [], rsyncKeys: [] },
    ],
    [
      "Repo",
      "resets removed switches to false",
      { ...EU, appendOnly: true, sftpEnabled: true, forceDestroy: true, keepOnDelete: true },
      EU,
      { ...EU, appendOnly: false, sftpEnabled: false, forceDestroy: false, keepOnDelete: false },
    ],
    [
      "Repo",
      "resets a removed borgVersion and compaction and keeps the format",
      { ...EU, format: "borg1", borgVersion: "V_1_2_X", compaction: WEEKLY },
      EU,
      { ...EU, format: "borg1", borgVersion: "LATEST", compaction: {} },
    ],
    ["Repo", "keeps a removed compaction off", { ...EU, compaction: {} }, EU, { ...EU, compaction: {} }],
    [
      "Repo",
      "drops a removed borgVersion for restic",
      { ...EU, borgVersion: "LATEST" },
      { ...EU, format: "restic" },
      { ...EU, format: "restic" },
    ],
    ["Repo", "drops a removed existingId", { ...EU, existingId: "abc" }, EU, EU],
    ["Repo", "changes no argument without a removal", EU, EU, EU],
  ];
  for (const [type, what, olds, news, expected] of REMOVED) {
    it(`Check of ${type} ${what}`, async () => {
      const { inputs, failures } = await checked(type, { ...news }, { ...olds });
      const { __reset: _, ...declared } = inputs;
      assert.deepEqual([failures, declared], [[], expected]);
    });
  }

  it("Check of Repo keeps a default name through any number of renames with an alias", async () => {
    let { inputs } = await checked("Repo", EU, { ...EU, name: "given" }, { name: "old" });
    assert.equal(inputs.name, "old");
    for (const name of ["new", "new", "newer"]) {
      ({ inputs } = await checked("Repo", EU, inputs, { name }));
      assert.equal(inputs.name, "old");
    }
    ({ inputs } = await checked("Repo", { ...EU, name: "given" }, inputs, { name: "newer" }));
    ({ inputs } = await checked("Repo", EU, inputs, { name: "newer" }));
    assert.equal(inputs.name, "newer");
  });
});
