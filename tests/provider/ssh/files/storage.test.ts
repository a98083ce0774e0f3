import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { statfsSync } from "node:fs";
import { deploy } from "../../../../provider/ssh/authorizedKeys/deploy";
import { testConnection } from "../../../../provider/ssh/connection/testConnection";
import { closeIdleSessions } from "../../../../provider/ssh/connection/withSession";
import { SshError } from "../../../../provider/ssh/error";
import { parseDf, storage } from "../../../../provider/ssh/files/storage";
import { generate, type KeyMaterial } from "../../../../provider/ssh/keys";
import { type TestAccount, TestHost } from "../support/accounts";
import { freePort, Sshd } from "../support/sshd";

describe("Reading a host over SSH", function () {
  this.timeout(300_000);
  let host: TestHost;
  let sshd: Sshd;
  let shell: TestAccount;
  let box: TestAccount;
  let chrooted: TestAccount;
  let key: KeyMaterial;
  before(async () => {
    host = new TestHost();
    shell = host.account();
    box = host.account({ shell: host.boxShell() });
    chrooted = host.chrooted();
    const config = `Match User ${chrooted.username}\n  ForceCommand internal-sftp -d /data\n  ChrootDirectory ${chrooted.home}`;
    sshd = await Sshd.start(host, { config });
    key = await generate();
  });
  after(async () => {
    closeIdleSessions();
    await sshd?.stop();
    host?.remove();
  });
  afterEach(closeIdleSessions);

  describe("free space", () => {
    it("The free space is that of the file system, on a shell, a storage box and over SFTP alone", async () => {
      for (const account of [shell, box, chrooted]) {
        const found = await storage(sshd.target(account));
        const real = statfsSync(host.folder);
        assert.equal(found.total, real.blocks * real.bsize);
        assert.ok(Math.abs(found.available - real.bavail * real.bsize) < 50e6);
        assert.ok(found.used > 0 && found.used <= found.total);
        assert.ok(found.percentUsed >= 0 && found.percentUsed <= 100);
      }
    });

    it("The path of getStorage starts from defaultPath, is quoted, and gets the prefix when it is absolute", async () => {
      execFileSync("install", ["-d", "-o", shell.username, `${shell.home}/a b;'c`]);
      const target = sshd.target(shell);
      assert.ok((await storage({ ...target, defaultPath: shell.home }, "a b;'c")).total > 0);
      assert.ok((await storage({ ...target, sshPathPrefix: shell.home }, "/a b;'c")).total > 0);
      assert.ok((await storage({ ...target, defaultPath: "/proc" })).total !== (await storage(target)).total);
      const missing = storage(target, "/no/such; touch injected");
      await assert.rejects(missing, (error: unknown) => error instanceof SshError && /no\/such/.test(error.message));
      assert.equal(execFileSync("find", [shell.home, "-name", "injected"], { encoding: "utf8" }), "");
    });

    it("parseDf reads the output of different systems", () => {
      const GB = 1024 ** 3;
      const cases: [string, string, number, number, number][] = [
        [
          "GNU",
          "Filesystem     1024-blocks     Used Available Capacity Mounted on\n/dev/sda1         10485760  2097152   8388608      20% /",
          10 * GB,
          2 * GB,
          8 * GB,
        ],
        [
          "BusyBox",
          "Filesystem           1024-blocks    Used Available Capacity Mounted on\noverlay               10485760   2097152   8388608  20% /\n",
          10 * GB,
          2 * GB,
          8 * GB,
        ],
        [
          "Synology, long device name",
          "Filesystem           1K-blocks      Used Available Use% Mounted on\n/dev/mapper/cachedev_with_a_long_name\n                      10485760   2097152   8388608  20% /volume1\n",
          10 * GB,
          2 * GB,
          8 * GB,
        ],
        [
          "BSD with -P",
          "Filesystem 1024-blocks Used Avail Capacity  Mounted on\nzroot/usr/home/u1 10485760 2097152 8388608 20% /usr/home/u1",
          10 * GB,
          2 * GB,
          8 * GB,
        ],
        [
          "half kilobytes",
          "Filesystem   512-blocks    Used Available Capacity Mounted on\nx 20971520 4194304 16777216 20% /",
          10 * GB,
          2 * GB,
          8 * GB,
        ],
        [
          "over quota",
          "Filesystem 1024-blocks Used Available Capacity Mounted on\nu12345 10485760 10485770 -10 101% /home",
          10 * GB,
          10485770 * 1024,
          0,
        ],
        [
          "blanks and digits in names",
          "Filesystem 1024-blocks Used Available Capacity Mounted on\n//nas/share 1 2 10485760 2097152 8388608 20% /mnt/50% off",
          10 * GB,
          2 * GB,
          8 * GB,
        ],
      ];
      for (const [name, output, total, used, available] of cases) {
        const { percentUsed, ...sizes } = parseDf(output) ?? assert.fail(name);
        assert.deepEqual(sizes, { total, used, available }, name);
        assert.equal(percentUsed, Math.round((used / (used + available)) * 1000) / 10);
      }
      for (const other of ["", "Command not found", "df: /x: No such file or directory", "Filesystem 1K-blocks"]) {
        assert.equal(parseDf(other), undefined);
      }
    });
  });

  describe("a connection test", () => {
    it("A connection test reports access, latency and borg version", async () => {
      const version = execFileSync("borg", ["--version"], { encoding: "utf8" }).replace("borg ", "").trim();
      for (const [account, access, borg] of [
        [shell, "shell", version],
        [box, "restricted", version],
        [chrooted, "sftp", undefined],
      ] as const) {
        const result = await testConnection(sshd.target(account));
        assert.deepEqual(
          [result.status, result.phase, result.error],
          ["connected", "session", undefined],
          result.error,
        );
        assert.deepEqual([result.access, result.remoteBorgVersion], [access, borg]);
        assert.ok(result.latencyMs !== undefined && result.latencyMs >= 0 && result.latencyMs < 30_000);
        assert.equal(result.hostKey?.fingerprint, sshd.hostKeys[0]?.fingerprintSha256);
      }
    });

    it("A connection test with a key for borg serve alone succeeds", async () => {
      const account = host.account();
      const options = 'restrict,command="borg serve --restrict-to-path /nowhere"';
      await deploy(sshd.target(account), { publicKey: key.publicKey, privateKey: key.privateKey, options });
      const result = await testConnection(sshd.target(account, { credentials: [{ privateKey: key.privateKey }] }));
      assert.deepEqual([result.status, result.access], ["connected", "restricted"]);
    });

    it("A failed connection test reports the failed step in one line", async () => {
      const target = sshd.target(shell);
      const wrongKey = (await generate()).fingerprintSha256;
      for (const [change, phase] of [
        [{ host: "no-such-host.invalid" }, "resolve"],
        [{ port: await freePort() }, "connect"],
        [{ hostKey: wrongKey }, "hostKey"],
        [{ credentials: [{ password: "wr0ng" }] }, "authentication"],
      ] as const) {
        const result = await testConnection({ ...target, ...change });
        assert.deepEqual([result.status, result.phase], ["failed", phase]);
        assert.match(result.error ?? "", /^(?!.*wr0ng)[^\n]+$/);
      }
      await assert.rejects(
        testConnection({ ...target, username: "-V" }),
        (error: unknown) => error instanceof SshError,
      );
    });
  });
});
