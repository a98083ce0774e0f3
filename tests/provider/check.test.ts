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
/** A key of a hardware token. */
const TOKEN =
  "sk-ssh-ed25519@openssh.com AAAAGnNrLXNzaC1lZDI1NTE5QG9wZW5zc2guY29tAAAAIBAt/X37WDQ3cNPEVHQBsW3lH7XPeea5rUoeXuhoTkzRAAAABHNzaDo=";
const BOX = { host: "box.example.net", username: "me", publicKey: TOKEN, agent: true };

describe("check: what is right", () => {
  const RIGHT: [ResourceType, news: object, normalised?: object][] = [
    ["KeyPair", {}],
    ["KeyPair", { keyType: "rsa", bits: 2048, comment: "me@laptop", keepers: { rotated: "1" } }],
    ["KeyPair", { keyType: "ecdsa", bits: 521 }],
    ["SshKey", { publicKey: LINE }],
    ["SshKey", { name: "web", publicKey: `${LINE} me@laptop\n` }, { name: "web", publicKey: `${LINE} me@laptop` }],
    ["SshConnection", { ...BOX, restrict: { options: "restrict,no-touch-required,verify-required" } }],
    ["SshConnection", { ...BOX, restrict: { borgServe: { path: "backups", program: "borg-1.4" } } }],
    ["Repo", EU],
    ["Repo", { region: "mars", format: "vykar", borgVersion: undefined }, { region: "mars", format: "vykar" }],
    ["Repo", { ...EU, name: " web " }, { ...EU, name: "web" }],
    ["Repo", { ...EU, quota: (0.1 + 0.2) * 1000 }, { ...EU, quota: 300 }],
    ["Repo", { ...EU, quota: null, compaction: null }, EU],
    ["Repo", { ...EU, fullAccessKeys: ["9", 12, "9"] }, { ...EU, fullAccessKeys: ["12", "9"] }],
    ["Repo", { ...EU, keepOnDelete: true }],
    ["Repo", { ...EU, compaction: WEEKLY, appendOnly: true, sftpEnabled: false, alertDays: 0, forceDestroy: true }],
  ];
  for (const [type, news, normalised] of RIGHT) {
    it(`${type} ${JSON.stringify(news)}`, async () => {
      const { inputs, failures } = await checked(type, { ...news });
      assert.deepEqual(failures, []);
      assert.deepEqual(inputs, normalised ?? news);
    });
  }
});

describe("check: what is wrong", () => {
  const compaction = (change: object) => ({ ...EU, compaction: { ...WEEKLY, ...change } });
  const WRONG: [ResourceType, news: object, ...failures: string[]][] = [
    ["KeyPair", { keyType: "dsa" }, 'keyType: must be "ed25519", "rsa" or "ecdsa"'],
    ["KeyPair", { keyType: "dsa", bits: 1024 }, 'keyType: must be "ed25519", "rsa" or "ecdsa"'],
    ["KeyPair", { bits: 4096 }, "bits: an ed25519 key always has 256 bits; leave bits out"],
    ["KeyPair", { keyType: "rsa", bits: 1024 }, "bits: an rsa key needs 2048 to 16384 bits, not 1024"],
    ["KeyPair", { keyType: "ecdsa", bits: 512 }, "bits: an ecdsa key needs 256, 384 or 521 bits, not 512"],
    ["KeyPair", { bits: "256" }, "bits: must be a whole number"],
    ["KeyPair", { comment: "a\nb" }, "comment: the comment of a key must be one line without control characters"],
    ["KeyPair", { keepers: { a: 1 } }, "keepers: a must be a text"],
    ["SshKey", {}, "publicKey: publicKey is required"],
    ["SshKey", { publicKey: "" }, "publicKey: not a usable public key: it is empty"],
    [
      "SshKey",
      { publicKey: TOKEN },
      "publicKey: BorgBase takes no keys of hardware tokens (sk-ssh-ed25519@openssh.com), which a backup could not use: give an ed25519, ecdsa or rsa key",
    ],
    [
      "SshConnection",
      { ...BOX, restrict: { borgServe: { path: "backups", program: "borg;id" } } },
      'restrict: borgServe.program must be one word, as "borg-1.4", or an absolute path, of letters, digits and . _ + - alone',
    ],
    ["SshKey", { publicKey: LINE, name: "" }, "name: must not be empty"],
    ["SshKey", { publicKey: LINE, existingId: 7 }, "existingId: must be the id of an SSH key, as text"],
    ["Repo", {}, "region: region is required"],
    ["Repo", { region: " " }, 'region: must be a region, for example "eu"'],
    ["Repo", { ...EU, name: "" }, "name: must be a text that is not empty"],
    ["Repo", { ...EU, quota: -1 }, "quota: must not be negative"],
    ["Repo", { ...EU, quota: "5 GB" }, "quota: must be a number of MB"],
    ["Repo", { ...EU, alertDays: 1.5 }, "alertDays: must be a whole number of days"],
    ["Repo", { ...EU, fullAccessKeys: "7" }, "fullAccessKeys: must be a list of ids of SSH keys"],
    ["Repo", { ...EU, rsyncKeys: ["7", ""] }, "rsyncKeys: 1 must be the id of an SSH key"],
    ["Repo", { ...EU, appendOnly: "yes" }, "appendOnly: must be true or false"],
    ["Repo", compaction({ interval: 0 }), "compaction: interval must be at least 1"],
    ["Repo", compaction({ unit: "years" }), 'compaction: unit must be "days", "weeks" or "months"'],
    ["Repo", compaction({ hour: 24 }), "compaction: hour must be an hour from 0 to 23"],
    [
      "Repo",
      compaction({ timezone: "Mars/Olympus" }),
      'compaction: timezone must be an IANA time zone, for example "Europe/Berlin"',
    ],
    ["Repo", { ...EU, compaction: true }, "compaction: must be { interval, unit, hour, timezone }"],
    [
      "Repo",
      { ...EU, format: "restic", borgVersion: "LATEST" },
      'borgVersion: is for borg repositories only, and format is "restic": leave it out',
    ],
    ["Repo", { ...EU, fullAccessKey: ["7"] }, ": Repo has no argument fullAccessKey: did you mean fullAccessKeys?"],
    ["Repo", { ...EU, toString: "x" }, ": Repo has no argument toString"],
    ["Repo", { ...EU, colour: "red" }, ": Repo has no argument colour"],
    [
      "Repo",
      { quota: -1, alertDays: -1, name: "" },
      "name: must be a text that is not empty",
      "region: region is required",
      "quota: must not be negative",
      "alertDays: must not be negative",
    ],
  ];
  for (const [type, news, ...failures] of WRONG) {
    it(`${type} ${JSON.stringify(news)}`, async () => {
      assert.deepEqual((await checked(type, { ...news })).failures, failures);
    });
  }
});

describe("check: what is not known yet", () => {
  for (const type of Object.keys(resources) as ResourceType[]) {
    it(`${type}: any argument may be, and stays so`, async () => {
      const names = Object.keys(await resources[type].schema.fields());
      const all = Object.fromEntries(names.map((name) => [name, UNKNOWN]));
      assert.deepEqual(await checked(type, all), { inputs: all, failures: [] });
    });
  }

  const PARTLY: [ResourceType, news: object][] = [
    ["KeyPair", { keyType: UNKNOWN, bits: 4096 }],
    ["KeyPair", { keyType: "rsa", bits: UNKNOWN }],
    ["KeyPair", { privateKey: UNKNOWN, bits: 4096, keyType: "ecdsa" }],
    ["KeyPair", { privateKey: "-----BEGIN", passphrase: UNKNOWN }],
    ["SshKey", { name: "web", publicKey: UNKNOWN }],
    ["Repo", { ...EU, fullAccessKeys: ["1", UNKNOWN] }],
    ["Repo", { ...EU, compaction: { ...WEEKLY, hour: UNKNOWN } }],
    ["Repo", { ...EU, format: UNKNOWN, borgVersion: "LATEST" }],
  ];
  for (const [type, news] of PARTLY) {
    it(`${type} ${JSON.stringify(news, (_, value) => (value === UNKNOWN ? "?" : value))}`, async () => {
      assert.deepEqual(await checked(type, { ...news }), { inputs: news, failures: [] });
    });
  }
});

describe("check: secrets", () => {
  let key: KeyMaterial;
  let locked: string;
  before(async () => {
    key = await generate();
    locked = (await makeKey("-t ed25519", "open sesame")).privateKey;
  });

  const WRONG: [what: string, news: () => object, reason: RegExp][] = [
    ["no key", () => ({ privateKey: "hush-hush" }), /^: privateKey: not a usable private key: expected text/],
    ["a key cut off", () => ({ privateKey: key.privateKey.slice(0, 200) }), /^: privateKey: .*was it cut off/],
    ["no text", () => ({ privateKey: 4711 }), /^: privateKey: must be a text$/],
    ["a wrong passphrase", () => ({ privateKey: locked, passphrase: "hush-hush" }), /^: the passphrase does not open/],
    ["no passphrase", () => ({ privateKey: locked }), /^: .*set passphrase/],
    ["a misspelt name", () => ({ privatKey: key.privateKey }), /^: .*privatKey: did you mean privateKey\?$/],
  ];
  for (const [what, news, reason] of WRONG) {
    it(`${what} is reported on the whole resource, without a value`, async () => {
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

  it("what is said of a key that is brought along must be true", async () => {
    const { failures } = await checked("KeyPair", { privateKey: key.privateKey, keyType: "rsa", bits: 4096 });
    assert.deepEqual(failures, [
      "keyType: the privateKey given is ed25519: leave keyType out, or say so",
      "bits: the privateKey given has 256 bits: leave bits out, or say so",
    ]);
  });

  it("a key and its passphrase are taken", async () => {
    assert.deepEqual(
      (await checked("KeyPair", { privateKey: locked, passphrase: "open sesame", keyType: "ed25519" })).failures,
      [],
    );
  });
});

describe("check: proxyJump of an SshConnection", () => {
  const HOP = { host: "jump.example.net", username: "me", hostKey: `SHA256:${"A".repeat(43)}`, agent: true };
  const CASES: [what: string, proxyJump: unknown, ...failures: string[]][] = [
    ["one hop", HOP],
    ["a list of hops", [HOP, { ...HOP, port: 2222, password: "hush-hush" }]],
    ["no hops", []],
    ["a hop whose host key is to be shown", { ...HOP, hostKey: undefined }],
    ["no way in", { ...HOP, agent: false }, ": proxyJump has no way in: give privateKey, password or agent"],
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
    ["a misspelt argument", [{ ...HOP, pasword: "hush-hush" }], ": proxyJump[0] has no argument pasword"],
    ["a password that is no text", { ...HOP, password: 4711 }, ": proxyJump.password must be a text"],
    [
      "a text",
      "me@jump",
      ": proxyJump must be { host, port, username, hostKey, privateKey, passphrase, password, agent }",
    ],
  ];
  for (const [what, proxyJump, ...expected] of CASES) {
    it(`${what} is reported without a value, all of it together`, async () => {
      const { failures } = await checked("SshConnection", { ...BOX, proxyJump });
      assert.deepEqual(failures, expected);
    });
  }

  it("A damaged key of a hop is reported without a value", async () => {
    const { failures } = await checked("SshConnection", { ...BOX, proxyJump: [{ ...HOP, privateKey: "hush-hush" }] });
    assert.match(failures.join(), /^: proxyJump\[0\]\.privateKey not a usable private key/);
    assert.doesNotMatch(failures.join(), /hush/);
  });

  it("A private key that stands in the place of a host key is not shown", async () => {
    const { privateKey } = await generate();
    const { failures } = await checked("SshConnection", { ...BOX, hostKey: privateKey });
    assert.match(failures.join(), /^: hostKey: this is a private key/);
  });
});

describe("check: an argument that is removed", () => {
  const REMOVED: [ResourceType, olds: object, news: object, inputs: object][] = [
    ["KeyPair", { keyType: "rsa", bits: 2048 }, { keyType: "rsa" }, { keyType: "rsa", bits: 4096 }],
    ["KeyPair", { keyType: "rsa", bits: 2048 }, {}, { keyType: "ed25519", bits: 256 }],
    ["KeyPair", { comment: "me", keepers: { a: "1" } }, {}, { comment: "", keepers: {} }],
    ["KeyPair", { privateKey: "x", passphrase: "y" }, {}, {}],
    ["SshKey", { name: "mine", publicKey: LINE }, { publicKey: LINE }, { name: "web", publicKey: LINE }],
    ["SshKey", { existingId: "7", publicKey: LINE }, { publicKey: LINE }, { publicKey: LINE }],
    ["Repo", { ...EU, name: "mine", quota: 5, alertDays: 3 }, EU, { ...EU, name: "web", quota: 0, alertDays: 0 }],
    [
      "Repo",
      { ...EU, appendOnlyKeys: ["1"], fullAccessKeys: ["1"], rsyncKeys: ["1"] },
      EU,
      { ...EU, appendOnlyKeys: [], fullAccessKeys: [], rsyncKeys: [] },
    ],
    [
      "Repo",
      { ...EU, appendOnly: true, sftpEnabled: true, forceDestroy: true, keepOnDelete: true },
      EU,
      { ...EU, appendOnly: false, sftpEnabled: false, forceDestroy: false, keepOnDelete: false },
    ],
    [
      "Repo",
      { ...EU, format: "borg1", borgVersion: "V_1_2_X", compaction: WEEKLY },
      EU,
      { ...EU, format: "borg1", borgVersion: "LATEST", compaction: {} },
    ],
    ["Repo", { ...EU, compaction: {} }, EU, { ...EU, compaction: {} }],
    ["Repo", { ...EU, borgVersion: "LATEST" }, { ...EU, format: "restic" }, { ...EU, format: "restic" }],
    ["Repo", { ...EU, existingId: "abc" }, EU, EU],
    ["Repo", EU, EU, EU],
  ];
  for (const [type, olds, news, expected] of REMOVED) {
    it(`${type} ${JSON.stringify(olds).slice(0, 100)} → ${JSON.stringify(news).slice(0, 60)}`, async () => {
      const { inputs, failures } = await checked(type, { ...news }, { ...olds });
      const { __reset: _, ...declared } = inputs;
      assert.deepEqual([failures, declared], [[], expected]);
    });
  }

  it("a default name stays when the resource is renamed with an alias, however often", async () => {
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
