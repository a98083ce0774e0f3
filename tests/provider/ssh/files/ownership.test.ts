import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  appendFileSync,
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { deploy, type ManagedAccount, remove } from "../../../../provider/ssh/authorizedKeys/deploy";
import { testConnection } from "../../../../provider/ssh/connection/testConnection";
import { closeIdleSessions } from "../../../../provider/ssh/connection/withSession";
import { generate, type KeyMaterial } from "../../../../provider/ssh/keys";
import { type TestAccount, TestHost } from "../support/accounts";
import { fails } from "../support/sessions";
import { Sshd } from "../support/sshd";

const WAYS = [
  { way: "SFTP", useSftpMode: true },
  { way: "a shell", useSftpMode: false },
];

describe("The owner and the mode of authorized_keys", function () {
  this.timeout(300_000);
  let host: TestHost;
  let sshd: Sshd;
  /** The central folder of keys, which the server reads beside the homes. */
  let central: string;
  let rootKeys: string;
  let admin: KeyMaterial;
  let resident: KeyMaterial;
  let key: KeyMaterial;
  let next: KeyMaterial;

  before(async () => {
    host = new TestHost();
    [admin, resident, key, next] = (await Promise.all(
      ["admin", "resident", "key", "next"].map((comment) => generate({ comment })),
    )) as [KeyMaterial, KeyMaterial, KeyMaterial, KeyMaterial];
    central = join(host.folder, "central");
    rootKeys = join(host.folder, "root-keys");
    mkdirSync(central, { mode: 0o755 });
    const config = `PermitRootLogin yes
AuthorizedKeysFile .ssh/authorized_keys ${central}/%u
Match User root
  AuthorizedKeysFile ${rootKeys}`;
    sshd = await Sshd.start(host, { config });
  });
  after(async () => {
    closeIdleSessions();
    await sshd?.stop();
    host?.remove();
  });
  beforeEach(() => writeFileSync(rootKeys, `${admin.publicKey}\n`, { mode: 0o600 }));
  afterEach(closeIdleSessions);

  const asRoot = (authorizedKeysPath: string, more: Partial<ManagedAccount> = {}): ManagedAccount => ({
    ...sshd.target({ username: "root", password: "" }),
    credentials: [{ privateKey: admin.privateKey }],
    authorizedKeysPath,
    ...more,
  });
  const asOwner = (account: TestAccount, authorizedKeysPath: string, more: Partial<ManagedAccount> = {}) => ({
    ...sshd.target(account),
    authorizedKeysPath,
    ...more,
  });
  const ids = ({ username }: TestAccount) => {
    const [uid = 0, gid = 0] = ["-u", "-g"].map((flag) => Number(execFileSync("id", [flag, username])));
    return { uid, gid };
  };
  /** Owner, group and permission bits, as text. */
  const ownershipOf = (path: string) => {
    const { uid, gid, mode } = lstatSync(path);
    return `${uid}:${gid} ${(mode & 0o7777).toString(8)}`;
  };
  function write(path: string, { uid, gid }: { uid: number; gid: number }, mode: number, keys = [resident]): void {
    writeFileSync(path, keys.map(({ publicKey }) => `${publicKey}\n`).join(""));
    chownSync(path, uid, gid);
    chmodSync(path, mode);
  }
  function sshFolder(account: TestAccount, mode = 0o700): string {
    const folder = join(account.home, ".ssh");
    mkdirSync(folder);
    chmodSync(folder, mode);
    const { uid, gid } = ids(account);
    chownSync(folder, uid, gid);
    return join(folder, "authorized_keys");
  }
  async function logsIn(account: TestAccount, with_ = resident): Promise<void> {
    const result = await testConnection(sshd.target(account, { credentials: [{ privateKey: with_.privateKey }] }));
    assert.equal(result.status, "connected", result.error);
  }

  for (const { way, useSftpMode } of WAYS) {
    describe(`over ${way}`, () => {
      /** Deploys, changes, rotates, fails a verification and removes. Each step must keep owner, mode and other keys. */
      async function livesThrough(target: ManagedAccount, path: string, account: TestAccount): Promise<void> {
        const before = [ownershipOf(path), ownershipOf(dirname(path))];
        const unchanged = async (step: string) => {
          assert.deepEqual([ownershipOf(path), ownershipOf(dirname(path))], before, step);
          assert.deepEqual(
            readdirSync(dirname(path)).filter((name) => name.includes("pulumi")),
            [],
            step,
          );
          await logsIn(account);
        };
        await logsIn(account);
        await deploy(target, { publicKey: key.publicKey });
        await unchanged("create");
        await logsIn(account, key);
        await deploy(target, { publicKey: key.publicKey, options: "no-pty" });
        await unchanged("update");
        await deploy(target, { publicKey: next.publicKey, replaces: key.publicKey });
        await unchanged("rotation");
        await logsIn(account, next);
        const denied = { publicKey: key.publicKey, privateKey: key.privateKey, options: 'from="192.0.2.1"' };
        await assert.rejects(deploy(target, denied), /it was taken off again/);
        await unchanged("roll-back");
        await remove(target, next.publicKey);
        await unchanged("destroy");
        assert.equal(readFileSync(path, "utf8"), `${resident.publicKey}\n`);
      }

      for (const mode of [0o600, 0o440]) {
        it(`Owner and mode ${mode.toString(8)} stay when root edits the file in the home of another account`, async () => {
          const account = host.account();
          const path = sshFolder(account, 0o755);
          write(path, ids(account), mode);
          await livesThrough(asRoot(path, { useSftpMode }), path, account);
        });
      }

      it("Owner and mode stay when the owner edits a readable file in a readable folder", async () => {
        const account = host.account();
        const path = sshFolder(account, 0o755);
        write(path, ids(account), 0o644);
        await livesThrough(asOwner(account, ".ssh/authorized_keys", { useSftpMode }), path, account);
      });

      it("Owner and mode stay in a central folder, for the named account and for others", async () => {
        const [named, other] = [host.account(), host.account()];
        const [path, beside] = [join(central, named.username), join(central, other.username)];
        write(path, { uid: 0, gid: 0 }, 0o644);
        write(beside, ids(other), 0o600);
        await livesThrough(asRoot(path, { useSftpMode }), path, named);
        await livesThrough(asRoot(beside, { useSftpMode }), beside, other);
        await logsIn(named);
      });

      it("Owner and mode stay behind a symbolic link", async () => {
        const account = host.account();
        const link = sshFolder(account);
        const path = join(account.home, "keys");
        write(path, ids(account), 0o640);
        symlinkSync("../keys", link);
        execFileSync("chown", ["-h", `${account.username}:`, link]);
        const before = ownershipOf(path);
        await deploy(asRoot(link, { useSftpMode }), { publicKey: key.publicKey });
        assert.deepEqual([ownershipOf(path), lstatSync(link).isSymbolicLink()], [before, true]);
        await logsIn(account, key);
      });

      it("A file and folder that root makes in a home belong to the home's owner", async () => {
        const account = host.account();
        const path = join(account.home, ".ssh/authorized_keys");
        await deploy(asRoot(path, { useSftpMode }), { publicKey: key.publicKey });
        const { uid, gid } = ids(account);
        assert.deepEqual([ownershipOf(path), ownershipOf(dirname(path))], [`${uid}:${gid} 600`, `${uid}:${gid} 700`]);
        await logsIn(account, key);
      });

      it("A new file of root in a central folder is readable for its account", async () => {
        const account = host.account();
        const path = join(central, account.username);
        const before = ownershipOf(central);
        await deploy(asRoot(path, { useSftpMode }), { publicKey: key.publicKey });
        assert.deepEqual([ownershipOf(path), ownershipOf(central)], ["0:0 644", before]);
        await logsIn(account, key);
      });

      it("Write access of others stays on a file and folder that the login does not own", async () => {
        const account = host.account();
        const path = sshFolder(account, 0o775);
        write(path, ids(account), 0o664);
        const before = [ownershipOf(path), ownershipOf(dirname(path))];
        const target = asRoot(path, { useSftpMode });
        await deploy(target, { publicKey: key.publicKey });
        await deploy(target, { publicKey: key.publicKey });
        assert.deepEqual([ownershipOf(path), ownershipOf(dirname(path))], before);
      });

      it("An edit that would change the owner is refused before any write", async () => {
        const [account, other] = [host.account(), host.account()];
        const path = sshFolder(account, 0o700);
        write(path, { ...ids(other), gid: ids(account).gid }, 0o640);
        const before = lstatSync(path);
        const work = deploy(asOwner(account, path, { useSftpMode }), { publicKey: key.publicKey });
        await fails(
          work,
          "write",
          "session",
          /is not changed: it has owner \d+, group \d+, mode 0640, and what .* gets owner/,
        );
        const after = lstatSync(path);
        assert.deepEqual([after.ino, after.ctimeMs], [before.ino, before.ctimeMs]);
        assert.deepEqual(readdirSync(dirname(path)), ["authorized_keys"]);
      });

      it("A file with several hard links is not rewritten", async () => {
        const account = host.account();
        const path = sshFolder(account);
        write(path, ids(account), 0o600);
        linkSync(path, join(account.home, "second"));
        const work = deploy(asOwner(account, path, { useSftpMode }), { publicKey: key.publicKey });
        await fails(work, "write", "session", /it has 2 names \(hard links\)/);
        assert.equal(readFileSync(path, "utf8"), `${resident.publicKey}\n`);
      });

      it(`An access control list is kept over a shell, and an edit that would lose it is refused (${way})`, async () => {
        const account = host.account();
        const path = sshFolder(account);
        write(path, ids(account), 0o600);
        execFileSync("setfacl", ["-m", "u:daemon:r", path]);
        const list = () => execFileSync("getfacl", ["-cp", path], { encoding: "utf8" });
        const before = list();
        const work = deploy(asOwner(account, path, { useSftpMode }), { publicKey: key.publicKey });
        if (useSftpMode) await fails(work, "write", "session", /it has an access control list.*useSftpMode: false/);
        else assert.equal((await work).status, "deployed");
        assert.equal(list(), before);
        assert.deepEqual(readdirSync(dirname(path)), ["authorized_keys"]);
        await logsIn(account, useSftpMode ? resident : key);
      });

      it("A link in a home that would make root write elsewhere is refused", async () => {
        const account = host.account();
        const link = sshFolder(account);
        const target = join(host.folder, `root-owned-${useSftpMode}`);
        for (const there of [true, false]) {
          if (there) write(target, { uid: 0, gid: 0 }, 0o600);
          execFileSync("sh", [
            "-c",
            'rm -f "$2"; ln -s "$1" "$2"; chown -h "$3:" "$2"',
            "sh",
            there ? target : `${target}-new`,
            link,
            account.username,
          ]);
          const work = deploy(asRoot(link, { useSftpMode }), { publicKey: key.publicKey });
          await fails(work, "write", "session", /is a symbolic link of owner \d+ to .* of owner 0/);
        }
        assert.equal(existsSync(`${target}-new`), false);
        assert.equal(readFileSync(target, "utf8"), `${resident.publicKey}\n`);
      });

      it("A linked folder in a home that would make root write elsewhere is refused", async () => {
        const account = host.account();
        const folder = join(host.folder, `root-folder-${useSftpMode}`);
        mkdirSync(folder, { mode: 0o700 });
        write(join(folder, "authorized_keys"), { uid: 0, gid: 0 }, 0o600);
        const link = join(account.home, ".ssh");
        const path = join(link, "authorized_keys");
        const work = () => deploy(asRoot(path, { useSftpMode }), { publicKey: key.publicKey });
        symlinkSync(folder, link);
        execFileSync("chown", ["-h", account.username, link]);
        await fails(work(), "write", "session", /\.ssh on .* is a symbolic link of owner \d+ to .* of owner 0/);
        assert.equal(readFileSync(path, "utf8"), `${resident.publicKey}\n`);
        assert.deepEqual(readdirSync(folder), ["authorized_keys"]);

        // A link of root is the host's own arrangement.
        execFileSync("chown", ["-h", "root", link]);
        await work();
        assert.ok(readFileSync(path, "utf8").includes(key.publicKey));
      });

      it("A device, to which a link in a home leads, is not replaced", async () => {
        const account = host.account();
        const device = join(host.folder, `null-${useSftpMode}`);
        execFileSync("mknod", ["-m", "666", device, "c", "1", "3"]);
        const link = sshFolder(account);
        symlinkSync(device, link);
        const work = deploy(asRoot(link, { useSftpMode }), { publicKey: key.publicKey });
        await fails(work, "write", "session", /null-\w+ on .* is not changed: it is no regular file/);
        assert.ok(lstatSync(device).isCharacterDevice());
      });

      it("A linked folder that does not exist is refused by that reason", async () => {
        const account = host.account();
        symlinkSync(join(host.folder, "nowhere"), join(account.home, ".ssh"));
        const work = deploy(asOwner(account, ".ssh/authorized_keys", { useSftpMode }), { publicKey: key.publicKey });
        await fails(work, "write", "session", /is a symbolic link that leads nowhere/);
      });

      it("A file that is mounted by itself is refused by that reason", async () => {
        const account = host.account();
        const path = sshFolder(account);
        const [outside] = [join(host.folder, `outside-${useSftpMode}`)];
        write(path, ids(account), 0o600);
        write(outside, ids(account), 0o600);
        execFileSync("mount", ["--bind", outside, path]);
        try {
          const work = deploy(asOwner(account, ".ssh/authorized_keys", { useSftpMode }), { publicKey: key.publicKey });
          await fails(work, "write", "session", /it is mounted by itself, .*; mount its folder instead/);
          assert.equal(readFileSync(outside, "utf8"), `${resident.publicKey}\n`);
          assert.deepEqual(readdirSync(dirname(path)), ["authorized_keys"]);
        } finally {
          execFileSync("umount", [path]);
        }
      });

      it("A deployment that fails its verification leaves no file and no folder", async () => {
        const account = host.account();
        const path = join(account.home, "a/b/authorized_keys");
        const wanted = { publicKey: key.publicKey, privateKey: key.privateKey };
        const failed = deploy(asOwner(account, "a/b/authorized_keys", { useSftpMode }), wanted);
        await fails(
          failed,
          "authentication",
          "authentication",
          /another AuthorizedKeysFile than a\/b\/authorized_keys, give that as authorizedKeysPath/,
        );
        assert.equal(existsSync(dirname(dirname(path))), false);
        mkdirSync(join(account.home, "a"));
        execFileSync("chown", [`${account.username}:`, join(account.home, "a")]);
        appendFileSync(join(account.home, "a/mine"), "");
        await assert.rejects(deploy(asOwner(account, "a/b/authorized_keys", { useSftpMode }), wanted));
        assert.deepEqual(readdirSync(join(account.home, "a")), ["mine"]);
      });

      it("An empty file from before a failed verification stays", async () => {
        const account = host.account();
        const path = sshFolder(account);
        write(path, ids(account), 0o644, []);
        const wanted = { publicKey: key.publicKey, privateKey: key.privateKey, options: 'from="192.0.2.1"' };
        const error = await deploy(asOwner(account, path, { useSftpMode }), wanted).catch((reason: Error) => reason);
        assert.ok(error instanceof Error);
        assert.doesNotMatch(error.message, /AuthorizedKeysFile/);
        assert.equal(readFileSync(path, "utf8"), "");
      });
    });
  }

  it("A path with ~/ makes no folder of that name", async () => {
    for (const { useSftpMode } of WAYS) {
      const account = host.account();
      await deploy(asOwner(account, "~/.ssh/authorized_keys", { useSftpMode }), { publicKey: key.publicKey });
      assert.equal(existsSync(join(account.home, "~")), false);
      await logsIn(account, key);
    }
  });
});
