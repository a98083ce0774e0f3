import { strict as assert } from "node:assert";
import { statSync } from "node:fs";
import { join } from "node:path";
import { generate, type KeyMaterial } from "../../provider/ssh/keys";
import * as borgbase from "../../sdk";
import { type TestAccount, TestHost } from "../provider/ssh/support/accounts";
import { Sshd } from "../provider/ssh/support/sshd";
import { InstalledPlugin } from "../support/plugin";
import { authorizedKeys, byPassword } from "../support/sshStack";
import { TestStack } from "../support/stack";

for (const host of ["the dynamic host", "the plugin"]) {
  describe(`SshConnections that share a file, served by ${host}`, function () {
    this.timeout(240_000);
    let machine: TestHost;
    let account: TestAccount;
    let sshd: Sshd;
    let plugin: InstalledPlugin;
    let stack: TestStack;
    let key: KeyMaterial;
    /** The program. */
    let program: () => void;

    before(async () => {
      machine = new TestHost();
      sshd = await Sshd.start(machine);
      plugin = await InstalledPlugin.create();
    });
    after(async () => {
      plugin.close();
      await sshd.stop();
      machine.remove();
    });
    beforeEach(async () => {
      account = machine.account();
      key = await generate();
      stack = await TestStack.create(async () => program(), plugin.env, {
        "borgbase:plugin": String(host === "the plugin"),
      });
    });
    afterEach(() => stack.close());

    const args = (more: Partial<borgbase.SshConnectionArgs> = {}): borgbase.SshConnectionArgs => ({
      ...byPassword(sshd, account),
      publicKey: key.publicKey,
      privateKey: key.privateKey,
      ...more,
    });
    async function up(next: () => void) {
      program = next;
      const run = await stack.up();
      assert.ok(run.ok, run.output);
    }
    const isDeployed = () => (authorizedKeys(account) ?? "").includes(key.publicKey.split(" ")[1] ?? "");

    it("The key stays when one of two resources with the same file is removed", async () => {
      const both = () => {
        new borgbase.SshConnection("one", args());
        new borgbase.SshConnection("two", args({ host: "::1" }));
      };
      await up(both);
      await up(() => void new borgbase.SshConnection("two", args({ host: "::1" })));
      assert.ok(isDeployed());
    });

    it("The key goes when one of two resources is removed and the other has an account of its own", async () => {
      const other = machine.account();
      const elsewhere = () => void new borgbase.SshConnection("two", { ...args(), ...byPassword(sshd, other) });
      await up(() => {
        new borgbase.SshConnection("one", args());
        elsewhere();
      });
      await up(elsewhere);
      assert.ok(!isDeployed());
      assert.ok(authorizedKeys(other)?.includes(key.publicKey));
    });

    it("The line stays untouched with deleteBeforeReplace, as the key may be the only way in", async () => {
      const { password: _, ...keyOnly } = args();
      const opts = { deleteBeforeReplace: true };
      await up(() => void new borgbase.SshConnection("box", args(), { ...opts, replacementTrigger: "1" }));
      const file = statSync(join(account.home, ".ssh/authorized_keys"));
      await up(() => void new borgbase.SshConnection("box", keyOnly, { ...opts, replacementTrigger: "2" }));
      assert.equal(statSync(join(account.home, ".ssh/authorized_keys")).ino, file.ino);
      const destroyed = await stack.destroy({ runProgram: true });
      assert.ok(destroyed.ok, destroyed.output);
      assert.ok(!isDeployed());
    });

    it("Two resources with one line are named in one line of the output", async () => {
      program = () => {
        // In the other order the options of "two" are foreign to "one", which refuses to take them away.
        const one = new borgbase.SshConnection("one", args());
        new borgbase.SshConnection("two", args({ restrict: { options: "no-pty" } }), { dependsOn: one });
      };
      const run = await stack.up();
      assert.match(run.output, /manages the same SshConnection .* as the resource "(one|two)" of this program/);
    });
  });
}
