import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { compactRepo, encryption, stopAllBelow, usage } from "../../../emulator/storage";
import { type ClientKey, Lab, noise, type Result, run, until } from "./support";

function succeeds({ code, stderr, stdout }: Result): string {
  equal(code, 0, stderr);
  return stdout;
}

describe("Emulator storage: contents of a borg repository", function () {
  this.timeout(60_000);
  const lab = new Lab();
  let key: ClientKey;
  let limited: ClientKey;
  const keys = () => ({ full: [key], appendOnly: [limited], rsync: [] });
  const passphrase = { BORG_PASSPHRASE: "secret", BORG_NEW_PASSPHRASE: "secret" };
  const borg = (args: string[], input?: Buffer) =>
    run("borg", args, { env: { ...lab.borgEnv(key), ...passphrase }, ...(input && { input }) });

  before(async () => {
    await lab.start();
    key = await lab.key("full");
    limited = await lab.key("limited");
  });
  after(() => lab.stop());

  for (const mode of [
    "none",
    "authenticated",
    "authenticated-blake2",
    "keyfile",
    "keyfile-blake2",
    "repokey",
    "repokey-blake2",
  ]) {
    it(`A repository reports the encryption mode of borg init -e ${mode}`, async () => {
      const repo = lab.add(`enc${mode.replace(/[^a-z0-9]/g, "")}`.padEnd(8, "0").slice(-8), { keys: keys() });
      equal(await encryption(repo), "none", "before it is initialised");
      succeeds(await borg(["init", "-e", mode, lab.url(repo.id)]));
      equal(await encryption(repo), mode);
    });
  }

  it("A repository reports its mode after backups and compaction, and reports none for damaged data", async () => {
    const repo = lab.add("encmodes", { keys: keys() });
    succeeds(await borg(["init", "-e", "repokey-blake2", lab.url(repo.id)]));
    for (const name of ["a", "b"]) succeeds(await borg(["create", `${lab.url(repo.id)}::${name}`, "-"], noise(1e5)));
    succeeds(await borg(["delete", `${lab.url(repo.id)}::a`]));
    succeeds(await borg(["compact", "--threshold", "0", lab.url(repo.id)]));
    equal(await encryption(repo), "repokey-blake2");
    const folder = join(repo.dir, "repo", "data", "0");
    for (const name of readdirSync(folder)) writeFileSync(join(folder, name), noise(300));
    equal(await encryption(repo), "none");
    equal(await encryption({ ...repo, format: "restic" }), "none");
  });

  it("A compaction frees deleted data without the passphrase, including data deleted by an append-only key", async () => {
    const repo = lab.add("compact1", { keys: keys(), appendOnly: true });
    succeeds(await borg(["init", "-e", "repokey", lab.url(repo.id)]));
    succeeds(await borg(["create", "-C", "none", `${lab.url(repo.id)}::a`, "-"], noise(3e6)));
    succeeds(await borg(["create", "-C", "none", `${lab.url(repo.id)}::b`, "-"], noise(1e6, 5)));
    succeeds(await borg(["delete", `${lab.url(repo.id)}::a`]));
    ok((await usage(repo)).currentUsageMb > 4);
    const lines: string[] = [];
    await compactRepo(repo, (line) => lines.push(line));
    await until("the end of the compaction", () => lines.length > 0, 30_000);
    deepEqual(lines, ["borg compact compact1 ended with 0"]);
    const { currentUsageMb } = await usage(repo);
    ok(currentUsageMb < 2, String(currentUsageMb));
    match(succeeds(await borg(["list", "--short", lab.url(repo.id)])), /^b$/m);
    succeeds(await borg(["check", lab.url(repo.id)]));
    deepEqual(readdirSync(repo.dir), ["repo"], "borg left nothing of its own beside the repository");
  });

  it("A compaction waits for a running backup and ends with the emulator", async () => {
    const repo = lab.add("compact2", { keys: keys() });
    succeeds(await borg(["init", "-e", "none", lab.url(repo.id)]));
    const client = await lab.stalledBackup(key, repo);
    const lines: string[] = [];
    await compactRepo(repo, (line) => lines.push(line));
    await until("a waiting compaction", () => lab.serving(repo) === 2);
    await stopAllBelow(lab.root);
    equal(lab.serving(repo), 0);
    await until("its end in the log", () => lines.length > 0);
    client.kill("SIGKILL");
  });

  it("A compaction of an uninitialised repository does nothing, and a compaction without borg reports that", async () => {
    const repo = lab.add("compact3", { keys: keys() });
    await compactRepo(repo, () => {
      throw new Error("nothing to say");
    });
    mkdirSync(join(repo.dir, "repo"), { recursive: true });
    writeFileSync(join(repo.dir, "repo", "config"), "");
    const { PATH } = process.env;
    process.env.PATH = lab.root;
    const compacted = compactRepo(repo, () => {});
    process.env.PATH = PATH;
    await rejects(compacted, /borg is not installed/);
  });

  it("An error of borg shows no path of the server", async () => {
    const repo = lab.add("hidden01", { keys: keys() });
    succeeds(await borg(["init", "-e", "none", lab.url(repo.id)]));
    for (const path of ["/./other", "/etc", "/./repo/../..", "/./repo2"]) {
      const { code, stderr, stdout } = await borg(["info", lab.url(repo.id, path)]);
      equal(code, 2);
      match(stderr, /Repository path not allowed/);
      ok(!`${stderr}${stdout}`.includes(lab.root), stderr);
    }
    const client = await lab.stalledBackup(key, repo);
    const locked = await borg(["create", "--lock-wait", "1", `${lab.url(repo.id)}::x`, "-"], noise(10));
    client.kill("SIGKILL");
    match(locked.stderr, /Failed to create\/acquire the lock/);
    ok(!locked.stderr.includes(lab.root), locked.stderr);
  });

  it("Backed-up data that contains the server's path is restored unchanged", async () => {
    const repo = lab.add("hidden02", { keys: keys() });
    succeeds(await borg(["init", "-e", "none", lab.url(repo.id)]));
    const text = Buffer.from(`exception_class ${repo.dir} `.repeat(5000));
    succeeds(await borg(["create", "-C", "none", `${lab.url(repo.id)}::a`, "-"], text));
    equal(succeeds(await borg(["extract", "--stdout", `${lab.url(repo.id)}::a`])), text.toString());
  });
});

describe("Emulator storage: SFTP to a repository", function () {
  this.timeout(60_000);
  const lab = new Lab();
  let key: ClientKey;
  let limited: ClientKey;
  const keys = () => ({ full: [key], appendOnly: [limited], rsync: [] });
  before(async () => {
    await lab.start();
    key = await lab.key("full");
    limited = await lab.key("limited");
  });
  after(() => lab.stop());

  /** The real sftp with commands as a person types them. */
  const sftp = (who: ClientKey, id: string, commands: string[], path = "") => {
    const options = [...lab.sshOptions(who), "-P", String(lab.server.port), "-b", "-", `${id}@127.0.0.1${path}`];
    return run("sftp", options, { input: Buffer.from(`${commands.join("\n")}\n`) });
  };

  it("SFTP exports a whole repository and imports it into another, as BorgBase documents it", async () => {
    lab.add("sftpfrom", { keys: keys(), sftpEnabled: true });
    lab.add("sftpinto", { keys: keys(), sftpEnabled: true });
    succeeds(await lab.borg(key, ["init", "-e", "none", lab.url("sftpfrom")]));
    succeeds(await lab.borg(key, ["create", `${lab.url("sftpfrom")}::kept`, "-"], noise(2e6)));
    const local = join(lab.root, "export");
    mkdirSync(local);
    succeeds(await sftp(key, "sftpfrom", [`lcd ${local}`, "get -Rp ."], ":repo"));
    succeeds(await sftp(key, "sftpinto", [`lcd ${local}`, "put -Rp ."], ":repo"));
    match(succeeds(await lab.borg(key, ["list", "--short", lab.url("sftpinto")])), /^kept$/m);
    succeeds(await lab.borg(key, ["check", "--verify-data", lab.url("sftpinto")]));
  });

  it("SFTP lists, renames and deletes files and reaches nothing above the repository's folder", async () => {
    const repo = lab.add("sftpwork", { keys: keys(), sftpEnabled: true });
    writeFileSync(join(lab.root, "secret"), "secret");
    writeFileSync(join(lab.root, "local"), noise(300_000));
    const { stdout } = await sftp(key, "sftpwork", [
      "pwd",
      `put ${join(lab.root, "local")} /one`,
      "rename /one /repo/two",
      "mkdir /repo/empty",
      "ls -l /repo",
      "rmdir /repo/empty",
    ]);
    match(stdout, /Remote working directory: \/$/m);
    match(stdout, /300000 .*two/);
    deepEqual(readFileSync(join(repo.dir, "repo", "two")), noise(300_000));
    for (const path of ["/../../secret", "../../../secret", "/repo/../../../secret"]) {
      const got = await sftp(key, "sftpwork", [`get ${path} ${join(lab.root, "stolen")}`]);
      ok(got.code !== 0 && !readdirSync(lab.root).includes("stolen"), path);
    }
    const linked = await sftp(key, "sftpwork", [`symlink ${join(lab.root, "secret")} /repo/link`]);
    ok(linked.code !== 0 && !readdirSync(join(repo.dir, "repo")).includes("link"));
    succeeds(await sftp(key, "sftpwork", ["rm /repo/two"]));
    deepEqual(readdirSync(join(repo.dir, "repo")), []);
  });

  it("SFTP is refused with a reason when disabled, for keys without full access and for other formats", async () => {
    lab.add("sftpoff1", { keys: keys() });
    lab.add("sftpapp1", { keys: keys(), sftpEnabled: true });
    lab.add("sftpall1", { keys: keys(), sftpEnabled: true, appendOnly: true });
    lab.add("sftprest", { keys: keys(), sftpEnabled: true, format: "restic" });
    for (const [who, id, reason] of [
      [key, "sftpoff1", /^Repository sftpoff1: SFTP is off; switch it on with sftpEnabled\./m],
      [limited, "sftpapp1", /^Repository sftpapp1: SFTP takes a key with full access\./m],
      [key, "sftpall1", /^Repository sftpall1: SFTP takes a key with full access\./m],
      [key, "sftprest", /^Repository sftprest has the format restic/m],
    ] as const) {
      const { code, stderr } = await sftp(who, id, ["ls"]);
      ok(code !== 0);
      match(stderr, reason);
    }
  });

  it("The SSH server survives an aborted SFTP session", async () => {
    lab.add("sftpcut1", { keys: keys(), sftpEnabled: true });
    rmSync(join(lab.root, "big"), { force: true });
    writeFileSync(join(lab.root, "big"), noise(8e6));
    for (let time = 0; time < 3; time++) {
      await run(
        "timeout",
        [
          "-s",
          "KILL",
          "0.3",
          "sftp",
          ...lab.sshOptions(key),
          "-P",
          String(lab.server.port),
          "-b",
          "-",
          "sftpcut1@127.0.0.1",
        ],
        {
          input: Buffer.from(`put ${join(lab.root, "big")} /big\n`.repeat(50)),
        },
      );
    }
    match(succeeds(await sftp(key, "sftpcut1", ["ls"])), /repo/);
  });
});
