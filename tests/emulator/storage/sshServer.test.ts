import { deepEqual, equal, match, notEqual } from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { createConnection } from "node:net";
import { join } from "node:path";
import { BaseAgent, Client, type IdentityCallback, type ParsedKey, type SignCallback, utils } from "ssh2";
import { isBorgServe } from "../../../emulator/storage/borgServe";
import { type ClientKey, Lab, run, until } from "./support";

describe("Emulator storage: SSH server", function () {
  this.timeout(300_000);
  const lab = new Lab();
  let key: ClientKey;
  let stranger: ClientKey;
  let rsync: ClientKey;

  before(async () => {
    await lab.start();
    [key, stranger, rsync] = [await lab.key("full", "rsa"), await lab.key("stranger"), await lab.key("rsync")];
    lab.add("bbbbbbb1", { keys: { full: [key], appendOnly: [], rsync: [rsync] } });
    lab.add("bbbbbbb2", { keys: { full: [stranger], appendOnly: [], rsync: [] } });
    lab.add("bbbbbbb3", { keys: { full: [key], appendOnly: [], rsync: [] }, format: "restic", htpasswd: "x" });
  });
  after(() => lab.stop());

  it("The SSH server accepts the listed keys of a repository and no other key", async () => {
    match((await lab.ssh(key, "bbbbbbb1", "borg serve")).stdout, /^Borg /);
    deepEqual(lab.used, ["full"]);
    for (const [who, user] of [
      [stranger, "bbbbbbb1"],
      [key, "bbbbbbb2"],
      [key, "unknown1"],
      [key, "root"],
    ] as const) {
      const { code, stderr } = await lab.ssh(who, user, "borg serve");
      equal(code, 255);
      match(stderr, /Permission denied \(publickey\)/);
    }
    deepEqual(lab.used, ["full"], "a refused key was not used");
  });

  it("The SSH server refuses a listed key when the client lacks its private key", async () => {
    const listed = utils.parseKey(readFileSync(`${key.file}.pub`)) as ParsedKey;
    const own = utils.parseKey(readFileSync(rsync.file)) as ParsedKey;
    class Forger extends BaseAgent {
      getIdentities(answer: IdentityCallback<ParsedKey>) {
        answer(null, [listed]);
      }
      override sign(_key: unknown, data: Buffer, _options: unknown, answer?: SignCallback) {
        answer?.(null, own.sign(data));
      }
    }
    const client = new Client();
    const { port } = lab.server;
    const outcome = new Promise<string>((resolve) => {
      client.once("ready", () => resolve("logged in")).once("error", (error) => resolve(error.message));
    });
    client.connect({ host: "127.0.0.1", port, username: "bbbbbbb1", agent: new Forger() });
    match(await outcome, /authentication methods failed/);
    client.end();
    deepEqual(lab.used, ["full"], "the key was not used");
  });

  it("The SSH server refuses every request except borg serve with one line", async () => {
    for (const [command, reason] of [
      ["ls -la", /^Repository bbbbbbb1 takes borg only, not "ls -la"\.\n$/],
      ["borg serve; id", /takes borg only/],
      ["borg list", /takes borg only/],
      ["rsync --server .", /^Repository bbbbbbb1: rsync is not offered by this emulator\.\n$/],
    ] as const) {
      const { code, stdout, stderr } = await lab.ssh(key, "bbbbbbb1", command);
      equal(code, 1, command);
      equal(stdout, "");
      match(stderr, reason);
    }
    match((await lab.ssh(key, "bbbbbbb1")).stderr, /Repository bbbbbbb1 has no shell: use it with borg\.\n/);
    match(
      (await lab.ssh(key, "bbbbbbb1", "-s", "sftp")).stderr,
      /^Repository bbbbbbb1: SFTP is off; switch it on with sftpEnabled/,
    );
    for (const command of ["borg serve", "rsync --server ."]) {
      const { stderr } = await lab.ssh(rsync, "bbbbbbb1", command);
      match(stderr, /^Repository bbbbbbb1: this key is for rsync, which is not offered by this emulator\.\n$/);
    }
    match((await lab.ssh(key, "bbbbbbb1", "-s", "netconf")).stderr, /^Repository bbbbbbb1: netconf is not offered/);
    match((await lab.ssh(key, "bbbbbbb3", "borg serve")).stderr, /^Repository bbbbbbb3 has the format restic/);
  });

  it("The SSH server forwards no port", async () => {
    const port = String(lab.server.port);
    const local = await lab.ssh(key, "bbbbbbb1", "-W", `127.0.0.1:${port}`);
    notEqual(local.code, 0);
    match(local.stderr, /open failed/);
    const remote = await lab.ssh(key, "bbbbbbb1", "-o", "ExitOnForwardFailure=yes", "-N", "-R", "0:127.0.0.1:22");
    notEqual(remote.code, 0);
    match(remote.stderr, /remote port forwarding failed/);
  });

  it("The SSH server distinguishes borg's own commands from all others", () => {
    for (const command of [
      "borg serve",
      "borg serve --umask=077 --info",
      "borg-1.4 serve --debug-topic=borg.debug.repository",
      "/usr/local/bin/borg1.2 serve --lock-wait 5",
      "BORG_HOSTNAME_IS_UNIQUE=yes borg serve",
    ]) {
      equal(isBorgServe(command), true, command);
    }
    for (const command of [
      "",
      "borg",
      "A=b",
      "serve",
      "sh -c borg serve",
      "borg serve $(id)",
      "borg serve\0",
      "borg serve x",
    ]) {
      equal(isBorgServe(command), false, command);
    }
  });

  it("The SSH server presents the host keys that the API reports", async () => {
    deepEqual(
      lab.server.hostKeys.map((hostKey) => hostKey.type),
      ["rsa", "ecdsa", "ed25519"],
    );
    for (const hostKey of lab.server.hostKeys) {
      const file = join(lab.root, `${hostKey.type}.pub`);
      writeFileSync(file, `${hostKey.publicKey}\n`);
      equal((await run("ssh-keygen", ["-lf", file])).stdout.split(" ")[1], hostKey.fingerprintSha256);
      equal((await run("ssh-keygen", ["-E", "md5", "-lf", file])).stdout.split(" ")[1], hostKey.fingerprintMd5);

      const algorithms = { rsa: "rsa-sha2-512", ecdsa: "ecdsa-sha2-nistp256", ed25519: "ssh-ed25519" };
      const only = ["-o", `HostKeyAlgorithms=${algorithms[hostKey.type]}`];
      match((await lab.ssh(key, "bbbbbbb1", ...only, "borg serve")).stdout, /^Borg /);
    }
  });

  it("A client that expects another host key refuses the SSH server", async () => {
    const expected = readFileSync(lab.knownHosts);
    writeFileSync(lab.knownHosts, `[127.0.0.1]:${lab.server.port} ssh-ed25519 ${stranger.blob}\n`);
    const foreign = await lab.ssh(key, "bbbbbbb1", "borg serve");
    writeFileSync(lab.knownHosts, expected);
    match(foreign.stderr, /Host key verification failed/);
  });

  it("The SSH server survives clients that hang up or speak no SSH", async () => {
    for (const words of ["GET / HTTP/1.1\r\n\r\n", "SSH-2.0-x\r\n", ""]) {
      const socket = createConnection(lab.server.port, "127.0.0.1");
      socket.on("error", () => {});
      socket.write(words, () => socket.resetAndDestroy());
      await until("the end of the connection", () => socket.closed);
    }
    match((await lab.ssh(key, "bbbbbbb1", "borg serve")).stdout, /^Borg /);
  });
});
