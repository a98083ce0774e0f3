import { strict as assert } from "node:assert";
import * as borgbase from "../../sdk";
import { type TestAccount, TestHost } from "../provider/ssh/support/accounts";
import { Sshd } from "../provider/ssh/support/sshd";
import { startUi, type Ui } from "../support/borgUi";
import { assertOneLineError, filesWith } from "../support/output";
import { InstalledPlugin } from "../support/plugin";
import { MAIN } from "../support/project";
import { type Run, TestStack } from "../support/stack";

describe("Borg UI through the real CLI", function () {
  this.timeout(600_000);
  let ui: Ui;
  let host: TestHost;
  let sshd: Sshd;
  let account: TestAccount;
  let stack: TestStack;
  let keyType: "ed25519" | "ecdsa";
  let mountPoint: string | undefined;

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
  beforeEach(async () => {
    ui.emulator.control.reset();
    account = host.account();
    keyType = "ed25519";
    mountPoint = "/nas";
    stack = await TestStack.create(
      program,
      {},
      { "borgbase:borgUiUrl": ui.emulator.url, "borgbase:borgUiToken": ui.emulator.token },
    );
  });
  afterEach(async () => stack.close());

  /** No BorgBase token is set: none is needed. */
  async function program() {
    const systemKey = new borgbase.borgui.SystemKey("key", { keyType, forceDestroy: true });
    const connection = new borgbase.borgui.Connection("nas", {
      host: "127.0.0.1",
      port: sshd.port,
      username: account.username,
      password: account.password,
      keyId: systemKey.id,
      trustAnyHostKey: true,
      ...(mountPoint !== undefined && { mountPoint }),
    });
    const { id } = connection;
    const connections = borgbase.borgui.getConnectionsOutput({ dependsOn: [connection] });
    return { id, statuses: connections.apply((all) => all.map(({ status }) => status)) };
  }

  function worked(run: Run): Run {
    assert.ok(run.ok, run.output);
    return run;
  }

  it("Another system key replaces its connections with it, and nothing stays behind", async () => {
    worked(await stack.up());
    const [old] = await ui.console.connections();
    assert.deepEqual((await stack.outputs()).statuses?.value, ["connected"]);
    assert.deepEqual(worked(await stack.up()).steps, []);

    keyType = "ecdsa";
    const { steps } = worked(await stack.up());
    assert.deepEqual([...new Set(steps.filter(({ op }) => op === "replace").map(({ type }) => type))].sort(), [
      "borgui.Connection",
      "borgui.SystemKey",
    ]);
    const [key, ...others] = await ui.console.keys();
    assert.deepEqual([key?.key_type, others], ["ecdsa", []]);
    const rows = await ui.console.connections();
    assert.deepEqual(
      rows.map(({ ssh_key_id, status }) => [ssh_key_id, status]),
      [[key?.id, "connected"]],
    );
    assert.notEqual(rows[0]?.id, old?.id);
    worked(await stack.destroy());
    assert.deepEqual([await ui.console.connections(), await ui.console.keys()], [[], []]);
    assert.deepEqual(await filesWith(stack.folder, account.password), []);
    assert.deepEqual(await filesWith(stack.folder, ui.emulator.token), []);
  });

  it("Drift names the property, up repairs it, and a removed argument goes back to its default", async () => {
    worked(await stack.up());
    const [row] = await ui.console.connections();
    await ui.console.ask("PUT", `/api/ssh-keys/connections/${row?.id}`, { mount_point: "/other", default_path: "/x" });
    const failed = await stack.run(process.execPath, MAIN, "drift", "--json").catch((error) => error);
    assert.equal(failed.code, 2, failed.stdout + failed.stderr);
    const [drifted] = JSON.parse(failed.stdout).drifted;
    assert.deepEqual(
      [drifted.type, drifted.name, drifted.properties],
      ["borgbase:borgui:Connection", "nas", [{ property: "mountPoint", state: "/nas", actual: "/other" }]],
    );
    worked(await stack.up({ refresh: true }));
    assert.equal((await ui.console.connections())[0]?.mount_point, "/nas");
    mountPoint = undefined;
    worked(await stack.up());
    const [after] = await ui.console.connections();
    assert.deepEqual([after?.mount_point || null, after?.default_path], [null, "/x"]);
  });

  it("A refused login fails in one line, and a missing address says how to set it", async () => {
    await stack.setConfig("borgbase:borgUiToken", "borgui_no-such-token");
    const refused = await stack.up();
    assertOneLineError(refused, /Borg UI refuses the token of the Provider/);
    assert.ok(!refused.output.includes("no-such-token"));
    await stack.cli("config", "rm", "borgbase:borgUiUrl");
    assertOneLineError(await stack.up(), /No Borg UI server is set: run `pulumi config set borgbase:borgUiUrl URL`/);
  });

  it("The plugin imports a connection by its id, and a stack moves to it without a replacement", async () => {
    worked(await stack.up());
    const plugin = await InstalledPlugin.create();
    try {
      stack.env = plugin.env;
      await stack.setConfig("borgbase:plugin", "true");
      const moved = worked(await stack.up());
      assert.deepEqual([...new Set(moved.steps.map(({ op }) => op))], ["update"]);
      assert.deepEqual(worked(await stack.up()).steps, []);
      const [key] = await ui.console.keys();
      const other = host.account();
      const target = { host: "127.0.0.1", port: sshd.port, username: other.username };
      const { connection } = await ui.console.ask("POST", `/api/ssh-keys/${key?.id}/test-connection`, target);
      const id = String(connection.id);
      const type = "borgbase:borgui:Connection";
      await stack.cli("import", type, "other", id, "--yes", "--protect=false", "--generate-code=false");
      const imported = await stack.resource("borgui.Connection", "other");
      const { username, trustAnyHostKey } = imported?.inputs ?? {};
      assert.deepEqual([imported?.id, username, trustAnyHostKey], [id, other.username, true]);
    } finally {
      plugin.close();
    }
  });
});
