import { strict as assert } from "node:assert";
import { execFileSync, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { generate, type KeyMaterial } from "../../provider/ssh/keys";
import { TestHost } from "../provider/ssh/support/accounts";
import { Sshd } from "../provider/ssh/support/sshd";
import { assertOneLineError, filesWith, holds } from "../support/output";
import { makeKey } from "../support/sshKeygen";
import { authorizedKeys, byPassword, SshStack, worked, writeAuthorizedKeys } from "../support/sshStack";

describe("Secrets and credentials of SshConnection", function () {
  this.timeout(600_000);
  let host: TestHost;
  let sshd: Sshd;
  let stack: SshStack;
  let key: KeyMaterial;
  const logins = (from: number) =>
    sshd
      .log()
      .slice(from)
      .match(/Accepted \S+ for \S+/g) ?? [];

  before(async () => {
    host = new TestHost();
    sshd = await Sshd.start(host);
    key = await generate({ comment: "ours" });
  });
  after(async () => {
    await sshd?.stop();
    host?.remove();
  });
  afterEach(async () => stack.close());

  it("SshConnection shows its secrets in no process, environment, file or output and starts no program", async () => {
    const home = mkdtempSync(join(host.folder, "home-"));
    stack = await SshStack.create({ PULUMI_HOME: home, TMPDIR: home, HOME: home });
    const [byKey, byWord] = [host.account(), host.account()];
    // Another run on this machine may give the same words to ssh-keygen in the meantime.
    const passphrase = `open sesame, ${randomBytes(8).toString("hex")}`;
    const locked = await makeKey("-t ed25519", passphrase);
    writeAuthorizedKeys(byKey, `${locked.publicKey}\n`);
    const { password: unused, ...where } = byPassword(sshd, byKey);
    const pair = { publicKey: key.publicKey, privateKey: key.privateKey };
    stack.connections = {
      byKey: { ...where, ...pair, bootstrapPrivateKey: locked.privateKey, bootstrapPassphrase: passphrase },
      byWord: { ...byPassword(sshd, byWord), ...pair, restrict: { borgServe: { path: "b" } } },
    };
    const secrets = {
      password: byWord.password,
      key: key.privateKey,
      locked: locked.privateKey,
      passphrase,
    };
    const commands = new Set<string>();
    let looks = 0;
    let done = false;
    const watching = (async () => {
      while (!done) {
        for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)) {
          const texts = ["cmdline", "environ"].map((name) => read(`/proc/${pid}/${name}`));
          for (const [what, secret] of Object.entries(secrets)) {
            assert.ok(!texts.some((text) => holds(text, secret)), `${what} in process ${pid}: ${texts[0]}`);
          }
          if (texts[1]?.includes(home)) commands.add(texts[0]?.split("\0")[0] ?? "");
        }
        looks++;
        await delay(2);
      }
    })();
    const outputs: string[] = [];
    try {
      outputs.push(worked(await stack.stack.up({ diff: true })).output);
      outputs.push(worked(await stack.stack.refresh()).output);
      stack.connections = { ...stack.connections, byWord: { ...byPassword(sshd, byWord), ...pair } };
      outputs.push(worked(await stack.stack.up({ diff: true })).output);
      outputs.push(JSON.stringify(await stack.stack.state()));
      outputs.push(worked(await stack.stack.destroy()).output);
    } finally {
      done = true;
      await watching;
    }
    assert.ok(looks > 100, `${looks} looks`);
    assert.ok(
      [...commands].some((command) => command.endsWith("pulumi")),
      "it does see the deployment",
    );
    for (const command of commands)
      assert.doesNotMatch(command, /(^|\/)(ssh|sshpass|sftp|scp|ssh-copy-id|ssh-keygen)$/);
    for (const [what, secret] of Object.entries(secrets)) {
      for (const output of outputs) assert.ok(!holds(output, secret), what);
      for (const folder of [home, stack.stack.folder]) assert.deepEqual(await filesWith(folder, secret), [], what);
    }
  });

  it("SshConnection reads the password from the variable of passwordEnv, and no state contains it", async () => {
    const account = host.account();
    stack = await SshStack.create();
    const { password, ...where } = byPassword(sshd, account);
    const box = { ...where, publicKey: key.publicKey, passwordEnv: "BOX_PASSWORD" };
    const refusal = /no way into .*: the environment variable BOX_PASSWORD \(passwordEnv\) is not set/;
    assertOneLineError(await stack.tryUp({ box }), refusal);
    assert.equal(await stack.outputs(), undefined);

    stack.stack.env = { BOX_PASSWORD: password };
    await stack.up({ box });
    assert.equal(authorizedKeys(account), `${key.publicKey}\n`);
    const { stdout } = await stack.stack.cli("stack", "export", "--show-secrets");
    assert.ok(!holds(stdout, password));

    stack.stack.env = { BOX_PASSWORD: "" };
    assertOneLineError(await stack.stack.destroy(), refusal);
    stack.stack.env = { BOX_PASSWORD: password };
    await stack.destroy();
    assert.equal(authorizedKeys(account), "");
  });

  it("SshConnection logs in with the keys of an ssh-agent or with a key deployed earlier", async () => {
    const [byAgent, already] = [host.account(), host.account()];
    const mine = await generate();
    writeAuthorizedKeys(byAgent, `${mine.publicKey}\n`);
    writeAuthorizedKeys(already, `${key.publicKey}\n`);
    const socket = join(host.folder, "agent");
    const agent = spawn("ssh-agent", ["-D", "-a", socket], { stdio: "ignore" });
    try {
      while (!existsSync(socket)) await delay(10);
      execFileSync("ssh-add", ["-q", "-"], { input: mine.privateKey, env: { ...process.env, SSH_AUTH_SOCK: socket } });
      stack = await SshStack.create({ SSH_AUTH_SOCK: socket });
      const without = (account: typeof byAgent) => ({ ...byPassword(sshd, account), password: undefined });
      const pair = { publicKey: key.publicKey, privateKey: key.privateKey };
      const before = sshd.log().length;
      await stack.up({
        byAgent: { ...without(byAgent), publicKey: key.publicKey, agent: true },
        already: { ...without(already), ...pair },
      });
      assert.equal(authorizedKeys(byAgent), `${mine.publicKey}\n${key.publicKey}\n`);
      assert.equal(authorizedKeys(already), `${key.publicKey}\n`);
      assert.ok(
        logins(before).every((line) => line.startsWith("Accepted publickey")),
        sshd.log().slice(before),
      );
      assert.equal((await stack.outputs("already"))?.status, "connected");
      await stack.destroy();
      assert.deepEqual([authorizedKeys(byAgent), authorizedKeys(already)], [`${mine.publicKey}\n`, ""]);
    } finally {
      agent.kill();
    }
  });

  it("SshConnection with its restricted key as the only credential detects drift and refuses its own removal", async () => {
    const account = host.account();
    stack = await SshStack.create();
    const where = byPassword(sshd, account);
    const box = {
      ...where,
      publicKey: key.publicKey,
      privateKey: key.privateKey,
      restrict: { borgServe: { path: "backups" } },
    };
    await stack.up({ box });
    await stack.up({ box: { ...box, password: undefined } });
    assert.equal(await stack.drift(), "");
    const line = authorizedKeys(account);
    const refused = await stack.stack.destroy();
    assertOneLineError(refused, /cannot be edited: the only way in is the key itself, which `restrict` keeps from it/);
    const { restrict: _, ...freed } = box;
    assertOneLineError(
      await stack.tryUp({ box: { ...freed, password: undefined } }),
      /the only way in is the key itself.* Give password, bootstrapPrivateKey or agent, and run `pulumi up`/,
    );
    assert.equal(authorizedKeys(account), line);
    writeAuthorizedKeys(account, "");
    assert.match(await stack.drift(), /status +: "connected" => "missing"/);
    writeAuthorizedKeys(account, line ?? "");
    await stack.up({ box });
    await stack.destroy();
    assert.equal(authorizedKeys(account), "");
  });
});

/** The content of a file; empty when its process is gone. */
function read(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return "";
  }
}
