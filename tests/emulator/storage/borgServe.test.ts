import { deepEqual, equal, match, notEqual, ok } from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { removeRepo, type StorageRepo, usage } from "../../../emulator/storage";
import { type ClientKey, Lab, noise, type Result, run, until } from "./support";

function succeeds({ code, stderr, stdout }: Result): string {
  equal(code, 0, stderr);
  return stdout;
}

function segments(repo: StorageRepo): Map<string, Buffer> {
  const root = join(repo.dir, "repo", "data");
  const names = readdirSync(root, { recursive: true, encoding: "utf8" }).filter((name) => /^\d+\/\d+$/.test(name));
  return new Map(names.map((name) => [name, readFileSync(join(root, name))]));
}

describe("Emulator storage: borg over SSH", function () {
  this.timeout(300_000);
  const lab = new Lab();
  let key: ClientKey;
  let limited: ClientKey;
  let repo: StorageRepo;
  const keysOf = () => ({ full: [key], appendOnly: [limited], rsync: [] });

  before(async () => {
    await lab.start();
    key = await lab.key("full");
    limited = await lab.key("limited", "ecdsa");
    repo = lab.add("aaaaaaa1", { keys: keysOf() });
  });
  after(() => lab.stop());

  it("borg backs up and restores files", async () => {
    deepEqual(await usage(repo), { currentUsageMb: 0, lastModified: null });
    const source = join(lab.root, "source");
    mkdirSync(source);
    writeFileSync(join(source, "noise"), noise(3e6));

    succeeds(await lab.borg(key, ["init", "-e", "none", lab.url(repo.id)]));
    succeeds(await lab.borg(key, ["create", `${lab.url(repo.id)}::first`, source]));
    match(succeeds(await lab.borg(key, ["list", "--short", lab.url(repo.id)])), /^first$/m);
    const restored = await lab.borg(key, ["extract", "--stdout", `${lab.url(repo.id)}::first`]);
    equal(restored.code, 0, restored.stderr);
    ok(lab.used.includes("full"));
  });

  it("A repository reports usage and last change from the disk, and reading changes neither", async () => {
    const before = await usage(repo);
    ok(before.currentUsageMb > 3 && before.currentUsageMb < 4, String(before.currentUsageMb));
    ok(before.lastModified && Date.now() - before.lastModified.getTime() < 60_000);
    succeeds(await lab.borg(key, ["list", lab.url(repo.id)]));
    deepEqual(await usage(repo), before);
    deepEqual(readdirSync(repo.dir), ["repo"], "borg keeps nothing else in the folder");
  });

  it("borg reaches a repository by the older form of its path", async () => {
    const env = lab.borgEnv(key);
    env.BORG_RSH += ` -p ${lab.server.port}`;
    match(succeeds(await run("borg", ["list", "--short", `${repo.id}@127.0.0.1:repo`], { env })), /^first$/m);
  });

  it("An append-only key adds archives, and the repository keeps every byte that the key deletes", async () => {
    succeeds(await lab.borg(limited, ["create", `${lab.url(repo.id)}::second`, "-"], noise(1e6, 2)));
    const before = segments(repo);
    succeeds(await lab.borg(limited, ["delete", `${lab.url(repo.id)}::first`]));
    succeeds(await lab.borg(limited, ["compact", "--threshold=0", lab.url(repo.id)]));
    const after = segments(repo);
    for (const [name, bytes] of before) ok(after.get(name)?.equals(bytes), `segment ${name} is gone or changed`);

    succeeds(await lab.borg(key, ["compact", "--threshold=0", lab.url(repo.id)]));
    ok((await usage(repo)).currentUsageMb < 2, "the full key gets the space back");
  });

  it("An append-only repository keeps deleted bytes from its full-access keys too", async () => {
    const guarded = lab.add("aaaaaaa2", { keys: keysOf() });
    succeeds(await lab.borg(key, ["init", "-e", "none", lab.url(guarded.id)]));
    succeeds(await lab.borg(key, ["create", `${lab.url(guarded.id)}::only`, "-"], noise(1e6)));
    lab.add("aaaaaaa2", { keys: keysOf(), appendOnly: true });
    succeeds(await lab.borg(key, ["delete", `${lab.url(guarded.id)}::only`]));
    succeeds(await lab.borg(key, ["compact", "--threshold=0", lab.url(guarded.id)]));
    ok((await usage(guarded)).currentUsageMb > 1);
    notEqual((await lab.borg(key, ["delete", lab.url(guarded.id)], Buffer.from("YES\n"))).code, 0);
    ok(existsSync(join(guarded.dir, "repo", "config")));
  });

  it("borg serve confines each repository to its own folder", async () => {
    lab.add("aaaaaaa3", { keys: keysOf() });
    const paths = ["/./../aaaaaaa1/repo", join(repo.dir, "repo"), "/~/../aaaaaaa1/repo", "/./other", "/repo"];
    await Promise.all(
      paths.map(async (path) => {
        const { code, stderr } = await lab.borg(key, ["list", lab.url("aaaaaaa3", path)]);
        notEqual(code, 0, path);
        match(stderr, /Repository path not allowed/, path);
      }),
    );
  });

  for (const quotaMb of [2, 12]) {
    it(`borg serve enforces a quota of ${quotaMb} MB (borg accepts none below 10) until it is lifted`, async () => {
      const id = `quota${String(quotaMb).padStart(3, "0")}`;
      lab.add(id, { keys: keysOf(), quotaMb });
      const create = (name: string, bytes: Buffer) =>
        lab.borg(key, ["create", "-C", "none", `${lab.url(id)}::${name}`, "-"], bytes);
      succeeds(await lab.borg(key, ["init", "-e", "none", lab.url(id)]));
      succeeds(await create("fits", noise((quotaMb - 1) * 1e6)));
      const refused = await create("more", noise(3e6, 7));
      notEqual(refused.code, 0);
      match(refused.stderr, /storage quota .* has been exceeded/);

      lab.add(id, { keys: keysOf() });
      succeeds(await create("more", noise(3e6, 7)));
    });
  }

  it("A client killed during a backup leaves no server process, and the next backup works", async () => {
    const client = await lab.stalledBackup(key, repo);
    process.kill(-(client.pid as number), "SIGKILL");
    await until("the end of borg serve", () => lab.serving(repo) === 0);
    succeeds(await lab.borg(key, ["create", "--lock-wait=5", `${lab.url(repo.id)}::next`, "-"], noise(1e5)));
    const listed = succeeds(await lab.borg(key, ["list", "--short", lab.url(repo.id)]));
    match(listed, /^next$/m);
    ok(!/^stalled$/m.test(listed));
    succeeds(await lab.borg(key, ["check", lab.url(repo.id)]));
  });

  it("The deletion of a repository ends its open sessions and erases its data", async () => {
    const doomed = lab.add("aaaaaaa4", { keys: keysOf() });
    succeeds(await lab.borg(key, ["init", "-e", "none", lab.url(doomed.id)]));
    const client = await lab.stalledBackup(key, doomed);
    const ended = new Promise<number | null>((resolve) => client.once("exit", resolve));
    lab.repos.delete(doomed.id);
    await removeRepo(doomed);
    equal(lab.serving(doomed), 0);
    ok(!existsSync(doomed.dir) && !existsSync(`${doomed.dir}.removed`));
    client.stdin?.end(noise(8e6, 3));
    notEqual(await ended, 0);
    match((await lab.ssh(key, doomed.id, "borg serve")).stderr, /Permission denied \(publickey\)/);
    await removeRepo(doomed);
  });

  it("The storage ends its processes when it closes during a backup, and serves the data after a restart", async () => {
    const client = await lab.stalledBackup(key, repo);
    await lab.server.close();
    equal(lab.serving(repo), 0);
    client.kill("SIGKILL");
    const held = statSync(join(lab.root, "host-keys", "ssh_host_rsa_key")).mtimeMs;
    await lab.start();
    equal(statSync(join(lab.root, "host-keys", "ssh_host_rsa_key")).mtimeMs, held);
    match(succeeds(await lab.borg(key, ["list", "--short", "--lock-wait=5", lab.url(repo.id)])), /^next$/m);
  });
});
