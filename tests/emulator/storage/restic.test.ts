import { deepEqual, equal, match, notEqual, ok } from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, request, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { removeRepo, resticRequest, type StorageRepo, usage } from "../../../emulator/storage";
import { noise, type Result, run } from "./support";

const PASSWORD = "Secret-1";

describe("Emulator storage: restic over HTTP", function () {
  this.timeout(300_000);
  let root: string;
  const repos = new Map<string, StorageRepo>();
  let server: Server;
  let port: number;

  before(async () => {
    root = mkdtempSync(join(tmpdir(), "storage-"));
    const backend = { repo: (id: string) => repos.get(id), keyUsed() {} };
    server = createServer(async (req, res) => {
      if (!(await resticRequest(req, res, backend))) res.writeHead(418).end();
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    port = (server.address() as AddressInfo).port;
  });
  after(() => {
    server.closeAllConnections();
    server.close();
    rmSync(root, { recursive: true, force: true });
  });

  function add(id: string, values: Partial<StorageRepo> = {}): StorageRepo {
    const keys = { full: [], appendOnly: [], rsync: [] };
    const fixed = { format: "restic", sftpEnabled: false, htpasswd: PASSWORD, borgVersion: "LATEST" };
    const repo = { id, dir: join(root, "repos", id), appendOnly: false, keys, quotaMb: null, ...fixed, ...values };
    repos.set(id, repo);
    return repo;
  }

  function restic(id: string, args: string[], password = PASSWORD): Promise<Result> {
    return run("restic", ["-r", `rest:http://${id}:${password}@127.0.0.1:${port}/${id}/`, ...args], {
      env: { RESTIC_PASSWORD: "encryption", RESTIC_CACHE_DIR: join(root, "cache") },
    });
  }

  async function works(id: string, ...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await restic(id, args);
    equal(code, 0, stderr);
    return stdout;
  }

  async function http(method: string, path: string, init: { body?: Buffer; headers?: Record<string, string> } = {}) {
    const id = path.split("/")[1];
    const authorization = `Basic ${Buffer.from(`${id}:${PASSWORD}`).toString("base64")}`;
    const headers = { authorization, ...init.headers };
    const body = init.body ? new Uint8Array(init.body) : null;
    const response = await fetch(`http://127.0.0.1:${port}${path}`, { method, headers, body });
    return { status: response.status, headers: response.headers, body: Buffer.from(await response.arrayBuffer()) };
  }

  const nameOf = (bytes: Buffer) => createHash("sha256").update(bytes).digest("hex");

  it("restic backs up, checks, restores, forgets and prunes", async () => {
    const repo = add("ccccccc1");
    deepEqual(await usage(repo), { currentUsageMb: 0, lastModified: null });
    const source = join(root, "source");
    mkdirSync(source);
    writeFileSync(join(source, "one"), noise(3e6));
    await works(repo.id, "init");
    await works(repo.id, "backup", source);
    const held = await usage(repo);
    ok(held.currentUsageMb > 3 && held.currentUsageMb < 4, String(held.currentUsageMb));
    ok(held.lastModified);
    await works(repo.id, "check", "--read-data");
    await works(repo.id, "restore", "latest", "--target", join(root, "restored"));
    ok(readFileSync(join(root, "restored", source, "one")).equals(noise(3e6)));
    deepEqual(await usage(repo), held, "reading changes nothing");

    writeFileSync(join(source, "one"), noise(1e6, 2));
    await works(repo.id, "backup", source);
    await works(repo.id, "forget", "--keep-last", "1", "--prune");
    equal(JSON.parse(await works(repo.id, "snapshots", "--json")).length, 1);
    ok((await usage(repo)).currentUsageMb < 2, "pruning frees the space");
    deepEqual(readdirSync(join(repo.dir, "locks")), []);
    deepEqual(readdirSync(join(repo.dir, "tmp")), []);
  });

  it("The REST server refuses a wrong password, another repository's password and an unknown repository", async () => {
    add("ccccccc2", { htpasswd: "another" });
    add("ccccccc3", { format: "borg1" });
    for (const [id, password] of [
      ["ccccccc1", "wrong"],
      ["ccccccc2", PASSWORD],
      ["ccccccc3", PASSWORD],
      ["unknown1", PASSWORD],
    ] as const) {
      const { code, stderr } = await restic(id, ["cat", "config"], password);
      notEqual(code, 0);
      match(stderr, /401/);
    }
    const anonymous = await fetch(`http://127.0.0.1:${port}/ccccccc1/config`);
    equal(anonymous.status, 401);
    match(anonymous.headers.get("www-authenticate") ?? "", /^Basic /);
    const borrowed = { authorization: `Basic ${Buffer.from(`ccccccc1:${PASSWORD}`).toString("base64")}` };
    equal((await http("GET", "/ccccccc2/config", { headers: borrowed })).status, 401);
  });

  it("An append-only restic repository accepts new data and deletes locks only", async () => {
    const repo = add("ccccccc4");
    await works(repo.id, "init");
    add(repo.id, { appendOnly: true });
    await works(repo.id, "backup", join(root, "source"));
    const [snapshot] = JSON.parse(await works(repo.id, "snapshots", "--json"));
    equal((await http("DELETE", `/${repo.id}/snapshots/${snapshot.id}`)).status, 403);
    equal((await http("DELETE", `/${repo.id}/config`)).status, 403);
    equal((await http("POST", `/${repo.id}/config`, { body: Buffer.from("x") })).status, 403);
    equal(JSON.parse(await works(repo.id, "snapshots", "--json")).length, 1);
    deepEqual(readdirSync(join(repo.dir, "locks")), []);
  });

  it("The REST server supports both versions of the list and partial reads of a file", async () => {
    const bytes = noise(1000, 5);
    const path = `/ccccccc1/data/${nameOf(bytes)}`;
    equal((await http("POST", path, { body: bytes })).status, 200);
    equal((await http("POST", path, { body: bytes })).status, 403, "never overwritten");

    const v1 = await http("GET", "/ccccccc1/data/");
    ok(JSON.parse(v1.body.toString()).includes(nameOf(bytes)));
    const accept = "application/vnd.x.restic.rest.v2";
    const v2 = await http("GET", "/ccccccc1/data/", { headers: { accept } });
    equal(v2.headers.get("content-type"), accept);
    const entries: { name: string; size: number }[] = JSON.parse(v2.body.toString());
    equal(entries.find((entry) => entry.name === nameOf(bytes))?.size, 1000);

    equal((await http("HEAD", path)).headers.get("content-length"), "1000");
    for (const [range, start, end] of [
      ["bytes=0-9", 0, 10],
      ["bytes=990-", 990, 1000],
      ["bytes=-5", 995, 1000],
      ["bytes=995-2000", 995, 1000],
    ] as const) {
      const part = await http("GET", path, { headers: { range } });
      equal(part.status, 206);
      ok(part.body.equals(bytes.subarray(start, end)), range);
    }
    equal((await http("GET", path, { headers: { range: "bytes=1000-" } })).status, 416);
    equal((await http("DELETE", path)).status, 200);
    equal((await http("GET", path)).status, 404);
  });

  it("The REST server stores nothing of an aborted upload", async () => {
    const bytes = noise(1e5, 6);
    const path = `/ccccccc1/data/${nameOf(bytes)}`;
    equal((await http("POST", path, { body: noise(1e5, 7) })).status, 400);
    await new Promise<void>((resolve) => {
      const headers = { "content-length": bytes.length };
      const upload = request({ port, path, method: "POST", headers, auth: `ccccccc1:${PASSWORD}` });
      upload.on("error", () => {}).once("close", resolve);
      upload.write(bytes.subarray(0, 5e4), () => upload.destroy());
    });
    equal((await http("GET", path)).status, 404);
    equal((await http("POST", path, { body: bytes })).status, 200, "the next try succeeds");
    deepEqual(readdirSync(join(root, "repos", "ccccccc1", "tmp")), []);
  });

  it("The REST server enforces the quota, also for parallel uploads", async () => {
    const repo = add("ccccccc5", { quotaMb: 1 });
    equal((await http("POST", "/ccccccc5/?create=true")).status, 200);
    const upload = (seed: number) => {
      const body = noise(4e5, seed);
      return http("POST", `/ccccccc5/data/${nameOf(body)}`, { body });
    };
    const statuses = (await Promise.all([10, 11, 12, 13].map(upload))).map(({ status }) => status);
    deepEqual(statuses.toSorted(), [200, 200, 413, 413]);
    ok((await usage(repo)).currentUsageMb <= 1);
    const refused = await upload(14);
    equal(refused.body.toString(), "The quota of 1 MB is exceeded.\n");
    add("ccccccc5");
    equal((await upload(14)).status, 200);
  });

  it("The REST server reaches nothing outside the repository's folder", async () => {
    const raw = (path: string) =>
      new Promise<number | undefined>((resolve, reject) => {
        const get = request({ port, path, auth: `ccccccc1:${PASSWORD}` }, (res) => resolve(res.resume().statusCode));
        get.on("error", reject).end();
      });
    writeFileSync(join(root, "repos", "secret"), "secret");
    for (const path of ["/ccccccc1/../secret", "/ccccccc1/..%2fsecret", "/ccccccc1/data/../../../secret"]) {
      ok([404, 418].includes((await raw(path)) ?? 0), path);
    }
    equal(await raw("/ccccccc1/../ccccccc5/config"), 401);
    equal(await raw("/ccccccc1/tmp/"), 404);
    equal((await http("DELETE", "/ccccccc1/")).status, 501);
    equal((await fetch(`http://127.0.0.1:${port}/graphiql`)).status, 418, "left to the API");
  });

  it("The deletion of a repository ends a running upload, which does not recreate the repository", async () => {
    const repo = add("ccccccc6");
    await http("POST", "/ccccccc6/?create=true");
    const bytes = noise(1e5, 20);
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const headers = { "content-length": bytes.length };
      const path = `/ccccccc6/data/${nameOf(bytes)}`;
      const upload = request({ port, path, method: "POST", headers, auth: `ccccccc6:${PASSWORD}` }, (res) =>
        resolve(res.resume().statusCode),
      );
      upload.on("error", reject).write(bytes.subarray(0, 5e4), async () => {
        while (readdirSync(join(repo.dir, "tmp")).length === 0) await new Promise((again) => setTimeout(again, 10));
        repos.delete(repo.id);
        await removeRepo(repo);
        upload.end(bytes.subarray(5e4));
      });
    });
    equal(status, 404);
    deepEqual(
      readdirSync(join(root, "repos")).filter((name) => name.startsWith("ccccccc6")),
      [],
    );
  });
});
