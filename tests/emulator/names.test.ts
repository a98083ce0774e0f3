import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { type IncomingMessage, request } from "node:http";
import { Agent, request as httpsRequest } from "node:https";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import tls from "node:tls";
import { promisify } from "node:util";
import { utils } from "ssh2";
import { Subject } from "./support";

const run = promisify(execFile);

/** Real programs written for the real service, which build its addresses themselves. */
describe("Emulator: host names of BorgBase", function () {
  this.timeout(300_000);
  let folder: string;
  let subject: Subject;
  let names: { sshConfig: string; httpsProxy: string; caFile: string };
  let key: string;

  before(async () => {
    // A blank here and a percent sign below: ssh, borg and shells each parse such a path differently.
    folder = await mkdtemp(join(tmpdir(), "emulator names "));
    subject = await Subject.start({ storage: true, dataDir: join(folder, "data %h") });
    assert.ok(subject.emulator.names);
    names = subject.emulator.names;
    const pair = utils.generateKeyPairSync("ecdsa", { bits: 256 });
    await writeFile(join(folder, "id"), pair.private, { mode: 0o600 });
    await writeFile(join(folder, "file"), "x".repeat(10_000));
    key = await subject.addKey("borg", pair.public);
  });
  after(async () => {
    await subject.close();
    await rm(folder, { recursive: true, force: true });
  });

  const borgEnv = () => ({
    ...process.env,
    BORG_BASE_DIR: join(folder, "borg"),
    BORG_RSH: `ssh -F '${names.sshConfig}' -i '${join(folder, "id")}' -o BatchMode=yes -o IdentitiesOnly=yes`,
    BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK: "yes",
    BORG_RELOCATED_REPO_ACCESS_IS_OK: "yes",
    BORG_SELFTEST: "disabled",
  });

  it("borg reaches a repository by every address form with the emulator's ssh configuration alone", async () => {
    const id = await subject.addRepo({ fullAccessKeys: [key] });
    const { repo } = (await subject.ask(`{ repo(repoId: "${id}") { repoPath server { hostname } } }`)).data;
    const env = borgEnv();
    await run("borg", ["init", "-e", "none", `ssh://${id}@${id}.repo.borgbase.com/./repo`], { env });
    for (const address of [
      `ssh://${id}@${id}.repo.borgbase.com:22/./repo`,
      `${id}@${id}.repo.borgbase.com:repo`,
      `${id}@${repo.server.hostname}:repo`,
      `ssh://${id}@${repo.server.hostname}:22/./repo`,
      repo.repoPath,
    ]) {
      const { stdout } = await run("borg", ["info", "--json", address], { env });
      assert.ok(JSON.parse(stdout).repository.id, address);
    }
    const other = `${id}.repo.example.com`;
    const { stdout: settings } = await run("ssh", ["-G", "-F", names.sshConfig, other]);
    assert.match(settings, new RegExp(`^hostname ${other}$`, "m"), "another host name is mapped to the emulator");
  });

  it("borg reaches a repository by the real service's address when the emulator is set to show it", async () => {
    const id = await subject.addRepo({ fullAccessKeys: [key] });
    const restic = await subject.addRepo({ format: "restic" });
    subject.control.setVariants({ addresses: "borgbase" });
    const path = async (repo: string) =>
      (await subject.ask(`{ repo(repoId: "${repo}") { repoPath htpasswd } }`)).data.repo;
    const { repoPath } = await path(id);
    const { repoPath: resticPath, htpasswd } = await path(restic);
    subject.control.setVariants({ addresses: "local" });
    // The pattern comes from gjabell/terraform-provider-borgbase's acceptance tests.
    assert.match(repoPath, /ssh:\/\/.*@.*\.repo\.borgbase\.com\/\.\/repo/);
    assert.equal(resticPath, `rest:https://${restic}:${htpasswd}@${restic}.repo.borgbase.com/`);
    await run("borg", ["init", "-e", "none", repoPath], { env: borgEnv() });
  });

  it("restic reaches a repository by its BorgBase name through the proxy with the emulator's certificate", async () => {
    const id = await subject.addRepo({ format: "restic" });
    const { htpasswd } = (await subject.ask(`{ repo(repoId: "${id}") { htpasswd } }`)).data.repo;
    const env = {
      ...process.env,
      HTTPS_PROXY: names.httpsProxy,
      NO_PROXY: "",
      RESTIC_PASSWORD: "secret",
      RESTIC_CACHE_DIR: join(folder, "cache"),
      RESTIC_REPOSITORY: `rest:https://${id}:${htpasswd}@${id}.repo.borgbase.com`,
    };
    const restic = (args: string[], more: NodeJS.ProcessEnv = {}) =>
      run("restic", args, { env: { ...env, ...more }, cwd: folder });
    await restic(["--cacert", names.caFile, "init"]);
    await restic(["backup", "file"], { SSL_CERT_FILE: names.caFile });
    const { stdout } = await restic(["--cacert", names.caFile, "snapshots", "--json"]);
    assert.equal(JSON.parse(stdout).length, 1);
    await restic(["--cacert", names.caFile, "check"]);
    await assert.rejects(restic(["snapshots"]), /certificate/, "nobody trusts it unasked");
    const foreign = { RESTIC_REPOSITORY: env.RESTIC_REPOSITORY.replace(htpasswd, "wrong") };
    await assert.rejects(restic(["--cacert", names.caFile, "snapshots"], foreign), /401|Unauthorized/);
  });

  it("A client of api.borgbase.com reaches the emulator and verifies name and certificate", async () => {
    const ca = await readFile(names.caFile);
    const call = async (host: string) => {
      const connecting = request({ port: subject.emulator.port, method: "CONNECT", path: `${host}:443` }).end();
      const [, socket] = (await once(connecting, "connect")) as [unknown, Socket];
      const agent = new Agent({ ca });
      agent.createConnection = () => tls.connect({ socket, ca, servername: host });
      const headers = { "Content-Type": "application/json", Authorization: `bearer ${subject.token("fullAccess")}` };
      const sent = httpsRequest({ host, agent, method: "POST", path: "/graphql", headers });
      sent.end('{"query":"{ me { username } }"}');
      const [response] = (await once(sent, "response")) as [IncomingMessage];
      const parts: Buffer[] = [];
      for await (const part of response) parts.push(part);
      socket.destroy();
      return JSON.parse(Buffer.concat(parts).toString());
    };
    assert.deepEqual(await call("api.borgbase.com"), { data: { me: { username: "demo@example.com" } } });
  });

  it("The proxy refuses every other host", async () => {
    for (const target of [
      "example.com:443",
      "api.borgbase.com:22",
      "127.0.0.1:22",
      "api.borgbase.com.example.com:443",
      "x",
      "",
    ]) {
      const answer = await new Promise<string>((resolve, reject) => {
        const socket = connect(subject.emulator.port, "127.0.0.1");
        let text = "";
        socket.on("error", reject).on("close", () => resolve(text));
        socket.setEncoding("utf8").on("data", (part) => {
          text += part;
        });
        socket.write(`CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n\r\n`);
      });
      assert.match(answer, /^HTTP\/1\.1 40[03] /, target);
    }
  });

  it("The proxy survives clients that hang up or speak no TLS, and closes open connections at its end", async () => {
    const own = await Subject.start({ storage: true });
    const tunnel = () => {
      const sent = request({ port: own.emulator.port, method: "CONNECT", path: "api.borgbase.com:443" });
      sent.on("error", () => {}).end();
      return new Promise<Socket>((resolve) => {
        sent.once("connect", (_response, socket) => resolve(socket.on("error", () => {})));
      });
    };
    (await tunnel()).destroy();
    (await tunnel()).write("GET / HTTP/1.1\r\n\r\n");
    const stays = await tunnel();
    const closed = new Promise((resolve) => stays.once("close", resolve));
    assert.equal((await own.ask("{ isAuthenticated }")).status, 200);
    await own.close();
    await closed;
  });

  it("The certificate survives a restart, and only the owner can read its files", async () => {
    const data = join(folder, "kept");
    const first = await Subject.start({ storage: true, dataDir: data });
    const caFile = first.emulator.names?.caFile ?? "";
    const ca = await readFile(caFile, "utf8");
    await first.close();
    const second = await Subject.start({ storage: true, dataDir: data });
    assert.equal(await readFile(caFile, "utf8"), ca);
    await second.close();
    assert.equal((await stat(join(data, "tls", "server.key"))).mode & 0o777, 0o600);
    await writeFile(join(data, "tls", "server.pem"), "damaged");
    const third = await Subject.start({ storage: true, dataDir: data });
    assert.notEqual(await readFile(caFile, "utf8"), ca);
    await third.close();
    const days = (Date.parse(new X509Certificate(ca).validTo) - Date.now()) / 86_400_000;
    assert.ok(days > 300 && days < 825, String(days));
  });
});

describe("Emulator: Host header of the control API", () => {
  let subject: Subject;
  before(async () => {
    subject = await Subject.start({ control: true, allowedHosts: ["Emulator.internal"] });
  });
  after(() => subject.close());

  function control(host: string) {
    const options = { port: subject.emulator.port, method: "POST", path: "/control/counters" };
    return new Promise<{ status?: number; text: string }>((resolve, reject) => {
      const headers = { Host: host, "Content-Type": "application/json" };
      const sent = request({ ...options, headers, setHost: false }, (response) => {
        let text = "";
        response.setEncoding("utf8").on("data", (part) => {
          text += part;
        });
        response.on("end", () => resolve({ status: response.statusCode, text }));
      });
      sent.on("error", reject).end("{}");
    });
  }

  for (const host of [
    "localhost",
    "localhost:8650",
    "LOCALHOST.",
    "api.localhost:1",
    "127.0.0.1",
    "[::1]:8650",
    "192.0.2.7:80",
    "emulator.internal:8650",
  ]) {
    it(`The control API answers a request with Host ${host}`, async () =>
      assert.equal((await control(host)).status, 200));
  }

  for (const host of [
    "evil.example",
    "evil.example:8650",
    "localhost.evil.example",
    "127.0.0.1.evil.example",
    "xlocalhost",
    "",
    "[evil]:1",
  ]) {
    it(`The control API refuses a request with Host ${JSON.stringify(host)}, which a web page may have sent`, async () => {
      const { status, text } = await control(host);
      assert.equal(status, 403);
      assert.match(JSON.parse(text).error, /--allow-host/);
    });
  }
});
