import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { utils } from "ssh2";
import { Subject } from "./support";

const run = promisify(execFile);

/** The API beside real data: the traces that a real `borg` and `restic` leave appear in its answers. */
describe("Emulator: real repositories", () => {
  let folder: string;
  let subject: Subject;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "emulator-real-"));
    subject = await Subject.start({ storage: true, dataDir: join(folder, "data") });
    await writeFile(join(folder, "precious"), "x".repeat(50_000));
  });
  after(async () => {
    await subject.close();
    await rm(folder, { recursive: true, force: true });
  });

  const repo = async (id: string) =>
    (
      await subject.ask(`{ repo(repoId: "${id}") { repoPath currentUsage lastModified htpasswd
        server { fingerprintRsa fingerprintEcdsa fingerprintEd25519 } } }`)
    ).data.repo;

  it("borg backs up to repoPath with the reported host key, and the API reports usage, times and deletion", async () => {
    const pair = utils.generateKeyPairSync("ed25519");
    await writeFile(join(folder, "id"), pair.private, { mode: 0o600 });
    const key = await subject.addKey("borg", pair.public);
    const id = await subject.addRepo({ fullAccessKeys: [key] });
    const { repoPath, server, ...empty } = await repo(id);
    assert.deepEqual([empty.currentUsage, empty.lastModified], [0, ""]);

    const host = `[127.0.0.1]:${subject.emulator.ssh?.port}`;
    const hostKeys = subject.emulator.ssh?.hostKeys ?? [];
    await writeFile(join(folder, "known_hosts"), hostKeys.map(({ publicKey }) => `${host} ${publicKey}\n`).join(""));
    assert.deepEqual(
      [server.fingerprintRsa, server.fingerprintEcdsa, server.fingerprintEd25519],
      hostKeys.map((hostKey) => hostKey.fingerprintSha256),
    );
    const env = {
      ...process.env,
      BORG_BASE_DIR: join(folder, "borg"),
      BORG_PASSPHRASE: "secret",
      BORG_RSH: `ssh -F none -i ${join(folder, "id")} -o UserKnownHostsFile=${join(folder, "known_hosts")} -o StrictHostKeyChecking=yes -o BatchMode=yes`,
    };
    await run("borg", ["init", "-e", "repokey", repoPath], { env });
    await run("borg", ["create", "--compression", "none", `${repoPath}::first`, "precious"], { env, cwd: folder });
    const { currentUsage, lastModified } = await repo(id);
    assert.ok(currentUsage > 0.05 && currentUsage < 5, `${currentUsage} MB`);
    assert.ok(Math.abs(Date.parse(lastModified) - Date.now()) < 60_000);
    const { sshList, me } = (await subject.ask("{ sshList { lastUsedAt } me { diskUsage } }")).data;
    assert.ok(Math.abs(Date.parse(sshList[0].lastUsedAt) - Date.now()) < 60_000);
    assert.equal(me.diskUsage, currentUsage);

    await subject.ask(`mutation { repoDelete(id: "${id}") { ok } }`);
    assert.deepEqual(await readdir(join(folder, "data", "repos")), []);
    await assert.rejects(run("borg", ["list", repoPath], { env }));
  });

  it("restic backs up to repoPath with its password and fails without it", async () => {
    const id = await subject.addRepo({ name: "restic", format: "restic" });
    const { repoPath, htpasswd } = await repo(id);
    const env = { ...process.env, RESTIC_PASSWORD: "secret", RESTIC_CACHE_DIR: join(folder, "restic") };
    await run("restic", ["-r", repoPath, "init"], { env });
    await run("restic", ["-r", repoPath, "backup", "precious"], { env, cwd: folder });
    const { stdout } = await run("restic", ["-r", repoPath, "snapshots", "--json"], { env });
    assert.equal(JSON.parse(stdout).length, 1);
    assert.ok((await repo(id)).currentUsage > 0);
    const url = repoPath.replace(/^rest:/, "").replace(`${id}:${htpasswd}@`, "");
    assert.equal((await fetch(`${url}config`)).status, 401);
    await subject.control.reset();
    assert.deepEqual(await readdir(join(folder, "data", "repos")), []);
  });
});
