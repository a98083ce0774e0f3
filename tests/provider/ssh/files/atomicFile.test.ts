import assert from "node:assert/strict";
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { KeyboardAuthContext } from "ssh2";
import { deploy, type ManagedAccount, observe, remove } from "../../../../provider/ssh/authorizedKeys/deploy";
import { findKey } from "../../../../provider/ssh/authorizedKeys/lines";
import { closeIdleSessions } from "../../../../provider/ssh/connection/withSession";
import { SshError, type SshErrorKind } from "../../../../provider/ssh/error";
import { generate, type KeyMaterial } from "../../../../provider/ssh/keys";
import { until } from "../../../support/processes";
import { type TestAccount, TestHost } from "../support/accounts";
import { CuttingProxy } from "../support/cuttingProxy";
import { FaultServer } from "../support/faultServer";
import { Sshd } from "../support/sshd";

const FOREIGN = Buffer.from(
  '# by hand \xff\r\n\nfrom="10.0.0.0/8" ssh-rsa AAAAB3 old\nno newline at the end',
  "latin1",
);
const KEPT = Buffer.concat([FOREIGN, Buffer.from("\n")]);
const PATH = ".ssh/authorized_keys";

async function fails(work: Promise<unknown>, kind: SshErrorKind, text: RegExp): Promise<void> {
  const error = await work.then(
    () => assert.fail("it succeeded"),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof SshError, String(error));
  assert.equal(error.kind, kind, error.message);
  assert.match(error.message, text);
}

describe("The authorized_keys of an account", function () {
  this.timeout(600_000);
  let keys: KeyMaterial[];
  before(async () => {
    keys = await Promise.all(Array.from({ length: 20 }, (_, index) => generate({ comment: `key ${index}` })));
  });
  after(closeIdleSessions);
  const keyAt = (index: number) => {
    const key = keys[index];
    assert.ok(key);
    return key;
  };
  /** Asserts that other lines are unchanged and that each of these keys occurs once. */
  function complete(content: Buffer, expected: KeyMaterial[]): void {
    assert.ok(content.subarray(0, KEPT.length).equals(KEPT), "lines of others are as they were");
    for (const key of expected) assert.equal(findKey(content, key).length, 1, key.comment);
    assert.equal(
      content.toString("latin1").split("\n").length,
      KEPT.toString("latin1").split("\n").length + expected.length,
    );
  }

  describe("on a real server", () => {
    let host: TestHost;
    let sshd: Sshd;
    let account: TestAccount;
    before(async () => {
      host = new TestHost();
      account = host.account();
      sshd = await Sshd.start(host);
      mkdirSync(join(account.home, ".ssh"), { mode: 0o700 });
    });
    after(async () => {
      await sshd?.stop();
      host?.remove();
    });
    const at = (path = PATH) => join(account.home, path);
    function reset(path = PATH): void {
      writeFileSync(at(path), FOREIGN, { mode: 0o600 });
      execFileSync("chown", ["-R", `${account.username}:`, join(account.home, ".ssh")]);
    }

    it("The file gets each of 20 concurrent keys exactly once, in 50 rounds", async () => {
      const target = sshd.target(account);
      for (let round = 0; round < 50; round++) {
        reset();
        await Promise.all(keys.map(({ publicKey }) => deploy(target, { publicKey })));
        complete(readFileSync(at()), keys);
      }
      await Promise.all(keys.map(({ publicKey }) => remove(target, publicKey)));
      assert.ok(readFileSync(at()).equals(KEPT));
    });

    it("The file gets one line for a key that is deployed 6 times at once", async () => {
      reset();
      const publicKey = keyAt(0).publicKey;
      await Promise.all(Array.from({ length: 6 }, () => deploy(sshd.target(account), { publicKey })));
      complete(readFileSync(at()), [keyAt(0)]);
    });

    for (const useSftpMode of [true, false]) {
      it(`The file gets every key of 4 processes that deploy 5 keys each, over ${useSftpMode ? "SFTP" : "a shell"}`, async () => {
        const paths = Array.from({ length: useSftpMode ? 50 : 8 }, (_, round) => `.ssh/round-${useSftpMode}-${round}`);
        for (const path of paths) reset(path);
        const codes = [0, 5, 10, 15].map((first) => inOtherProcess(keys.slice(first, first + 5), paths, useSftpMode));
        assert.deepEqual(await Promise.all(codes), [0, 0, 0, 0]);
        for (const path of paths) complete(readFileSync(at(path)), keys);
        assert.deepEqual(
          readdirSync(join(account.home, ".ssh")).filter((name) => name.includes("pulumi")),
          [],
        );
      });
    }

    function inOtherProcess(some: KeyMaterial[], paths: string[], useSftpMode: boolean): Promise<number | null> {
      const script = `
        const { deploy } = require(${JSON.stringify(require.resolve("../../../../provider/ssh/authorizedKeys/deploy"))});
        const { target, paths, publicKeys } = JSON.parse(process.env.DEPLOY_TEST);
        (async () => {
          for (const authorizedKeysPath of paths)
            await Promise.all(publicKeys.map((publicKey) => deploy({ ...target, authorizedKeysPath }, { publicKey })));
        })().catch((error) => { console.error(error); process.exitCode = 1; });`;
      const target: ManagedAccount = { ...sshd.target(account, { timeout: 60 }), useSftpMode };
      const publicKeys = some.map(({ publicKey }) => publicKey);
      const env = { ...process.env, DEPLOY_TEST: JSON.stringify({ target, paths, publicKeys }) };
      const child = spawn(process.execPath, ["-e", script], { env, stdio: ["ignore", "inherit", "inherit"] });
      return new Promise((resolve) => child.on("exit", resolve));
    }

    function removeLeftovers(): void {
      for (const name of readdirSync(join(account.home, ".ssh"))) {
        if (name.includes("pulumi-borgbase")) rmSync(at(`.ssh/${name}`));
      }
    }

    for (const useSftpMode of [true, false]) {
      it(`The file has its old or its new content when the connection is cut at any byte, over ${useSftpMode ? "SFTP" : "a shell"}`, async () => {
        const proxy = await new CuttingProxy(sshd.port).start();
        try {
          const target: ManagedAccount = { ...sshd.target(account, { port: proxy.port }), useSftpMode };
          const { publicKey } = keyAt(1);
          // A lock of an earlier cut would make the measured deployment wait, and send more than it needs.
          removeLeftovers();
          reset();
          await deploy(target, { publicKey });
          closeIdleSessions();
          const whole = proxy.sent;
          assert.ok(whole > 2000);
          let [old, fresh] = [0, 0];
          for (let limit = 1500; limit < whole; limit += Math.ceil((whole - 1500) / 40)) {
            removeLeftovers();
            reset();
            proxy.limit = limit;
            const cut = await deploy(target, { publicKey }).then(
              () => undefined,
              (error: unknown) => error,
            );
            assert.ok(cut === undefined || (cut instanceof SshError && cut.kind !== "timeout"), String(cut));
            closeIdleSessions();
            await until(() => !isServed(account), 60, "the server has noticed");
            const content = readFileSync(at());
            if (content.equals(FOREIGN)) old++;
            else {
              complete(content, [keyAt(1)]);
              fresh++;
            }
          }
          assert.ok(old > 3 && fresh > 0, `${old} old, ${fresh} new`);
        } finally {
          await proxy.stop();
        }
      });
    }

    it("A lock of a dead process is removed, with its temporary file", async () => {
      reset();
      for (const [name, content] of [
        ["lock", "0abc"],
        ["0abc", "half a fi"],
      ] as const) {
        writeFileSync(at(`${PATH}.pulumi-borgbase.${name}`), content);
      }
      execFileSync("chown", ["-R", `${account.username}:`, join(account.home, ".ssh")]);
      const started = Date.now();
      await Promise.all(
        keys.slice(0, 3).map(({ publicKey }) => deploy(sshd.target(account, { timeout: 40 }), { publicKey })),
      );
      assert.ok(Date.now() - started > 10_000, "a lock that may be alive is respected");
      complete(readFileSync(at()), keys.slice(0, 3));
      assert.deepEqual(
        readdirSync(join(account.home, ".ssh")).filter((name) => name.includes("pulumi")),
        [],
      );
    });
  });

  describe("on a server that fails", () => {
    let server: FaultServer;
    beforeEach(async () => {
      closeIdleSessions();
      server = await new FaultServer().start();
      server.folders.add(".ssh");
      server.files.set(PATH, FOREIGN);
    });
    afterEach(async () => {
      closeIdleSessions();
      await server.stop();
    });
    const file = () => server.files.get(PATH) ?? Buffer.alloc(0);
    const put = (more: Partial<ManagedAccount> = {}) =>
      deploy({ ...server.target(), ...more }, { publicKey: keyAt(0).publicKey });

    it("A key is deployed where the server refuses to rename over a file", async () => {
      await put();
      complete(file(), [keyAt(0)]);
      assert.deepEqual([...server.files.keys()], [PATH]);
    });

    it("A full disk keeps the old file and leaves no other", async () => {
      server.fault = (request, path) => (request === "write" && !path.endsWith("lock") ? "refuse" : undefined);
      await fails(put(), "write", /disk full or the quota/);
      assert.ok(file().equals(FOREIGN));
      assert.deepEqual([...server.files.keys()], [PATH]);
    });

    it("A disk that is full after the first part keeps the old file", async () => {
      server.files.set(PATH, Buffer.concat([Buffer.alloc(100_000, "# long\n"), KEPT]));
      const before = file();
      let writes = 0;
      server.fault = (request) => (request === "write" && ++writes > 2 ? "refuse" : undefined);
      await fails(put(), "write", /disk full/);
      assert.ok(file().equals(before));
    });

    it("A server that refuses every rename keeps the old file", async () => {
      server.fault = (request) => (request === "rename" ? "refuse" : undefined);
      await fails(put(), "write", /cannot write/);
      assert.ok(file().equals(FOREIGN));
      assert.deepEqual([...server.files.keys()], [PATH]);
    });

    it("The old file is restored when the new one cannot replace it", async () => {
      let renames = 0;
      server.fault = (request) => (request === "rename" && ++renames === 3 ? "refuse" : undefined);
      await fails(put(), "write", /cannot write/);
      assert.ok(file().equals(FOREIGN));
    });

    it("The backup of the old file is found after a connection lost during the replacement", async () => {
      let renames = 0;
      server.fault = (request) => (request === "rename" && ++renames === 2 ? "drop after" : undefined);
      await fails(put(), "session", /lost/);
      assert.equal(server.files.has(PATH), false);
      server.fault = () => undefined;
      assert.deepEqual((await observe(server.target(), keyAt(0).publicKey)).lines, []);
      for (const name of server.files.keys()) if (name.endsWith("lock")) server.files.delete(name);
      await put();
      complete(file(), [keyAt(0)]);
    });

    it("A server that falls silent during a write fails at the deadline, and the connection is closed", async () => {
      server.fault = (request, path) => (request === "write" && !path.endsWith("lock") ? "silence" : undefined);
      const started = Date.now();
      await fails(put({ timeout: 5 }), "timeout", /within 5 s, while working on the account/);
      assert.ok(Date.now() - started < 60_000);
      assert.ok(file().equals(FOREIGN));
      await until(() => server.connections.size === 0, 60, "the connection is closed");
    });

    /** An editor without the lock adds a line during the check of the new content. */
    function editMeanwhile(times: number): void {
      let edits = 0;
      server.fault = (request, path) => {
        if (request === "open" && /borgbase\.[0-9a-f]{18}$/.test(path) && server.files.has(path) && edits < times) {
          server.files.set(PATH, Buffer.concat([file(), Buffer.from(`# by hand ${edits++}\n`)]));
        }
        return undefined;
      };
    }

    it("A concurrent write of an editor without the lock is kept", async () => {
      server.files.set(PATH, KEPT);
      editMeanwhile(3);
      await put();
      const expected = `${KEPT.toString("latin1")}# by hand 0\n# by hand 1\n# by hand 2\n${keyAt(0).publicKey}\n`;
      assert.equal(file().toString("latin1"), expected);
    });

    it("Endless concurrent edits fail the deployment, which changes nothing", async () => {
      server.files.set(PATH, KEPT);
      editMeanwhile(Number.POSITIVE_INFINITY);
      await fails(put(), "conflict", /others keep changing/);
      assert.deepEqual(findKey(file(), keyAt(0)), []);
      assert.deepEqual([...server.files.keys()], [PATH]);
    });

    it("A server that loses the written content is noticed", async () => {
      server.fault = (request, path) => {
        if (request === "read" && /borgbase\.[0-9a-f]{18}$/.test(path)) server.files.set(path, Buffer.from("cut"));
        return undefined;
      };
      await fails(put(), "write", /did not keep/);
      assert.ok(file().equals(FOREIGN));
    });

    it("A folder that cannot be made is reported", async () => {
      server.folders.clear();
      server.files.clear();
      server.fault = (request) => (request === "mkdir" ? "refuse" : undefined);
      await fails(put(), "write", /\.ssh/);
    });

    describe("at login", () => {
      it("One hidden question is answered with the password, once", async () => {
        let asked = 0;
        server.authenticate = (context) => {
          if (context.method !== "keyboard-interactive") return context.reject(["keyboard-interactive"]);
          asked++;
          return (context as KeyboardAuthContext).prompt([{ prompt: "Password: ", echo: false }], (answers) =>
            answers[0] === "secret" ? context.accept() : context.reject(["keyboard-interactive"]),
          );
        };
        // The first list offers both methods of the password, which is tried once.
        const wrong = put({ credentials: [{ password: "wrong" }] });
        await fails(wrong, "authentication", /tried once each: the password/);
        assert.equal(asked, 0);
      });

      it("A server with keyboard-interactive alone gets the password, and never twice", async () => {
        let asked = 0;
        server.methods = ["keyboard-interactive"];
        server.authenticate = (context) => {
          const ask = () =>
            (context as KeyboardAuthContext).prompt([{ prompt: "Password: ", echo: false }], (answers) => {
              asked++;
              if (answers[0] === "secret") context.accept();
              else ask();
            });
          ask();
        };
        await put();
        assert.equal(asked, 1);
        closeIdleSessions();
        await fails(put({ credentials: [{ password: "wrong" }] }), "authentication", /asks again/);
        assert.equal(asked, 2);
      });

      it("A question with visible input gets no password", async () => {
        server.methods = ["keyboard-interactive"];
        let answers = 0;
        server.authenticate = (context) =>
          (context as KeyboardAuthContext).prompt([{ prompt: "One-time code: ", echo: true }], () => answers++);
        await fails(put(), "authentication", /more than a password \("One-time code:"\)/);
        assert.equal(answers, 0);
      });
    });
  });
});

/** Whether the server has a process for the account. */
function isServed({ username }: TestAccount): boolean {
  return spawnSync("pgrep", ["-u", username]).status === 0;
}
