import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startUi, type Ui } from "../../support/borgUi";
import { makeKey } from "../../support/sshKeygen";
import { authorizedKeys } from "../../support/sshStack";
import { type TestAccount, TestHost } from "../ssh/support/accounts";
import { Sshd } from "../ssh/support/sshd";
import { Run } from "./support/run";

const TYPE = "borgui.Connection";

interface Info {
  id: string;
  status: string;
  keyName?: string;
  storage?: { total: number; percentUsed: number; lastCheck?: string; totalFormatted?: string };
}

describe("Connections of a Borg UI to real hosts", function () {
  this.timeout(120_000);
  let ui: Ui;
  let host: TestHost;
  let sshd: Sshd;
  let account: TestAccount;
  let home: string;

  before(async () => {
    ui = await startUi();
    host = new TestHost();
    sshd = await Sshd.start(host);
  });
  after(async () => {
    await ui.emulator.close();
    await sshd.stop();
    host.remove();
  });
  beforeEach(() => {
    ui.emulator.control.reset();
    account = host.account();
    home = mkdtempSync(join(tmpdir(), "borgbase-home-"));
  });
  afterEach(() => rmSync(home, { recursive: true, force: true }));

  const target = () => ({ host: "127.0.0.1", port: sshd.port, username: account.username });
  const fingerprint = () => sshd.hostKeys[0]?.fingerprintSha256 ?? "";

  async function failureOf(work: Promise<unknown>): Promise<string> {
    const error = await work.then(
      () => assert.fail("it must fail"),
      (failure: Error) => failure,
    );
    assert.ok(!error.message.includes(account.password), error.message);
    return error.message;
  }

  it("A password deploys the key once, is in no state, and a wrong one leaves neither row nor line", async () => {
    await ui.console.systemKey();
    const args = { ...target(), trustAnyHostKey: true, password: account.password };
    const wrong = await failureOf(new Run(ui, home).create(TYPE, { ...args, password: "a wrong one" }));
    assert.match(wrong, /authentication failed.*Check host, username and password/);
    assert.deepEqual([await ui.console.connections(), authorizedKeys(account)], [[], undefined]);

    const { id, state } = await new Run(ui, home).create(TYPE, args);
    assert.ok(!JSON.stringify(state).includes(account.password));
    assert.equal(authorizedKeys(account)?.trim().split("\n").length, 1);
    await ui.console.ask("POST", `/api/ssh-keys/connections/${id}/refresh-storage`);
    const [info] = await new Run(ui, home).invoke<Info[]>("borgui.getConnections");
    assert.deepEqual([info?.id, info?.status, info?.keyName], [id, "connected", "System SSH Key"]);
    assert.ok((info?.storage?.total ?? 0) > 0);
    assert.match(info?.storage?.totalFormatted ?? "", /^[\d.]+ [KMGT]B$/);
  });

  it("A server that pins host keys gets no password before the host is verified", async () => {
    ui.emulator.control.setVariants({ version: "newer" });
    await ui.console.systemKey();
    const args = { ...target(), password: account.password };
    const hostKey = "SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU";
    const refused = await failureOf(new Run(ui, home).create(TYPE, { ...args, hostKey }));
    assert.ok(refused.includes(`presents ${fingerprint()} to Borg UI, which hostKey does not name`), refused);
    assert.deepEqual([await ui.console.connections(), authorizedKeys(account)], [[], undefined]);

    ui.changes();
    const { id, state } = await new Run(ui, home).create(TYPE, { ...args, hostKey: fingerprint() });
    const changes = ui.changes().map((line) => line.replace(/^\w+ \/api\/ssh-keys/, ""));
    assert.ok(changes.indexOf("/connections/*/host-key/trust") < changes.indexOf("/*/deploy"), changes.join());
    assert.equal(state.hostKey, fingerprint());
    const { trusted_fingerprint } = await ui.console.ask("GET", `/api/ssh-keys/connections/${id}/host-key`);
    assert.ok(trusted_fingerprint);
  });

  it("A server that pins none says so where trustAnyHostKey allows it", async () => {
    await ui.console.systemKey();
    const run = new Run(ui, home);
    await run.create(TYPE, {
      ...target(),
      password: account.password,
      hostKey: fingerprint(),
      trustAnyHostKey: true,
    });
    assert.match(run.lines.join(), /pins no host keys/);
  });

  it("Deployments of several keys to one account at once lose no line", async () => {
    const { generate } = await import("../../../provider/ssh/keys/index.js");
    const run = new Run(ui, home);
    const ids = await Promise.all(
      ["a", "b", "c", "d"].map(async (name) => {
        const { publicKey, privateKey } = await generate({});
        return (await run.create("borgui.Key", { publicKey, privateKey }, name)).id;
      }),
    );
    const args = { ...target(), trustAnyHostKey: true, password: account.password };
    await Promise.all(ids.map((keyId) => run.create(TYPE, { ...args, keyId }, `at-${keyId}`)));
    assert.equal(authorizedKeys(account)?.trim().split("\n").length, 4);
  });

  it("A system key is imported from a file of the server, and one that is missing there is an error", async () => {
    const made = await makeKey("-t ecdsa");
    const file = join(home, "key");
    const missing = new Run(ui, home).create("borgui.SystemKey", { privateKeyPath: file });
    await assert.rejects(missing, /private key file not found \(path \S+\)/);
    assert.deepEqual(await ui.console.keys(), []);
    writeFileSync(file, made.privateKey, { mode: 0o600 });
    writeFileSync(`${file}.pub`, `${made.publicKey}\n`);
    const { state, id, inputs } = await new Run(ui, home).create("borgui.SystemKey", { privateKeyPath: file });
    assert.deepEqual([state.publicKey, state.keyType], [made.publicKey.trim(), "ecdsa"]);
    assert.deepEqual((await new Run(ui, home).diff("borgui.SystemKey", id, state, inputs)).changed, []);
  });

  it("The server and its key are read as they are, and a test that never ended counts as failed", async () => {
    const run = new Run(ui, home);
    const server = await run.invoke<{ version: string; plan: string; features: string[] }>("borgui.getServer");
    assert.deepEqual([server.version, server.plan], ["2.3.0-alpha.1", "community"]);
    await assert.rejects(run.invoke("borgui.getSystemKey"), /has no system key/);
    const key = await ui.console.systemKey();
    const path = `/api/ssh-keys/${key.id}/test-connection`;
    ui.emulator.control.addFault({ kind: "crash", operation: "POST /api/ssh-keys/*/test-connection" });
    ui.emulator.control.setClock(new Date(Date.now() - 120_000).toISOString());
    await ui.console.ask("POST", path, target()).catch(() => {});
    ui.emulator.control.setClock(null);
    const told = await run.invoke<{ publicKey: string; connectionCount: number }>("borgui.getSystemKey");
    assert.deepEqual([told.publicKey, told.connectionCount], [key.public_key, 1]);
    assert.equal((await ui.console.connections())[0]?.status, "testing");
    const [cut] = await run.invoke<Info[]>("borgui.getConnections");
    assert.equal(cut?.status, "failed");
  });
});
