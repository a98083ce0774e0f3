import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { deploy } from "../../../../provider/ssh/authorizedKeys/deploy";
import type { Credentials } from "../../../../provider/ssh/connection/credentials";
import { Deadline } from "../../../../provider/ssh/connection/deadline";
import { Login } from "../../../../provider/ssh/connection/login";
import { resolveTarget } from "../../../../provider/ssh/connection/resolveTarget";
import { testConnection } from "../../../../provider/ssh/connection/testConnection";
import { closeIdleSessions } from "../../../../provider/ssh/connection/withSession";
import { generate, type KeyMaterial } from "../../../../provider/ssh/keys";
import { makeKey } from "../../../support/sshKeygen";
import { type TestAccount, TestHost } from "../support/accounts";
import { withAgent, withAuthSock, withSilentAgent } from "../support/agent";
import { FaultServer } from "../support/faultServer";
import { fails, hello } from "../support/sessions";
import { Sshd } from "../support/sshd";

describe("Several credentials for an account", function () {
  this.timeout(300_000);
  let host: TestHost;
  let sshd: Sshd;
  let twoFactors: Sshd;
  let account: TestAccount;
  let key: KeyMaterial;
  let others: KeyMaterial[];

  before(async () => {
    host = new TestHost();
    account = host.account();
    [sshd, twoFactors] = await Promise.all([
      Sshd.start(host, { config: "MaxAuthTries 6" }),
      Sshd.start(host, { config: "MaxAuthTries 6\nAuthenticationMethods publickey,password" }),
    ]);
    [key, ...others] = (await Promise.all(Array.from({ length: 31 }, () => generate()))) as [
      KeyMaterial,
      ...KeyMaterial[],
    ];
    mkdirSync(join(account.home, ".ssh"), { mode: 0o700 });
    writeFileSync(join(account.home, ".ssh/authorized_keys"), `${key.publicKey}\n`, { mode: 0o600 });
    execFileSync("chown", ["-R", `${account.username}:`, join(account.home, ".ssh")]);
  });
  after(async () => {
    closeIdleSessions();
    await Promise.all([sshd?.stop(), twoFactors?.stop()]);
    host?.remove();
  });
  afterEach(closeIdleSessions);

  const by = (credentials: Credentials, server = sshd) => hello(server.target(account, { credentials: [credentials] }));
  const refused = (credentials: Credentials, text: RegExp, server = sshd) =>
    fails(by(credentials, server), "authentication", "authentication", text);
  /** The server's log during `work`. */
  const logOf = (server: Sshd, work: () => Promise<unknown>) =>
    server.logDuring(async () => {
      await work();
      closeIdleSessions();
    });
  const agentAnd = (password: string): Credentials => ({ agent: true, password });

  it("A right password deploys whatever the agent is: missing, dead, silent or empty", async () => {
    const credentials = [agentAnd(account.password)];
    const deployed = async () => {
      const target = { ...sshd.target(host.account()), ...sshd.target(account, { credentials }) };
      closeIdleSessions();
      return (await deploy(target, { publicKey: key.publicKey, privateKey: key.privateKey })).status;
    };
    assert.equal(await withAuthSock(undefined, deployed), "connected");
    assert.equal(await withAuthSock("", deployed), "connected");
    assert.equal(await withAuthSock(join(host.folder, "gone"), deployed), "connected");
    assert.equal(await withSilentAgent(host, deployed), "connected");
    assert.equal(await withAgent(host, [], deployed), "connected");
  });

  it("An unusable agent is named as a reason only for a failed login, with the observed fault", async () => {
    const wrong = agentAnd("not that one");
    const text = /tried once each: the password; the ssh-agent that SSH_AUTH_SOCK names cannot be reached; the server/;
    await withAuthSock(join(host.folder, "gone"), () => refused(wrong, text));
    await withAuthSock(undefined, () => refused(wrong, /the password; agent is true, but SSH_AUTH_SOCK names no/));
    await withAgent(host, [], () => refused({ agent: true }, /nothing given fits; the ssh-agent holds no key/));
    await withSilentAgent(host, () =>
      refused({ agent: true }, /the ssh-agent that SSH_AUTH_SOCK names does not answer/),
    );
    await withSilentAgent(host, async () => {
      const login = hello(sshd.target(account, { credentials: [{ agent: true }], timeout: 1 }));
      await fails(login, "timeout", "authentication", /^the ssh-agent did not answer within 1 s/);
    });
  });

  it("A right password beside an agent with ten other keys logs in, and costs no attempt", async () => {
    const log = await logOf(sshd, () =>
      withAgent(host, others.slice(0, 10), async () => {
        assert.equal((await by(agentAnd(account.password))).method, "password");
      }),
    );
    assert.doesNotMatch(log, /Failed|maximum authentication/);
  });

  it("A login that the server cuts off continues with the next credential on a new connection", async () => {
    const log = await logOf(sshd, () =>
      withAgent(host, [...others.slice(0, 8), key, ...others.slice(8, 10)], async () => {
        assert.equal((await by(agentAnd("not that one"))).method, "publickey");
      }),
    );
    assert.equal(log.match(/maximum authentication attempts/g)?.length, 1, log);
    assert.equal(log.match(/^Failed password/gm)?.length, 1, "each is tried once");
    const strict = await Sshd.start(host, { config: "MaxAuthTries 1" });
    try {
      const credentials = { privateKey: others[0]?.privateKey, password: account.password };
      assert.equal((await by(credentials, strict)).method, "password");
    } finally {
      await strict.stop();
    }
  });

  it("An untried credential is reported as such, with the number of attempts", async () => {
    await withAgent(host, others, () =>
      refused(
        { agent: true },
        /it said: Too many authentication failures\); tried once each: 18 keys of the agent; not reached after 18 attempts on 3 connections: 12 keys of the agent/,
      ),
    );
    await withAgent(host, others.slice(0, 3), () =>
      refused({ agent: true }, /tried once each: 3 keys of the agent; the/),
    );
  });

  it("A key that both the program and the agent have is offered once", async () => {
    const [other] = others as [KeyMaterial];
    const log = await logOf(sshd, () =>
      withAgent(host, [other], () =>
        refused({ privateKey: other.privateKey, agent: true }, /tried once each: the private key; the server offers/),
      ),
    );
    assert.equal(log.match(/^Failed publickey|userauth_pubkey|Connection closed/gm)?.length, 1, log);
  });

  it("A server that requires key and password gets both, also with a key of a full agent", async () => {
    const rsa = await generate({ keyType: "rsa", bits: 2048 });
    const file = join(account.home, ".ssh/authorized_keys");
    writeFileSync(file, `${key.publicKey}\n${rsa.publicKey}\n`);
    const { password } = account;
    for (const { privateKey } of [key, rsa]) {
      assert.equal((await by({ privateKey, password }, twoFactors)).said, "hello\n");
      closeIdleSessions();
      await withAgent(host, [...others.slice(0, 7), { privateKey }], async () => {
        assert.equal((await by(agentAnd(password), twoFactors)).said, "hello\n");
      });
      closeIdleSessions();
    }
  });

  it("A server that requires more than one credential is reported with the accepted one", async () => {
    const { privateKey } = key;
    const partly = /refused the login of .*; accepted, but not enough: the private key; the server offers: password/;
    await refused({ privateKey }, partly, twoFactors);
    const both =
      /accepted, but not enough: the private key; tried once each: the password; the server offers: password/;
    await refused({ privateKey, password: "not that one" }, both, twoFactors);
    await withAgent(host, [others[0] as KeyMaterial, key], () =>
      refused({ agent: true }, /accepted, but not enough: 1 key of the agent; tried once each: 1 key/, twoFactors),
    );
    await refused(
      { password: account.password },
      /not tried, since not offered: the password; .*: publickey/,
      twoFactors,
    );
  });

  it("A key without a common signature algorithm is reported as not sent", async () => {
    const target = sshd.target(account, { credentials: [{ privateKey: key.privateKey }] });
    const deadline = new Deadline("box", 10);
    const login = new Login(resolveTarget(target), deadline);
    const next = login.begin(
      () => true,
      () => {},
    );
    const ask = (offered: string[] | null) => new Promise((resolve) => next(offered, null, resolve));
    await ask(null);
    await ask(["publickey"]);
    // ssh2 calls back at once when server and key share no algorithm.
    assert.equal(await ask(["publickey"]), false);
    deadline.end();
    const text =
      /; not sent, as the server takes no signature of its kind: the private key; the server offers: publickey/;
    assert.match(login.refusal().message, text);
    assert.doesNotMatch(login.refusal().message, /tried once/);
  });

  it("An unanswerable question for the password leaves the agent's keys to try", async () => {
    const server = await new FaultServer().start();
    const accepted: string[] = [];
    server.methods = ["keyboard-interactive", "publickey"];
    server.authenticate = (context) => {
      if (context.method === "keyboard-interactive") {
        context.prompt([{ prompt: "One-time code: ", echo: true }], () => context.reject());
      } else if (context.method === "publickey") {
        accepted.push(context.method);
        context.accept();
      } else context.reject();
    };
    try {
      const target = server.target({ credentials: [agentAnd("secret")] });
      await withAgent(host, [key], async () => {
        const { phase, status } = await testConnection(target);
        assert.deepEqual([status, phase], ["connected", "session"]);
      });
      assert.ok(accepted.length > 0);
      const alone = testConnection(server.target());
      assert.match((await alone).error ?? "", /asks for more than a password \("One-time code:"\); use a key/);
    } finally {
      await server.stop();
    }
  });

  it("A connection lost during the login is not reported as a refusal", async () => {
    const server = await new FaultServer().start();
    server.authenticate = () => {
      for (const connection of server.connections) connection.end();
    };
    try {
      const { error = "" } = await testConnection(server.target());
      assert.match(error, /ended the connection while box was logging in; no answer came to: the password/);
      assert.doesNotMatch(error, /refused/);
    } finally {
      await server.stop();
    }
  });

  it("A refused password with a line break at its end gets that hint, without the password", async () => {
    const { password } = account;
    const error = await refused({ password: `${password}\n` }, /; the password given ends with a line break$/);
    assert.ok(!error.message.includes(password));
    const locked = await makeKey("-t ed25519", "open sesame");
    const login = by({ privateKey: locked.privateKey, passphrase: "open sesame\n" });
    const text = /does not open the private key; it ends with a line break/;
    assert.doesNotMatch((await fails(login, "input", undefined, text)).message, /sesame/);
  });

  it("An account without a shell is reported with the host's own message", async () => {
    for (const shell of ["/usr/sbin/nologin", "/bin/false"]) {
      const closed = host.account({ shell });
      for (const useSftpMode of [undefined, true, false]) {
        const work = deploy({ ...sshd.target(closed), useSftpMode }, { publicKey: key.publicKey });
        const words = shell.endsWith("nologin")
          ? / \(it says: This account is currently not available\.\)/
          : /SFTP|shell/;
        await fails(work, "session", "session", words);
        closeIdleSessions();
      }
    }
    writeFileSync(join(host.folder, "banner"), "Closed for maintenance until noon.\n");
    const config = `Banner ${join(host.folder, "banner")}\nDenyUsers ${account.username}`;
    const closing = await Sshd.start(host, { config });
    try {
      await refused({ password: account.password }, /its words: Closed for maintenance until noon\./, closing);
    } finally {
      await closing.stop();
    }
  });

  it("Start-up files that print text without a line break hide neither a shell nor a borg", async () => {
    const talking = host.account({ shell: "/bin/bash" });
    writeFileSync(join(talking.home, ".bashrc"), "printf 'Welcome to the box. '\n");
    const result = await testConnection(sshd.target(talking));
    assert.equal(result.access, "shell");
    const borg = execFileSync("borg", ["--version"], { encoding: "utf8" }).trim().split(" ")[1];
    assert.equal(result.remoteBorgVersion, borg);
    const echoing = host.script("echoing", '#!/bin/sh\necho "unknown command: $2"\n');
    assert.equal((await testConnection(sshd.target(host.account({ shell: echoing })))).access, "restricted");
  });
});
