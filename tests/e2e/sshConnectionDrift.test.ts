import { strict as assert } from "node:assert";
import { generate, type KeyMaterial } from "../../provider/ssh/keys";
import { type TestAccount, TestHost } from "../provider/ssh/support/accounts";
import { freePort, Sshd } from "../provider/ssh/support/sshd";
import { assertOneLineError } from "../support/output";
import { authorizedKeys, byPassword, SshStack, stepsOf, worked, writeAuthorizedKeys } from "../support/sshStack";
import type { Run } from "../support/stack";

describe("SshConnection and changes outside the program", function () {
  this.timeout(600_000);
  let host: TestHost;
  let stack: SshStack;
  let key: KeyMaterial;
  let other: KeyMaterial;
  let servers: Sshd[];
  const pair = () => ({ publicKey: key.publicKey, privateKey: key.privateKey });
  const fingerprint = (sshd: Sshd) => sshd.hostKeys[0]?.fingerprintSha256 ?? "";

  async function serve(options: Parameters<typeof Sshd.start>[1] = {}): Promise<Sshd> {
    const sshd = await Sshd.start(host, options);
    servers.push(sshd);
    return sshd;
  }
  const everyone = <T>(make: () => T, ...names: string[]) =>
    Object.fromEntries(names.map((name) => [name, make()])) as Record<string, T>;

  before(async () => {
    host = new TestHost();
    [key, other] = await Promise.all([generate({ comment: "ours" }), generate({ comment: "theirs" })]);
  });
  after(() => host?.remove());
  beforeEach(async () => {
    servers = [];
    stack = await SshStack.create();
  });
  afterEach(async () => {
    await stack.close();
    await Promise.all(servers.map((sshd) => sshd.stop()));
  });

  it("SshConnection shows drift exactly, keeps it until the next up and corrects it alone", async () => {
    const sshd = await serve();
    const names = ["gone", "loosened", "doubled", "neighbour", "keyless"] as const;
    const accounts = everyone(() => host.account(), ...names) as Record<(typeof names)[number], TestAccount>;
    const restrict = { borgServe: { path: "backups" } };
    const options = 'restrict,command="borg serve --restrict-to-path backups"';
    await stack.up({
      gone: { ...byPassword(sshd, accounts.gone), ...pair() },
      loosened: { ...byPassword(sshd, accounts.loosened), ...pair(), restrict },
      doubled: { ...byPassword(sshd, accounts.doubled), ...pair(), restrict },
      neighbour: { ...byPassword(sshd, accounts.neighbour), ...pair() },
      keyless: { ...byPassword(sshd, accounts.keyless), publicKey: key.publicKey },
    });
    const edited = {
      gone: `# by hand\n${other.publicKey}`,
      loosened: `${key.publicKey}\n${other.publicKey}\n`,
      doubled: `${options} ${key.publicKey}\n${key.publicKey}\n`,
      neighbour: `no-pty ${other.publicKey}\n${key.publicKey}\n`,
      keyless: "",
    };
    for (const name of names) writeAuthorizedKeys(accounts[name], edited[name]);

    const drift = await stack.drift();
    const shown = new Map(
      drift
        .split(/(?=~ borgbase:index:SshConnection: )/)
        .map((part) => [
          /::SshConnection::(\w+)\]|urn=.*::(\w+)\]/.exec(part)?.slice(1).find(Boolean) ?? "",
          [...part.matchAll(/^ {6}[~+-] (\w+)\s*:/gm)].map((match) => match[1]),
        ]),
    );
    const what = (name: string) => shown.get(name);
    assert.deepEqual([what("gone"), what("keyless")], [["status"], ["status"]], drift);
    assert.deepEqual([what("loosened"), what("doubled")], [["restrict"], ["restrict"]], drift);
    assert.equal(what("neighbour"), undefined, drift);
    await stack.refresh();
    for (const name of names) assert.equal(authorizedKeys(accounts[name]), edited[name]);

    const repair = await stack.up();
    assert.deepEqual(stepsOf(repair), ["update doubled", "update gone", "update keyless", "update loosened"]);
    assert.deepEqual(Object.fromEntries(names.map((name) => [name, authorizedKeys(accounts[name])])), {
      gone: `# by hand\n${other.publicKey}\n${key.publicKey}\n`,
      loosened: `${options} ${key.publicKey}\n${other.publicKey}\n`,
      doubled: `${options} ${key.publicKey}\n`,
      neighbour: edited.neighbour,
      keyless: `${key.publicKey}\n`,
    });
    assert.equal(await stack.drift(), "");
    assert.deepEqual(
      [(await stack.outputs("gone"))?.status, (await stack.outputs("keyless"))?.status],
      ["connected", "deployed"],
    );
  });

  it("SshConnection shows options of others without the values of environment variables", async () => {
    const sshd = await serve();
    const account = host.account();
    await stack.up({ box: { ...byPassword(sshd, account), ...pair() } });
    writeAuthorizedKeys(account, `from="127.0.0.1",environment="TOKEN=hidden-value" ${key.publicKey}\n`);
    const drift = await stack.drift();
    assert.match(drift, /from=.*environment=/);
    await stack.refresh();
    assert.doesNotMatch(drift + JSON.stringify(await stack.outputs()), /hidden-value/);
    await stack.up();
    assert.equal(authorizedKeys(account), `${key.publicKey}\n`);
  });

  it("SshConnection fails for an unreachable host alone and forgets the host only with onUnreachable", async () => {
    const [up, down] = [await serve(), await serve()];
    const accounts = { up: host.account(), down: host.account(), forgotten: host.account() };
    await stack.up({
      up: { ...byPassword(up, accounts.up), ...pair() },
      down: { ...byPassword(down, accounts.down), ...pair() },
      forgotten: { ...byPassword(down, accounts.forgotten), ...pair(), onUnreachable: "forget" },
    });
    await down.stop();
    writeAuthorizedKeys(accounts.up, "");
    const refresh = await stack.stack.refresh();
    assertOneLineError(refresh, new RegExp(`cannot connect to 127.0.0.1:${down.port}.*connection refused`));
    const statuses = ["up", "down", "forgotten"].map(async (name) => (await stack.outputs(name))?.status);
    assert.deepEqual(
      await Promise.all(statuses),
      ["missing", "connected", "connected"],
      "the reachable one was refreshed",
    );

    const destroy = await stack.stack.destroy({ continueOnError: true });
    assertOneLineError(destroy, new RegExp(`cannot connect to 127.0.0.1:${down.port}`));
    assert.match(destroy.output, /127\.0\.0\.1 cannot be reached, so the key SHA256:\S+ is forgotten and stays there/);
    const left = ["up", "down", "forgotten"].map(async (name) => (await stack.outputs(name)) !== undefined);
    assert.deepEqual(await Promise.all(left), [false, true, false]);
  });

  it("SshConnection stops every operation at a changed host key until a new hostKey accepts it", async () => {
    const [old, steady] = [await serve(), await serve()];
    const names = ["pinned", "trusted", "lost", "forgetting", "steady"] as const;
    const accounts = everyone(() => host.account(), ...names) as Record<(typeof names)[number], TestAccount>;
    const trusting = (account: TestAccount) => {
      const { hostKey, ...where } = byPassword(old, account);
      return { ...where, ...pair(), trustOnFirstUse: true };
    };
    const connections = {
      pinned: { ...byPassword(old, accounts.pinned), ...pair() },
      trusted: trusting(accounts.trusted),
      lost: trusting(accounts.lost),
      forgetting: { ...byPassword(old, accounts.forgetting), ...pair(), onUnreachable: "forget" as const },
      steady: { ...byPassword(steady, accounts.steady), ...pair() },
    };
    await stack.up(connections);
    writeAuthorizedKeys(accounts.lost, "");
    await stack.refresh();
    await old.stop();
    const renewed = await serve({ port: old.port });
    const changed = ["pinned", "trusted", "lost", "forgetting"] as const;
    const both = [fingerprint(renewed), fingerprint(old)].map((text) => new RegExp(text.replace(/[+/]/g, "\\$&")));
    /** Checks that exactly the changed hosts fail, each with both fingerprints. */
    const assertRefused = ({ ok, output }: Run) => {
      assert.ok(!ok);
      for (const name of changed) {
        const [, reason = ""] = new RegExp(`SshConnection \\(${name}\\):\\n +error: (.*)`).exec(output) ?? [];
        assert.ok(
          both.every((pattern) => pattern.test(reason)),
          `${name}: ${output}`,
        );
      }
      assert.doesNotMatch(output, /SshConnection \(steady\):|^\s+at .*\/provider\//m);
    };

    assertRefused(await stack.stack.refresh());
    // The lost key needs a repair and the others have new options, so each of them contacts its host.
    const restrict = { options: "no-pty" };
    const edited = Object.fromEntries(changed.map((name) => [name, { ...connections[name], restrict }]));
    stack.connections = { ...connections, ...edited, lost: connections.lost };
    assertRefused(await stack.stack.up({ continueOnError: true }));
    assertRefused(await stack.stack.destroy({ continueOnError: true }));
    for (const name of changed) assert.ok(await stack.outputs(name), `${name} stays in the state`);
    assert.equal(await stack.outputs("steady"), undefined);
    assert.doesNotMatch(renewed.log(), /Accepted|Failed/, "no login was tried");

    const hostKey = fingerprint(renewed);
    await stack.up(Object.fromEntries(changed.map((name) => [name, { ...connections[name], hostKey }])));
    assert.equal(authorizedKeys(accounts.lost), `${key.publicKey}\n`);
    for (const name of changed) assert.equal((await stack.outputs(name))?.hostKeyFingerprint, hostKey);
    await stack.destroy();
    for (const name of changed) assert.equal(authorizedKeys(accounts[name]), "");
  });

  it("SshConnection follows a host from one accepted host key to the next and updates knownHosts", async () => {
    const port = await freePort();
    const old = await serve({ port });
    const account = host.account();
    // Both host keys are accepted in advance, as before an announced change.
    const next = await serve();
    const hostKey = [...old.hostKeys, ...next.hostKeys].map(({ fingerprintSha256 }) => fingerprintSha256);
    await stack.up({ box: { ...byPassword(old, account), ...pair(), hostKey } });
    await old.stop();
    const renewed = await serve({ port, keysOf: next });
    await stack.refresh();
    const { hostKeyFingerprint, knownHosts } = (await stack.outputs()) ?? {};
    assert.equal(hostKeyFingerprint, fingerprint(renewed));
    assert.ok(String(knownHosts).includes(renewed.hostKeys[0]?.blob ?? "-"), String(knownHosts));
    assert.equal(await stack.drift(), "");
    assert.deepEqual(stepsOf(worked(await stack.stack.preview())), []);
    const { hostKey: _, ...unpinned } = byPassword(renewed, account);
    assert.deepEqual(stepsOf(await stack.up({ box: { ...unpinned, ...pair() } })), ["update box"]);
    const { hostKey: removed, knownHosts: pinned } = (await stack.outputs()) ?? {};
    assert.deepEqual([removed, pinned], [undefined, knownHosts], "what was seen stays pinned");
  });
});
