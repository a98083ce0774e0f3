import { type AnyAuthMethod, Client, type ConnectConfig, type SFTPWrapper, utils } from "ssh2";
import { SshFailure, toFailure } from "./failure";
import { isPinned } from "./hostKeys";

export interface Target {
  host: string;
  port: number;
  username: string;
}

/** Credentials of a login: a private key, or a password. */
export type Login = { privateKey: string } | { password: string };

export interface CommandResult {
  code: number;
  stdout: string;
  stderr: string;
  /** Bytes of the output. */
  bytes: number;
}

export interface Limits {
  /** Time in ms until the login. */
  connectMs: number;
  /** Time in ms of the whole work. */
  totalMs: number;
  /** Host keys of which one must be shown; null accepts any. */
  pinned: string | null;
}

/** Logs in, runs the work, and closes the connection. @throws {SshFailure} */
export async function withSession<T>(
  target: Target,
  login: Login,
  limits: Limits,
  work: (session: SshSession) => Promise<T>,
): Promise<T> {
  const client = new Client();
  const stop = new AbortController();
  const expired = new Promise<never>((_, reject) => {
    const timer = setTimeout(
      () => reject(new SshFailure("timeout", `${target.host}: the SSH command timed out`)),
      limits.totalMs,
    );
    stop.signal.addEventListener("abort", () => clearTimeout(timer));
  });
  try {
    const session = async () => {
      await connect(client, target, login, limits);
      return work(new SshSession(client));
    };
    return await Promise.race([session(), expired]);
  } catch (error) {
    throw error instanceof Error ? toFailure(error, target.host, target.port) : error;
  } finally {
    stop.abort();
    client.end();
  }
}

async function connect(client: Client, target: Target, login: Login, limits: Limits): Promise<void> {
  const { host, port, username } = target;
  if (port < 1 || port > 65535) throw new SshFailure("ssh_command_failed", `Bad port '${port}'`);
  const { connectMs: readyTimeout, pinned } = limits;
  let isOther = false;
  const hostVerifier = (key: Buffer) => {
    isOther = pinned !== null && !isPinned(pinned, key);
    return !isOther;
  };
  const config: ConnectConfig = { host, port, username, readyTimeout, hostVerifier, ...credentials(username, login) };
  await new Promise<void>((resolve, reject) => {
    client.once("ready", resolve);
    // Errors after the login must not end the process.
    client.on("error", (error) =>
      reject(isOther ? new SshFailure("ssh_command_failed", "Host key verification failed.") : error),
    );
    client.once("close", () =>
      reject(new SshFailure("ssh_command_failed", `Connection closed by ${host} port ${port}`)),
    );
    client.connect(config);
  });
}

function credentials(username: string, login: Login): ConnectConfig {
  const authHandler: AnyAuthMethod[] =
    "password" in login ? byPassword(username, login.password) : [byKey(username, login.privateKey)];
  return { authHandler };
}

function byPassword(username: string, password: string): AnyAuthMethod[] {
  return [
    { type: "password", username, password },
    {
      type: "keyboard-interactive",
      username,
      prompt: (_name, _instructions, _language, prompts, finish) => finish(prompts.map(() => password)),
    },
  ];
}

/** A key that needs a passphrase or cannot be read is refused, as by the host. */
function byKey(username: string, privateKey: string): AnyAuthMethod {
  const key = utils.parseKey(privateKey);
  if (key instanceof Error) {
    throw new SshFailure("authentication_failed", `Load key: ${key.message}\nPermission denied (publickey).`);
  }
  return { type: "publickey", username, key };
}

/** A logged-in connection. */
export class SshSession {
  constructor(private readonly client: Client) {}

  /** Runs a command. Its input is empty unless given, as `borg serve` would wait for it otherwise. */
  run(command: string, input = ""): Promise<CommandResult> {
    return new Promise((resolve, reject) => {
      this.client.exec(command, (error, channel) => {
        if (error) return reject(new SshFailure("ssh_command_failed", error.message));
        const stdout: Buffer[] = [];
        const stderr: Buffer[] = [];
        let code = 255;
        channel.on("data", (chunk: Buffer) => stdout.push(chunk));
        channel.stderr.on("data", (chunk: Buffer) => stderr.push(chunk));
        channel.on("exit", (status: number | null) => {
          code = status ?? 255;
        });
        channel.once("close", () => {
          const output = Buffer.concat(stdout);
          resolve({ code, stdout: output.toString(), stderr: Buffer.concat(stderr).toString(), bytes: output.length });
        });
        channel.end(input);
      });
    });
  }

  sftp(): Promise<SFTPWrapper> {
    return new Promise((resolve, reject) =>
      this.client.sftp((error, sftp) =>
        error ? reject(new SshFailure("ssh_command_failed", "subsystem request failed")) : resolve(sftp),
      ),
    );
  }

  /** Opens and closes a TCP connection from the host to another one. */
  reach(host: string, port: number): Promise<void> {
    return new Promise((resolve, reject) =>
      this.client.forwardOut("127.0.0.1", 0, host, port, (error, channel) => {
        if (error) return reject(new SshFailure("connection_refused", `open failed: connect failed: ${error.message}`));
        channel.end();
        resolve();
      }),
    );
  }
}
