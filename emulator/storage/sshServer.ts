import { once } from "node:events";
import { mkdirSync } from "node:fs";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { type Connection, type PublicKeyAuthContext, Server, type ServerChannel, type Session, utils } from "ssh2";
import { type BorgProcess, isBorgServe, startBorgServe, stopBorgServe } from "./borgServe";
import { hidePathInResponses, hidePathInText } from "./hidePaths";
import { loadHostKeys } from "./hostKeys";
import { serveSftp } from "./sftp";
import type { AuthorizedKey, SshServer, SshServerOptions, StorageRepo } from "./types";

/** Time in ms for a login, like sshd's LoginGraceTime. */
const LOGIN_GRACE = 30_000;

/** A vanished client is disconnected after a minute, which releases its locks. */
const KEEPALIVE = { keepaliveInterval: 15_000, keepaliveCountMax: 4 };

/** Exit code of a refused request; borg treats every code but 0 as a failure. */
const REFUSED = 1;

/** Exit code of a shell for an unknown command. */
const NOT_FOUND = 127;

type Access = "full" | "append-only" | "rsync";

/**
 * Serves repositories over SSH like BorgBase. The user name is the repository's id. Keys are the only login method, and
 * `borg serve` is the only command. SFTP is served with `sftpEnabled`, for keys with full access. Shell, forwarding and
 * rsync are refused, each with a reason.
 *
 * @throws when the port is in use, or a host key cannot be read.
 */
export async function startSshServer(options: SshServerOptions): Promise<SshServer> {
  const { backend, host = "127.0.0.1", log = () => {} } = options;
  const hostKeys = loadHostKeys(options.hostKeyDir);
  const children = new Set<BorgProcess>();
  const sockets = new Set<Socket>();

  const ssh = new Server({ hostKeys: hostKeys.map((key) => key.privateKey), ...KEEPALIVE }, (connection) =>
    serveConnection(connection),
  );
  // Borg's small requests wait for each other: Nagle's algorithm would add 40 ms to each.
  const listener = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    ssh.injectSocket(socket);
  });

  function serveConnection(connection: Connection): void {
    let login: { repoId: string; blob: Buffer } | undefined;
    const grace = setTimeout(() => connection.end(), LOGIN_GRACE);
    connection.once("close", () => clearTimeout(grace));
    // Port scans, resets and timeouts are normal for a server.
    connection.on("error", (error: Error) => log(`ssh: connection lost: ${error.message}`));

    connection.on("authentication", (context) => {
      if (context.method !== "publickey") return context.reject(["publickey"]);
      const repo = backend.repo(context.username);
      const granted = repo && accessOf(repo, context.key.data);
      if (!granted || !isSignatureValid(context)) {
        if (context.signature || !granted) log(`ssh: login refused as ${quote(context.username)}`);
        return context.reject(["publickey"]);
      }
      if (context.signature) {
        login = { repoId: repo.id, blob: context.key.data };
        backend.keyUsed(granted.key.id);
        log(`ssh ${repo.id}: logged in with key ${granted.key.id}`);
      }
      context.accept();
    });

    connection.once("ready", () => {
      clearTimeout(grace);
      connection.on("session", (accept) => {
        if (login) serveSession(accept(), login.repoId, login.blob);
      });
    });
  }

  function serveSession(session: Session, repoId: string, blob: Buffer): void {
    // The log names the kind of request, not its text: commands may contain passphrases.
    const refuse = (channel: ServerChannel, request: string, reason: string) => {
      log(`ssh ${repoId}: refused ${request}`);
      finish(channel, reason, REFUSED);
    };
    session.on("shell", (accept) =>
      refuse(accept(), "a shell", `Repository ${repoId} has no shell: use it with borg.`),
    );
    const currentSftpRefusal = () => {
      const repo = backend.repo(repoId);
      const access = repo && accessOf(repo, blob)?.access;
      if (!repo || !access) return `Repository ${repoId} is no longer open to this key.`;
      return sftpRefusal(repo, access);
    };
    // The SFTP protocol has no field for a reason: a refused request is handled as an unknown subsystem.
    if (currentSftpRefusal() === undefined) {
      session.on("sftp", (accept) => {
        const repo = backend.repo(repoId);
        const sftp = accept();
        if (!repo || currentSftpRefusal() !== undefined) return sftp.end();
        log(`ssh ${repoId}: sftp`);
        mkdirSync(join(repo.dir, "repo"), { recursive: true, mode: 0o700 });
        serveSftp(sftp, repo.dir);
      });
    }
    session.on("subsystem", (accept, _reject, { name }) => {
      const reason = name === "sftp" ? currentSftpRefusal() : undefined;
      refuse(accept(), "a subsystem", reason ?? `Repository ${repoId}: ${name} is not offered by this emulator.`);
    });
    session.on("exec", (accept, _reject, { command }) => {
      const channel = accept();
      // Checked again: keys and repositories may change during a connection.
      const repo = backend.repo(repoId);
      const access = repo && accessOf(repo, blob)?.access;
      if (!repo || !access) return refuse(channel, "a key", `Repository ${repoId} is no longer open to this key.`);
      const reason = commandRefusal(repo, access, command);
      if (reason) return refuse(channel, "a command", reason);
      serveBorg(channel, repo, command, repo.appendOnly || access === "append-only");
    });
  }

  function serveBorg(channel: ServerChannel, repo: StorageRepo, command: string, appendOnly: boolean): void {
    log(`ssh ${repo.id}: borg serve${appendOnly ? ", append-only" : ""}`);
    let child: BorgProcess;
    try {
      child = startBorgServe(repo, command, appendOnly);
    } catch (error) {
      finish(channel, `The emulator cannot open ${repo.id}: ${(error as Error).message}`, REFUSED);
      return;
    }
    children.add(child);
    child.once("exit", () => children.delete(child));
    child.once("error", (error: NodeJS.ErrnoException) => {
      children.delete(child);
      const missing = error.code === "ENOENT";
      const reason = missing ? "borg is not installed on the emulator's machine." : `borg: ${error.message}`;
      finish(channel, reason, missing ? NOT_FOUND : REFUSED);
    });

    // Borg may end before it has read all input.
    child.stdin.on("error", () => {});
    channel.pipe(child.stdin);
    child.stdout.pipe(hidePathInResponses(repo.dir)).pipe(channel, { end: false });
    child.stderr.pipe(hidePathInText(repo.dir)).pipe(channel.stderr, { end: false });
    channel.once("close", () => {
      child.stdout.destroy();
      child.stderr.destroy();
      void stopBorgServe(child);
    });
    child.once("close", (code, signal) => {
      if (child.pid === undefined) return;
      log(`ssh ${repo.id}: borg serve ended with ${code ?? signal}`);
      channel.exit(code ?? REFUSED);
      channel.end();
    });
  }

  listener.listen(options.port, host);
  await once(listener, "listening");
  return {
    port: (listener.address() as AddressInfo).port,
    hostKeys: hostKeys.map(({ privateKey: _, ...key }) => key),
    async close() {
      const closed = once(listener, "close");
      listener.close();
      for (const socket of sockets) socket.destroy();
      await Promise.all([closed, ...[...children].map(stopBorgServe)]);
    },
  };
}

/** The access of a key. A key in several lists gets the most restricted access. */
function accessOf(repo: StorageRepo, blob: Buffer): { access: Access; key: AuthorizedKey } | undefined {
  const among = (keys: AuthorizedKey[]) => keys.find((key) => Buffer.from(key.blob, "base64").equals(blob));
  const { appendOnly, full, rsync } = repo.keys;
  for (const [access, keys] of [
    ["append-only", appendOnly],
    ["full", full],
    ["rsync", rsync],
  ] as const) {
    const key = among(keys);
    if (key) return { access, key };
  }
  return undefined;
}

/** Verifies the signature. True without one: the client only asks whether the key is acceptable. */
function isSignatureValid({ key, signature, blob, hashAlgo }: PublicKeyAuthContext): boolean {
  if (!signature || !blob) return true;
  const parsed = utils.parseKey(`${key.algo} ${key.data.toString("base64")}`);
  return !(parsed instanceof Error) && parsed.verify(blob, signature, hashAlgo) === true;
}

/** The reason to refuse a command; undefined for an allowed one. */
function commandRefusal(repo: StorageRepo, access: Access, command: string): string | undefined {
  if (access === "rsync") return `Repository ${repo.id}: this key is for rsync, which is not offered by this emulator.`;
  if (/^\s*(\S*\/)?rsync\s/.test(command)) return `Repository ${repo.id}: rsync is not offered by this emulator.`;
  if (!isBorgServe(command)) return `Repository ${repo.id} takes borg only, not ${quote(command)}.`;
  if (repo.format !== "borg1") return `Repository ${repo.id} has the format ${repo.format}: borg cannot use it.`;
  return undefined;
}

/** The reason to refuse SFTP; undefined where it is allowed. */
function sftpRefusal(repo: StorageRepo, access: Access): string | undefined {
  if (repo.format !== "borg1")
    return `Repository ${repo.id} has the format ${repo.format}: it is not reached over SFTP.`;
  if (!repo.sftpEnabled) return `Repository ${repo.id}: SFTP is off; switch it on with sftpEnabled.`;
  if (access !== "full" || repo.appendOnly) return `Repository ${repo.id}: SFTP takes a key with full access.`;
  return undefined;
}

function finish(channel: ServerChannel, line: string, code: number): void {
  channel.stderr.write(`${line}\n`);
  channel.exit(code);
  channel.end();
}

/** A client's text, quoted and shortened for one line of a log. */
function quote(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
}
