import { strict as assert } from "node:assert";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { generate, type KeyMaterial } from "../../provider/ssh/keys";
import type { SshConnectionArgs } from "../../sdk";
import { type TestAccount, TestHost } from "../provider/ssh/support/accounts";
import { Sshd } from "../provider/ssh/support/sshd";
import { assertOneLineError } from "../support/output";
import { authorizedKeys, byPassword, SshStack } from "../support/sshStack";

describe("Replacement of an SshConnection", function () {
  this.timeout(600_000);
  let host: TestHost;
  let account: TestAccount;
  let old: Sshd;
  let successor: Sshd;
  let stack: SshStack;
  let key: KeyMaterial;

  beforeEach(async () => {
    host = new TestHost();
    account = host.account();
    [old, successor] = await Promise.all([Sshd.start(host), Sshd.start(host)]);
    key = await generate();
    stack = await SshStack.create();
  });
  afterEach(async () => {
    await stack.close();
    await Promise.all([old.stop(), successor.stop()]);
    host.remove();
  });

  const at = (sshd: Sshd, login: TestAccount) => ({
    box: { ...byPassword(sshd, login), publicKey: key.publicKey, privateKey: key.privateKey },
  });

  async function entries() {
    const { deployment } = await stack.stack.state();
    return deployment.resources.filter(({ type }) => type === "borgbase:index:SshConnection") as { delete?: boolean }[];
  }
  const pending = async () => (await entries()).filter((entry) => entry.delete).length;

  const WAYS: [string, Partial<SshConnectionArgs>][] = [
    ['onUnreachable: "forget"', { onUnreachable: "forget" }],
    ["keepOnDelete: true", { keepOnDelete: true }],
  ];
  for (const [what, way] of WAYS) {
    it(`SshConnection replaced after its host died is released by ${what} set afterwards`, async () => {
      await stack.up(at(old, account));
      const other = at(successor, host.account());
      await old.stop();
      const line = /To give up the key there, set onUnreachable: "forget" and run `pulumi up`\./;
      assertOneLineError(await stack.tryUp(other), line);
      assert.equal(await pending(), 1);
      assertOneLineError(
        await stack.stack.destroy(),
        /set onUnreachable: "forget" for it in the program, and run `pulumi up` first/,
      );
      const box = { ...other.box, ...way };
      await stack.up({ box });
      assert.equal(await pending(), 0);
      assert.equal((await entries()).length, 1);
    });
  }

  it("SshConnection that cannot log in any more names keepOnDelete, which then lets a destroy succeed", async () => {
    const { privateKey: _, ...box } = at(old, account).box;
    await stack.up({ box });
    execFileSync("usermod", ["--password", "!", account.username]);
    assertOneLineError(
      await stack.stack.destroy(),
      /refused the login .*To leave the key there, set keepOnDelete: true for it in the program, and run `pulumi up` first/,
    );
    await stack.up({ box: { ...box, keepOnDelete: true } });
    await stack.destroy();
  });

  it("SshConnection keeps its declared line after a run killed between replacement and deletion", async () => {
    await stack.up(at(old, account));
    const before = authorizedKeys(account);
    const state = await stack.stack.state();
    const entry = state.deployment.resources.find(({ type }) => type === "borgbase:index:SshConnection");
    // The state that `--replace` of the same line leaves when the CLI dies before the deletion.
    state.deployment.resources.push({ ...entry, delete: true } as never);
    const folder = mkdtempSync(join(tmpdir(), "borgbase-state-"));
    try {
      writeFileSync(join(folder, "state.json"), JSON.stringify(state));
      await stack.stack.cli("stack", "import", "--file", join(folder, "state.json"));
    } finally {
      rmSync(folder, { recursive: true });
    }
    assert.equal(await pending(), 1);
    await stack.up();
    assert.equal(await pending(), 0);
    assert.equal(authorizedKeys(account), before);
  });
});
