import { lookup } from "node:dns/promises";
import { once } from "node:events";
import { connect as connectSocket, isIP, type Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import type { NodeSSH } from "node-ssh";
import type { AuthHandlerMiddleware, ServerHostKeyAlgorithm } from "ssh2";
import { checkTarget, portOf, type Target } from "./account";
import type { Deadline } from "./deadline";
import { SshError } from "./error";
import { describeHostKey, type HostKey, hostAndPort, hostKeyVerifier, pinnedTypes } from "./hostKeys";
import { Login } from "./login";
import { inTurn } from "./turns";

/** A verified host, logged in to. */
export interface Connection {
  ssh: NodeSSH;
  socket: Socket;
  hostKey: HostKey;
  /** The method that let us in: `publickey`, `password`, `keyboard-interactive`, or `none`. */
  method: string;
  /** Until the host accepted the TCP connection. */
  latencyMs: number;
}

// sshd drops connections at random once 10 are not logged in yet (sshd_config(5), MaxStartups).
const HANDSHAKES_PER_HOST = 4;

// Every algorithm that ssh2 can verify a host with, by the type of key that it needs; the order is ssh2's own.
const ALGORITHMS: Record<string, ServerHostKeyAlgorithm[]> = {
  "ssh-ed25519": ["ssh-ed25519"],
  "ecdsa-sha2-nistp256": ["ecdsa-sha2-nistp256"],
  "ecdsa-sha2-nistp384": ["ecdsa-sha2-nistp384"],
  "ecdsa-sha2-nistp521": ["ecdsa-sha2-nistp521"],
  "ssh-rsa": ["rsa-sha2-512", "rsa-sha2-256", "ssh-rsa"],
};

/**
 * Resolves, connects, verifies the host and logs in, in this order; nothing secret is sent before the host is verified.
 * On any failure the socket is closed.
 * @throws SshError of every kind but those of files
 */
export async function connect(target: Target, deadline: Deadline): Promise<Connection> {
  checkTarget(target);
  const port = portOf(target);
  // Before any contact: an entry of hostKey that cannot be read.
  const pinned = pinnedTypes(target.host, port, target);
  const addresses = await resolve(target.host, deadline);
  return inTurn(`handshake ${hostAndPort(target.host, port)}`, HANDSHAKES_PER_HOST, deadline, async () => {
    let types = Object.keys(ALGORITHMS).filter((type) => pinned === undefined || pinned.includes(type));
    if (types.length === 0) types = Object.keys(ALGORITHMS);
    let refusal: unknown;
    // A bare fingerprint does not say which of the host's keys it is of: ask for one type after the other.
    while (types.length > 0) {
      const attempt = new Attempt(target, deadline, types);
      try {
        return await retryDropped(() => attempt.open(addresses), deadline);
      } catch (error) {
        const seen = attempt.seen?.type;
        if (refusal !== undefined && seen === undefined) throw refusal;
        refusal ??= error;
        const another = error instanceof SshError && error.kind === "hostKey" && pinned === undefined && target.hostKey;
        if (!another || seen === undefined) throw refusal;
        types = types.filter((type) => type !== seen);
      }
    }
    throw refusal;
  });
}

async function resolve(host: string, deadline: Deadline): Promise<{ address: string; family: number }[]> {
  const family = isIP(host);
  if (family !== 0) return [{ address: host, family }];
  deadline.phase = "resolve";
  try {
    return await deadline.wait(lookup(host, { all: true }));
  } catch (error) {
    if (error instanceof SshError) throw error;
    const unknown = /ENOTFOUND|ENODATA/.test(codeOf(error));
    const text = unknown ? "is known to no name server" : `could not be looked up (${codeOf(error) || "no answer"})`;
    throw new SshError("resolve", `the host name ${host} ${text}`, {
      phase: "resolve",
      property: "host",
      cause: error,
    });
  }
}

/** Nothing was sent yet when a server hangs up before its greeting: too many others were logging in. */
class Dropped extends SshError {}

async function retryDropped<T>(open: () => Promise<T>, deadline: Deadline): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await open();
    } catch (error) {
      if (!(error instanceof Dropped) || attempt === 5) throw error;
      await deadline.wait(delay(Math.random() * 200 * 2 ** attempt));
    }
  }
}

/** One try to reach, verify and log in. */
class Attempt {
  /** The key that the host presented, accepted or not. */
  seen: HostKey | undefined;
  readonly #address: string;
  #latencyMs = 0;

  constructor(
    readonly target: Target,
    readonly deadline: Deadline,
    readonly types: string[],
  ) {
    this.#address = hostAndPort(target.host, portOf(target));
  }

  async open(addresses: { address: string; family: number }[]): Promise<Connection> {
    const { target, deadline } = this;
    const { NodeSSH } = await import("node-ssh");
    const verify = hostKeyVerifier(target.host, portOf(target), target);
    const socket = await this.#dial(addresses);
    const abort = () => void socket.destroy();
    let refused: SshError | undefined;
    try {
      const login = new Login(target, this.#address, abort);
      const ssh = new NodeSSH();
      const ready = ssh.connect({
        sock: socket,
        // node-ssh wants it, ssh2 does not use it beside a socket.
        host: target.host,
        username: target.username,
        readyTimeout: 0,
        algorithms: { serverHostKey: this.types.flatMap((type) => ALGORITHMS[type] ?? []) },
        hostVerifier: (key: Buffer) => {
          this.seen = describeHostKey(key);
          refused = verify(key);
          if (refused === undefined && deadline.phase !== "session") deadline.phase = "authentication";
          return refused === undefined;
        },
        // The types of ssh2 do not know that the first call has no list, and that false gives up.
        authHandler: login.next as unknown as AuthHandlerMiddleware,
      });
      // Without a listener of its own, a link that drops later would end the process.
      ssh.connection?.on("error", () => {});
      ssh.connection?.on("change password", () => {
        const text = `${this.#address} demands that the password of ${target.username} be changed first`;
        login.failure = new SshError("authentication", text, { phase: "authentication", property: "password" });
        abort();
      });
      try {
        await deadline.wait(ready, abort);
      } catch (error) {
        throw refused ?? this.#explain(error, login, socket.bytesRead > 0);
      }
      if (this.seen === undefined)
        throw new SshError("hostKey", `${this.#address} presented no host key`, { phase: "hostKey" });
      deadline.phase = "session";
      return { ssh, socket, hostKey: this.seen, method: login.method, latencyMs: this.#latencyMs };
    } catch (error) {
      socket.destroy();
      throw error;
    }
  }

  async #dial(addresses: { address: string; family: number }[]): Promise<Socket> {
    const { target, deadline } = this;
    deadline.phase = "connect";
    const started = performance.now();
    const socket = connectSocket({
      host: target.host,
      port: portOf(target),
      noDelay: true,
      autoSelectFamily: true,
      lookup: (_host, options, done) => {
        const [first] = addresses;
        if (options.all) done(null, addresses);
        else done(null, first?.address ?? "", first?.family);
      },
    });
    try {
      await deadline.wait(once(socket, "connect"));
    } catch (error) {
      socket.destroy();
      throw error instanceof SshError ? error : this.#unreachable(error);
    }
    this.#latencyMs = Math.round((performance.now() - started) * 10) / 10;
    deadline.phase = "hostKey";
    return socket;
  }

  #unreachable(error: unknown): SshError {
    const causes = error instanceof AggregateError ? error.errors : [error];
    const reasons = new Set(causes.map((cause) => SOCKET_ERRORS[codeOf(cause)] ?? codeOf(cause)));
    const text = `cannot connect to ${this.#address}: ${[...reasons].join("; ")}`;
    return new SshError("connect", text, { phase: "connect", property: "host", cause: error });
  }

  #explain(error: unknown, login: Login, answered: boolean): SshError {
    if (error instanceof SshError) return error;
    const { phase } = this.deadline;
    const said = error instanceof Error ? error.message : String(error);
    if (phase === "authentication") {
      const lost = /^(No response from server|Connection lost|All configured)|ECONNRESET/.test(said);
      return login.refusal(lost ? undefined : said);
    }
    if (/before handshake|ECONNRESET|No response from server/.test(said)) {
      const text = `${this.#address} hung up before it said what it is; is that port an SSH server, and not overloaded?`;
      return new Dropped("connect", text, { phase: answered ? "hostKey" : "connect", cause: error });
    }
    const text = `no SSH connection with ${this.#address}: ${said}`;
    return new SshError("connect", text, { phase: answered ? "hostKey" : "connect", cause: error });
  }
}

const SOCKET_ERRORS: Record<string, string> = {
  ECONNREFUSED: "nothing listens there (connection refused)",
  EHOSTUNREACH: "no route to the host",
  ENETUNREACH: "no route to its network",
  ETIMEDOUT: "it does not answer",
  ECONNRESET: "the connection was reset",
  EACCES: "this machine forbids the connection",
};

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}
