import { Readable } from "node:stream";
import type { SFTPWrapper } from "ssh2";
import { SshError } from "../error";
import type { Connection } from "./connection";
import type { Deadline } from "./deadline";
import type { HostKey } from "./hostKey";
import type { ResolvedTarget } from "./resolveTarget";

export interface ExecResult {
  /** Undefined when a signal ended the command. */
  code: number | undefined;
  stdout: Buffer;
  /** Text for people: servers mix banners and warnings into it. */
  stderr: string;
}

const MAX_OUTPUT_BYTES = 16 * 1024 * 1024;

/** A logged-in account on a verified host: runs commands, opens SFTP. Used by one operation at a time. */
export class Session {
  readonly hostKey: HostKey;
  readonly method: string;
  #sftp: Promise<SFTPWrapper | undefined> | undefined;

  constructor(
    readonly target: ResolvedTarget,
    readonly connection: Connection,
    public deadline: Deadline,
  ) {
    this.hostKey = connection.hostKey;
    this.method = connection.method;
  }

  get address(): string {
    return this.target.address;
  }

  get alive(): boolean {
    return this.connection.ssh.isConnected() && !this.connection.socket.destroyed;
  }

  /**
   * Runs a command line in the account's shell or forced command. Undefined when the server runs no commands.
   * @throws SshError `session` for a lost connection, `timeout`
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
            // A command may end without reading its input.
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

  /** The SFTP channel, opened once. Undefined when the server offers none. */
  async sftp(): Promise<SFTPWrapper | undefined> {
    this.#sftp ??= this.#openSftp();
    return this.#wait(this.#sftp);
  }

  /** Sends one SFTP request. A refusal of the server is thrown unchanged, with its status as `code`. */
  async request<T>(send: (done: (error: Error | null | undefined, value?: T) => void) => void): Promise<T | undefined> {
    if (!this.alive) throw this.lost();
    try {
      return await this.#wait(
        new Promise<T | undefined>((resolve, reject) => {
          send((error, value) => (error ? reject(error) : resolve(value)));
        }),
      );
    } catch (error) {
      // A refusal of the server has a numeric status. Any other error means a lost connection.
      const refused = error instanceof Error && "code" in error && typeof error.code === "number";
      if (error instanceof SshError || (refused && this.alive)) throw error;
      throw this.lost(error);
    }
  }

  lost(cause?: unknown): SshError {
    return new SshError("session", `the connection to ${this.address} was lost`, { phase: "session", cause });
  }

  /** Frees everything at once, without waiting for the server. */
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
    const closed = new Promise<never>((_, reject) => {
      if (!this.alive) return reject(this.lost());
      const removeListener = this.connection.onClose(() => reject(this.lost()));
      return void work.catch(() => {}).then(removeListener);
    });
    closed.catch(() => {});
    return this.deadline.wait(Promise.race([work, closed]), () => this.connection.socket.destroy());
  }
}
