import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Target } from "../../../../provider/ssh/connection/target";
import { type PublicKey, parsePublicKey } from "../../../../provider/ssh/keys";
import type { TestAccount, TestHost } from "./accounts";

type HostKeyType = "ed25519" | "ecdsa" | "rsa";

export interface SshdOptions {
  /** Default: ed25519 alone. */
  hostKeys?: HostKeyType[];
  /** A server whose host keys are presented instead. */
  keysOf?: Sshd;
  /** Whether the server offers SFTP. Default true. */
  sftp?: boolean;
  /** Lines of sshd_config. */
  config?: string;
  /** Port to listen on, for example that of an earlier server. Default: a free one. */
  port?: number;
}

/** A real OpenSSH server on the loopback addresses. */
export class Sshd {
  private constructor(
    readonly port: number,
    readonly hostKeys: PublicKey[],
    readonly logFile: string,
    readonly process: ChildProcess,
    private readonly keyFiles: string[],
  ) {}

  static async start(
    host: TestHost,
    { hostKeys = ["ed25519"], keysOf, sftp = true, config = "", port }: SshdOptions = {},
  ): Promise<Sshd> {
    const folder = mkdtempSync(join(host.folder, "sshd-"));
    mkdirSync("/run/sshd", { recursive: true });
    const listen = port ?? (await freePort());
    const makeKey = (type: HostKeyType) => {
      const path = join(folder, type);
      execFileSync("ssh-keygen", ["-q", "-t", type, "-N", "", "-C", "", "-f", path]);
      return path;
    };
    const keys = keysOf?.keyFiles ?? hostKeys.map(makeKey);
    const logFile = join(folder, "log");
    const lines = [
      ...[`127.0.0.1:${listen}`, `[::1]:${listen}`].map((address) => `ListenAddress ${address}`),
      ...keys.map((path) => `HostKey ${path}`),
      "PidFile none",
      "UsePAM no",
      "PrintMotd no",
      "LogLevel VERBOSE",
      ...(sftp ? [`Subsystem sftp ${sftpServer()}`] : []),
      config,
    ];
    writeFileSync(join(folder, "config"), `${lines.join("\n")}\n`);
    const child = spawn("/usr/sbin/sshd", ["-D", "-E", logFile, "-f", join(folder, "config")], { stdio: "inherit" });
    const sshd = new Sshd(
      listen,
      keys.map((path) => parsePublicKey(readFileSync(`${path}.pub`, "utf8"))),
      logFile,
      child,
      keys,
    );
    await sshd.#answers();
    return sshd;
  }

  /** The log of the server. */
  log(): string {
    return existsSync(this.logFile) ? readFileSync(this.logFile, "utf8") : "";
  }

  /**
   * The log of the connections that began during some work. Of the ones before, the server may write their end meanwhile,
   * and of all it writes a moment after the client has read the answer.
   */
  async logDuring(work: () => Promise<unknown>): Promise<string> {
    const start = this.log().length;
    await work();
    let log = "";
    do {
      log = this.log();
      await delay(300);
    } while (this.log() !== log);
    const lines = log.slice(start).split("\n");
    const portIn = (line: string) => / port (\d+)/.exec(line)?.[1];
    const began = new Set(lines.filter((line) => line.startsWith("Connection from ")).map(portIn));
    return lines.filter((line) => portIn(line) === undefined || began.has(portIn(line))).join("\n");
  }

  /** A target with the pinned key of this server and the password of an account. */
  target({ username, password }: Pick<TestAccount, "username" | "password">, more: Partial<Target> = {}): Target {
    return {
      host: "127.0.0.1",
      port: this.port,
      username,
      hostKey: this.hostKeys.map(({ fingerprintSha256 }) => fingerprintSha256),
      credentials: [{ password }],
      timeout: 60,
      ...more,
    };
  }

  async stop(): Promise<void> {
    if (this.process.exitCode !== null) return;
    const ended = new Promise((resolve) => this.process.once("exit", resolve));
    this.process.kill();
    await ended;
  }

  async #answers(): Promise<void> {
    for (let attempt = 0; attempt < 3000; attempt++) {
      if (this.process.exitCode !== null) throw new Error(`sshd did not start: ${this.log()}`);
      const open = await new Promise<boolean>((resolve) => {
        const socket = connect(this.port, "127.0.0.1", () => resolve(true)).once("error", () => resolve(false));
        socket.once("connect", () => socket.destroy());
      });
      if (open) return;
      await delay(20);
    }
    throw new Error("sshd does not listen");
  }
}

function sftpServer(): string {
  const places = ["/usr/lib/openssh/sftp-server", "/usr/lib/ssh/sftp-server", "/usr/libexec/openssh/sftp-server"];
  return places.find((path) => existsSync(path)) ?? "internal-sftp";
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}
