import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import type { SFTPWrapper } from "ssh2";
import { SshError } from "../error";
import { type Connection, connect } from "./connect";
import { Deadline } from "./deadline";
import { inTurn } from "./exclusive";
import { type HostKey, hostAndPort } from "./hostKeys";
import { checkTarget, hopsOf } from "./jumps";
import { portOf, type Target } from "./target";

export interface ExecResult {
  /** Undefined when a signal ended the command. */
  code: number | undefined;
  stdout: Buffer;
  /** Readable text; servers mix banners and warnings into it. */
  stderr: string;
}

const DEFAULT_TIMEOUT_SECONDS = 30;
const IDLE_MILLISECONDS = 1000;
const MAX_OUTPUT_BYTES = 16 * 1024 * 1024;

/** A verified login to one account, and what can be done with it. One operation uses it at a time. */
export class Session {
  readonly hostKey: HostKey;
  readonly method: string;
  #sftp: Promise<SFTPWrapper | undefined> | undefined;

  constructor(
    readonly target: Target,
    readonly connection: Connection,
    public deadline: Deadline,
  ) {
    this.hostKey = connection.hostKey;
    this.method = connection.method;
  }

  get address(): string {
    return hostAndPort(this.target.host, portOf(this.target));
  }

  get alive(): boolean {
    return this.connection.ssh.isConnected() && !this.connection.socket.destroyed;
  }

  /**
   * Runs a command line as the account's shell or forced command takes it; undefined when the server runs none.
   * @throws SshError `session` when the link is lost, `timeout`
   */
  async exec(command: string, stdin?: Buffer): Promise<ExecResult | undefined> {
    const stdout: Buffer[] = [];
    let size = 0;
    let result: { code: number | null; signal: string | null; stderr: string };
    try {
      result = await this.#wait(
        this.connection.ssh.execCommand(command, {
          encoding: "utf8",
          noTrim: true,
          ...(stdin === undefined ? {} : { stdin: Readable.from([stdin]) }),
          onChannel: (channel) => {
            // A command that ends without reading its input is no reason to fail.
            channel.on("error", () => {});
            channel.on("data", () => size > MAX_OUTPUT_BYTES && channel.close());
          },
          onStdout: (chunk) => {
            size += chunk.length;
            stdout.push(chunk);
          },
        }),
      );
    } catch (error) {
      if (error instanceof SshError) throw error;
      if (this.alive && /Unable to exec|open failed/i.test(String(error))) return undefined;
      throw this.lost(error);
    }
    if (!this.alive) throw this.lost();
    if (size > MAX_OUTPUT_BYTES) {
      throw new SshError("session", `${this.address} answered a command with more than 16 MB`, { phase: "session" });
    }
    if (result.code === null && result.signal === null) throw this.lost();
    return { code: result.code ?? undefined, stdout: Buffer.concat(stdout), stderr: result.stderr };
  }

  /** The SFTP channel, opened once; undefined when the server offers none. */
  async sftp(): Promise<SFTPWrapper | undefined> {
    this.#sftp ??= this.#openSftp();
    return this.#wait(this.#sftp);
  }

  /** One request over SFTP; errors of the server come through as they are (`code` is its status). */
  async request<T>(send: (done: (error: Error | null | undefined, value?: T) => void) => void): Promise<T | undefined> {
    if (!this.alive) throw this.lost();
    try {
      return await this.#wait(
        new Promise<T | undefined>((resolve, reject) => {
          send((error, value) => (error ? reject(error) : resolve(value)));
        }),
      );
    } catch (error) {
      // A server's own refusal has a status number; all else means that nobody answers any more.
      const refused = error instanceof Error && "code" in error && typeof error.code === "number";
      if (error instanceof SshError || (refused && this.alive)) throw error;
      throw this.lost(error);
    }
  }

  lost(cause?: unknown): SshError {
    return new SshError("session", `the connection to ${this.address} was lost`, { phase: "session", cause });
  }

  /** Frees everything at once, whatever the other side does. */
  close(): void {
    this.connection.close();
  }

  async #openSftp(): Promise<SFTPWrapper | undefined> {
    try {
      const sftp = await this.connection.ssh.requestSFTP();
      sftp.on("error", () => {});
      return sftp;
    } catch (error) {
      if (this.alive) return undefined;
      throw this.lost(error);
    }
  }

  async #wait<T>(work: Promise<T>): Promise<T> {
    const gone = new Promise<never>((_, reject) => {
      if (!this.alive) return reject(this.lost());
      const forget = this.connection.onClose(() => reject(this.lost()));
      return void work.catch(() => {}).then(forget);
    });
    gone.catch(() => {});
    return this.deadline.wait(Promise.race([work, gone]), () => this.connection.socket.destroy());
  }
}

interface Idle {
  session: Session;
  timer: NodeJS.Timeout;
}

const idle = new Map<string, Idle>();

/**
 * Does `work` on the account with a verified session, alone among this process's operations on that account.
 * A session that was just used with the same credentials is used again; it ends when idle for a second, or with any failure.
 * One deadline holds for all of it: waiting, connecting and working.
 */
export async function withSession<T>(target: Target, work: (session: Session) => Promise<T>): Promise<T> {
  checkTarget(target);
  const address = hostAndPort(target.host, portOf(target));
  const deadline = new Deadline(address, target.timeout ?? DEFAULT_TIMEOUT_SECONDS);
  try {
    return await inTurn(`account ${target.username}@${address}`, 1, deadline, () => useSession(target, deadline, work));
  } finally {
    deadline.end();
  }
}

async function useSession<T>(target: Target, deadline: Deadline, work: (session: Session) => Promise<T>): Promise<T> {
  const key = sessionKey(target);
  const session = takeIdle(key, deadline) ?? new Session(target, await connect(target, deadline), deadline);
  deadline.phase = "session";
  let result: T;
  try {
    result = await work(session);
  } catch (error) {
    session.close();
    throw error;
  }
  if (session.alive) keepIdle(key, session);
  return result;
}

/** Ends the sessions that wait for a next use. */
export function closeIdleSessions(): void {
  for (const [key, { session, timer }] of idle) {
    clearTimeout(timer);
    idle.delete(key);
    session.close();
  }
}

function takeIdle(key: string, deadline: Deadline): Session | undefined {
  const entry = idle.get(key);
  if (entry === undefined) return undefined;
  clearTimeout(entry.timer);
  idle.delete(key);
  if (!entry.session.alive) return undefined;
  entry.session.connection.socket.ref();
  entry.session.deadline = deadline;
  return entry.session;
}

function keepIdle(key: string, session: Session): void {
  const timer = setTimeout(() => {
    idle.delete(key);
    session.close();
  }, IDLE_MILLISECONDS);
  // A process that is done need not wait for it.
  timer.unref();
  session.connection.socket.unref();
  idle.set(key, { session, timer });
}

/** Sessions are shared only where host, account, way in, hops and expected host keys are all the same. */
function sessionKey({ host, port, username, hostKey, trustOnFirstUse, credentials, proxyJump }: Target): string {
  const ways = credentials.map(({ privateKey, passphrase, agent, password }) =>
    [privateKey, passphrase, agent, password].map((value) => value ?? null),
  );
  const all = [host, port ?? 22, username, hostKey, trustOnFirstUse, ways, hopsOf(proxyJump)];
  return createHash("sha256")
    .update(JSON.stringify(all.map((value) => value ?? null)))
    .digest("base64");
}
