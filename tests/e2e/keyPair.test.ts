import { strict as assert } from "node:assert";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as borgbase from "../../sdk";
import { assertOneLineError, filesWith, holds } from "../support/output";
import { inspect, type MadeKey, makeKey, reencrypt } from "../support/sshKeygen";
import { TestStack } from "../support/stack";

describe("KeyPair through the real CLI", function () {
  this.timeout(600_000);
  let scratch: string;
  let stack: TestStack;
  let pairs: Record<string, borgbase.KeyPairArgs>;
  const program = async () => {
    const outputs: Record<string, unknown> = {};
    for (const [name, args] of Object.entries(pairs)) {
      const { keyType, bits, comment, publicKey, privateKey, fingerprintSha256, fingerprintMd5 } = new borgbase.KeyPair(
        name,
        args,
      );
      outputs[name] = { keyType, bits, comment, publicKey, privateKey, fingerprintSha256, fingerprintMd5 };
    }
    return outputs;
  };

  beforeEach(async () => {
    scratch = await mkdtemp(join(tmpdir(), "borgbase-tmp-"));
    pairs = { pair: {} };
    // Neither a token nor a reachable address.
    stack = await TestStack.create(program, {
      BORGBASE_TOKEN: "",
      BORGBASE_API_TOKEN: "",
      BORGBASE_ENDPOINT: "http://127.0.0.1:9/graphql",
      TMPDIR: scratch,
    });
  });
  afterEach(async () => {
    await stack.close();
    await rm(scratch, { recursive: true, force: true });
  });

  async function up() {
    const run = await stack.up();
    assert.ok(run.ok, run.output);
    return run;
  }

  interface Pair {
    keyType: string;
    bits: number;
    comment: string;
    publicKey: string;
    privateKey: string;
    fingerprintSha256: string;
    fingerprintMd5: string;
  }

  async function outputs(): Promise<Record<string, Pair>> {
    const all = await stack.outputs();
    return Object.fromEntries(Object.entries(all).map(([name, output]) => [name, output.value as Pair]));
  }

  async function onlyPair(): Promise<Pair> {
    return (await outputs()).pair as Pair;
  }

  /** Checks that OpenSSH accepts the private key and derives the same outputs. */
  async function assertReal({ publicKey, privateKey, fingerprintSha256, fingerprintMd5 }: Pair) {
    const seen = await inspect(privateKey);
    assert.deepEqual(
      [publicKey, fingerprintSha256, fingerprintMd5],
      [seen.publicKey, seen.sha256, seen.md5],
      "as ssh-keygen -y and ssh-keygen -l print it",
    );
  }

  it("KeyPair creates a pair that ssh-keygen accepts, keeps it and updates its comment in place", async () => {
    pairs = { pair: { comment: "root@web" } };
    const created = await up();
    const first = await onlyPair();
    assert.deepEqual([first.keyType, first.bits, first.comment], ["ed25519", 256, "root@web"]);
    assert.match(first.publicKey, /^ssh-ed25519 \S+ root@web$/);
    await assertReal(first);

    assert.deepEqual((await up()).steps, []);
    const drift = await stack.drift();
    assert.ok(drift.ok, drift.output);

    pairs = { pair: { comment: "root@db" } };
    assert.deepEqual(
      (await up()).steps.map(({ op }) => op),
      ["update"],
    );
    const second = await onlyPair();
    assert.equal(second.publicKey, first.publicKey.replace("root@web", "root@db"));
    await assertReal(second);

    pairs = {};
    const deleted = await up();
    for (const { privateKey } of [first, second]) {
      assert.ok(!created.output.includes(privateKey) && !deleted.output.includes(privateKey));
      assert.deepEqual(await filesWith(scratch, privateKey), [], "nothing touches a disk");
      assert.deepEqual(await filesWith(stack.folder, privateKey), [], "the state holds it encrypted");
    }
  });

  it("KeyPair is replaced once when keyType, bits or keepers change, and keeps its key otherwise", async () => {
    const [one, other, rsa] = (
      await Promise.all(["-t ed25519", "-t ed25519", "-t rsa -b 2048"].map((o) => makeKey(o)))
    ).map(({ privateKey }) => privateKey) as [string, string, string];
    const replaced: Record<string, [borgbase.KeyPairArgs, borgbase.KeyPairArgs]> = {
      keyType: [{}, { keyType: "ecdsa" }],
      bits: [{ keyType: "ecdsa" }, { keyType: "ecdsa", bits: 384 }],
      bitsRemoved: [{ keyType: "ecdsa", bits: 521 }, { keyType: "ecdsa" }],
      firstKeepers: [{}, { keepers: { rotated: "2026-11" } }],
      keepers: [{ keepers: { rotated: "2026-11" } }, { keepers: { rotated: "2026-12" } }],
      madeToBrought: [{}, { privateKey: one }],
      brought: [{ privateKey: one }, { privateKey: other }],
      rsaToBroughtEd25519: [{ keyType: "rsa", bits: 2048 }, { privateKey: other }],
      ecdsaToBroughtRsa: [{ keyType: "ecdsa", bits: 384 }, { privateKey: rsa }],
    };
    const kept: typeof replaced = {
      nothing: [{}, {}],
      defaultSpelledOut: [{ keyType: "ecdsa" }, { keyType: "ecdsa", bits: 256 }],
      kindNoLongerSaid: [{ privateKey: rsa, keyType: "rsa", bits: 2048 }, { privateKey: rsa }],
      sameKey: [{ privateKey: one }, { privateKey: `${one.trim()}\r\n`, keyType: "ed25519", bits: 256 }],
    };
    const cases = Object.entries({ ...replaced, ...kept });
    pairs = Object.fromEntries(cases.map(([name, [before]]) => [name, before]));
    await up();
    const before = await outputs();
    pairs = Object.fromEntries(cases.map(([name, [, after]]) => [name, after]));
    const { steps } = await up();
    assert.deepEqual(
      [...new Set(steps.map(({ name }) => name))].sort(),
      Object.keys(replaced).sort(),
      "exactly these are replaced",
    );
    assert.ok(steps.every(({ op }) => /replace/.test(op)));
    const after = await outputs();
    for (const [name] of cases)
      assert.equal(after[name]?.publicKey === before[name]?.publicKey, name in kept, `${name}: another key`);
    assert.deepEqual((await up()).steps, [], "replaced once");
  });

  it("KeyPair imports keys in every format of ssh-keygen with any passphrase", async () => {
    const forms: [string, string, string][] = [
      ["openssh", "-t ed25519", ""],
      ["pem", "-t rsa -b 2048 -m PEM", ""],
      ["pkcs8", "-t ecdsa -b 521 -m PKCS8", ""],
      ["opensshEncrypted", "-t rsa -b 2048", "first phrase"],
      ["pemEncrypted", "-t ecdsa -b 384 -m PEM", "first phrase"],
      ["pkcs8Encrypted", "-t rsa -b 2048 -m PKCS8", "first phrase"],
    ];
    const made: Record<string, MadeKey> = {};
    for (const [name, options, passphrase] of forms) {
      made[name] = await makeKey(options, passphrase, "brought@along");
      pairs[name] = { privateKey: made[name].privateKey, comment: "here", ...(passphrase && { passphrase }) };
    }
    delete pairs.pair;
    await up();
    const taken = await outputs();
    for (const [name] of forms) {
      const pair = taken[name] as Pair;
      assert.equal(pair.publicKey, made[name]?.publicKey.replace("brought@along", "here"), name);
      await assertReal(pair);
    }

    // A passphrase protects only the given text: the key is the same under every passphrase.
    for (const [name, , passphrase] of forms.filter(([, , passphrase]) => passphrase)) {
      const privateKey = await reencrypt(made[name]?.privateKey ?? "", passphrase, "second phrase");
      pairs[name] = { privateKey, passphrase: "second phrase", comment: "here" };
    }
    assert.deepEqual((await up()).steps, []);
    assert.deepEqual(await outputs(), taken);
    for (const phrase of ["first phrase", "second phrase"]) assert.deepEqual(await filesWith(stack.folder, phrase), []);
  });

  it("KeyPair reports a bad argument in one line before it creates a key", async () => {
    const [open, locked] = [await makeKey("-t ed25519"), await makeKey("-t ed25519", "right phrase")];
    const cases: [borgbase.KeyPairArgs, ...RegExp[]][] = [
      [{ privateKey: locked.privateKey, passphrase: "wrong phrase" }, /passphrase does not open the private key/],
      [{ privateKey: locked.privateKey }, /protected by a passphrase, and none was given: set passphrase/],
      [{ privateKey: open.publicKey }, /not a usable private key: this is a public key/],
      [
        { privateKey: open.privateKey, keyType: "rsa", bits: 4096 },
        /keyType.*the privateKey given is ed25519/,
        /bits.*the privateKey given has 256 bits/,
      ],
      [{ keyType: "rsa", bits: 1024, comment: "two\nlines" }, /2048 to 16384 bits, not 1024/, /comment.*one line/],
      [{ keyType: "dsa" as "rsa" }, /keyType.*must be "ed25519", "rsa" or "ecdsa"/],
    ];
    for (const [args, ...patterns] of cases) {
      pairs = { pair: args };
      const run = await stack.preview();
      for (const pattern of patterns) assertOneLineError(run, pattern);
      assert.deepEqual(run.steps, []);
      for (const secret of ["wrong phrase", open.privateKey, locked.privateKey])
        assert.ok(!holds(run.output, secret), run.output);
    }
    assert.equal(await stack.resource("KeyPair", "pair"), undefined);
  });

  it("KeyPair.get is refused in one line, because a key pair cannot be read by an id", async () => {
    stack.program = async () => {
      borgbase.KeyPair.get("theirs", "SHA256:abc");
    };
    assertOneLineError(await stack.up(), /private key is kept in the state of its stack and nowhere else/);
  });
});
