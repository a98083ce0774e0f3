import { once } from "node:events";
import { connect as connectSocket, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { NodeSSH } from "node-ssh";
import type { AuthHandlerMiddleware, Client, ServerHostKeyAlgorithm } from "ssh2";
import { SshError } from "../error";
import type { Deadline } from "./deadline";
import { describeHostKey, type HostKey, hostAndPort, hostKeyVerifier } from "./hostKeys";
import type { Login } from "./login";
import { portOf, type Target } from "./target";

/** A verified host, logged in to. */
export interface Connection {
  ssh: NodeSSH;
  /** Of the first host on the way: whatever goes through it ends with it. */
  socket: Socket;
  hostKey: HostKey;
  /** The method that let us in: `publickey`, `password`, `keyboard-interactive`, or `none`. */
  method: string;
  /** Until the host accepted the TCP connection. */
  latencyMs: number;
  /** Called once when the connection ends, whoever ends it. */
  onClose(listener: () => void): () => void;
  /** Says goodbye and frees everything, that of the hops too. */
  close(): void;
}

/** Nothing was sent yet when a server hangs up before its greeting: too many others were logging in. */
export class Dropped extends SshError {}

/** The connection ended while logging in, and a new one has something to try. */
export class CutOff extends Error {}

// Every algorithm that ssh2 can verify a host with, by the type of key that it needs; the order is ssh2's own.
export const ALGORITHMS: Record<string, ServerHostKeyAlgorithm[]> = {
  "ssh-ed25519": ["ssh-ed25519"],
  "ecdsa-sha2-nistp256": ["ecdsa-sha2-nistp256"],
  "ecdsa-sha2-nistp384": ["ecdsa-sha2-nistp384"],
  "ecdsa-sha2-nistp521": ["ecdsa-sha2-nistp521"],
  "ssh-rsa": ["rsa-sha2-512", "rsa-sha2-256", "ssh-rsa"],
};

export interface Address {
  address: string;
  family: number;
}

/** The way to a host: its addresses, or a connection that goes through another host. */
export type Route = { addresses: Address[] } | { via: Connection; name: string };

/** One try to reach, verify and log in. */
export class Attempt {
  /** The key that the host presented, accepted or not. */
  seen: HostKey | undefined;
  readonly #address: string;
  #latencyMs = 0;

  constructor(
    readonly target: Target,
    readonly deadline: Deadline,
    readonly login: Login,
    readonly types: string[],
  ) {
    this.#address = hostAndPort(target.host, portOf(target));
  }

  /** @throws SshError, or {@link CutOff}; the stream to the host is closed then */
  async open(route: Route): Promise<Connection> {
    const { deadline, login } = this;
    // Before there is a connection, whose errors would find no listener meanwhile.
    const { NodeSSH } = await import("node-ssh");
    const stream = await this.#dial(route);
    let isOpen = true;
    const abort = () => {
      isOpen = false;
      stream.destroy();
    };
    try {
      const ssh = new NodeSSH();
      const { client, ready, outcome } = this.#start(ssh, stream, () => isOpen, abort);
      try {
        await deadline.wait(ready, abort);
      } catch (error) {
        throw outcome.refused ?? this.#explain(error, outcome.greeted);
      }
      if (this.seen === undefined)
        throw new SshError("hostKey", `${this.#address} presented no host key`, { phase: "hostKey" });
      deadline.phase = "session";
      const hostKey = this.seen;
      return {
        ...connectionOver(route, stream, ssh, client),
        hostKey,
        method: login.method,
        latencyMs: this.#latencyMs,
      };
    } catch (error) {
      abort();
      throw error;
    }
  }

  #start(ssh: NodeSSH, stream: Duplex, isOpen: () => boolean, abort: () => void) {
    const { target, deadline, login } = this;
    const verify = hostKeyVerifier(target.host, portOf(target), target);
    const outcome: { refused?: SshError; greeted: boolean } = { greeted: false };
    const started = ssh.connect({
      sock: stream,
      // node-ssh wants it, ssh2 does not use it beside a socket.
      host: target.host,
      username: target.username,
      readyTimeout: 0,
      algorithms: { serverHostKey: this.types.flatMap((type) => ALGORITHMS[type] ?? []) },
      hostVerifier: (key: Buffer) => {
        this.seen = describeHostKey(key);
        const refused = verify(key);
        if (refused) outcome.refused = refused;
        else if (deadline.phase !== "session") deadline.phase = "authentication";
        return refused === undefined;
      },
      // The types of ssh2 do not know that the first call has no list, and that false gives up.
      authHandler: login.begin(isOpen, abort) as unknown as AuthHandlerMiddleware,
    });
    const client = ssh.connection as Client;
    stream.once("data", () => {
      outcome.greeted = true;
    });
    // node-ssh gives up at the first error, also where ssh2 only reports one and goes on with the next login.
    const ready = new Promise<void>((resolve, reject) => {
      const reported = new Set<unknown>();
      client.on("ready", resolve);
      client.on("error", (error) => {
        reported.add(error);
        if (!login.goesOnAfter(error)) reject(error);
      });
      client.on("close", () => reject(new Error("Connection lost")));
      started.catch((error) => reported.has(error) || reject(error));
    });
    client.on("banner", (text) => login.heard(text));
    client.on("change password", () => {
      login.fail(`${this.#address} demands that the password of ${target.username} be changed first`, "password");
    });
    return { client, ready, outcome };
  }

  async #dial(route: Route): Promise<Duplex> {
    const { target, deadline } = this;
    deadline.phase = "connect";
    const started = performance.now();
    const stream = await ("via" in route
      ? forward(route.via, route.name, target, deadline)
      : this.#dialSocket(route.addresses));
    this.#latencyMs = Math.round((performance.now() - started) * 10) / 10;
    deadline.phase = "hostKey";
    return stream;
  }

  async #dialSocket(addresses: Address[]): Promise<Socket> {
    const { target, deadline } = this;
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
      return socket;
    } catch (error) {
      socket.destroy();
      throw error instanceof SshError ? error : this.#unreachable(error);
    }
  }

  #unreachable(error: unknown): SshError {
    const causes = error instanceof AggregateError ? error.errors : [error];
    const reasons = new Set(causes.map((cause) => SOCKET_ERRORS[codeOf(cause)] ?? codeOf(cause)));
    const text = `cannot connect to ${this.#address}: ${[...reasons].join("; ")}`;
    return new SshError("connect", text, { phase: "connect", property: "host", cause: error });
  }

  #explain(error: unknown, greeted: boolean): Error {
    if (error instanceof SshError) return error;
    const { phase } = this.deadline;
    const said = error instanceof Error ? error.message : "";
    if (phase === "authentication") {
      const lost = /^(No response from server|Connection lost|All configured)|ECONNRESET|EPIPE/.test(said);
      return this.login.ended(lost ? undefined : said) ? new CutOff() : this.login.refusal();
    }
    if (/before handshake|Connection lost|ECONNRESET|No response from server/.test(said)) {
      const text = `${this.#address} hung up before it said what it is; is that port an SSH server, and not overloaded?`;
      return new Dropped("connect", text, { phase: greeted ? "hostKey" : "connect", cause: error });
    }
    const text = `no SSH connection with ${this.#address}: ${said}`;
    return new SshError("connect", text, { phase: greeted ? "hostKey" : "connect", cause: error });
  }
}

/** A stream to the host, opened by the one that is connected already. */
async function forward(via: Connection, name: string, target: Target, deadline: Deadline): Promise<Duplex> {
  const { host } = target;
  const address = hostAndPort(host, portOf(target));
  const client = via.ssh.connection;
  if (client === null) throw new SshError("session", `the connection to ${name} was lost`, { phase: "session" });
  const opened = new Promise<Duplex>((resolve, reject) => {
    client.forwardOut("127.0.0.1", 0, host, portOf(target), (error, channel) =>
      error ? reject(error) : resolve(channel),
    );
  });
  try {
    const stream = await deadline.wait(opened, () => via.socket.destroy());
    stream.on("error", () => {});
    // A host that hangs up ends its half only, as the hop goes on.
    stream.once("end", () => stream.destroy());
    return stream;
  } catch (error) {
    if (error instanceof SshError) throw error;
    const said = error instanceof Error ? error.message.replace(/^\(SSH\) Channel open failure: /, "") : String(error);
    // RFC 4254 §5.1: 1 is "administratively prohibited".
    const { reason } = error as { reason?: number | string };
    const forbidden = reason === 1 || reason === "ADMINISTRATIVELY_PROHIBITED";
    const text = forbidden
      ? `${name} lets nothing through to ${address} (it said: ${said}); sshd_config(5) has AllowTcpForwarding and PermitOpen`
      : `${name} cannot connect to ${address} (it said: ${said})`;
    const phase = forbidden ? "session" : "connect";
    throw new SshError(forbidden ? "session" : "connect", text, { phase, property: "proxyJump", cause: error });
  }
}

function connectionOver(route: Route, stream: Duplex, ssh: NodeSSH, client: Client) {
  const via = "via" in route ? route.via : undefined;
  const socket = via?.socket ?? (stream as Socket);
  return {
    ssh,
    socket,
    onClose(listener: () => void): () => void {
      client.once("close", listener);
      socket.once("close", listener);
      return () => {
        client.off("close", listener);
        socket.off("close", listener);
      };
    },
    close(): void {
      ssh.dispose();
      via?.close();
      socket.destroySoon();
      setTimeout(() => socket.destroy(), 500).unref();
    },
  };
}

const SOCKET_ERRORS: Record<string, string> = {
  ECONNREFUSED: "nothing listens there (connection refused)",
  EHOSTUNREACH: "no route to the host",
  ENETUNREACH: "no route to its network",
  ETIMEDOUT: "it does not answer",
  ECONNRESET: "the connection was reset",
  EACCES: "this machine forbids the connection",
};

export function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}
