import type { Duplex } from "node:stream";
import type { NodeSSH } from "node-ssh";
import type { AuthHandlerMiddleware, Client, ServerHostKeyAlgorithm } from "ssh2";
import { SshError } from "../error";
import { type Connection, connectionOver } from "./connection";
import type { Deadline } from "./deadline";
import { dial, type Route } from "./dial";
import { describeHostKey, type HostKey } from "./hostKey";
import { hostKeyVerifier } from "./hostKeys";
import type { Login } from "./login";
import type { Endpoint } from "./resolveTarget";

/** The server hung up before its greeting: too many unauthenticated connections. */
export class ConnectionDropped extends SshError {}

/** The connection ended during authentication, and untried credentials are left for another one. */
export class AuthenticationCutOff extends Error {}

// Every algorithm that ssh2 can verify, by the key type that it needs, in ssh2's own order.
export const ALGORITHMS: Record<string, ServerHostKeyAlgorithm[]> = {
  "ssh-ed25519": ["ssh-ed25519"],
  "ecdsa-sha2-nistp256": ["ecdsa-sha2-nistp256"],
  "ecdsa-sha2-nistp384": ["ecdsa-sha2-nistp384"],
  "ecdsa-sha2-nistp521": ["ecdsa-sha2-nistp521"],
  "ssh-rsa": ["rsa-sha2-512", "rsa-sha2-256", "ssh-rsa"],
};

/** One attempt to reach a host, verify it and log in. */
export class Attempt {
  /** The key that the host presented, accepted or refused. */
  presented: HostKey | undefined;
  #latencyMs = 0;

  /** @param types the types of host keys to request */
  constructor(
    readonly endpoint: Endpoint,
    readonly deadline: Deadline,
    readonly login: Login,
    readonly types: string[],
  ) {}

  /** @throws SshError, or {@link AuthenticationCutOff}; the stream to the host is then closed */
  async open(route: Route): Promise<Connection> {
    const { deadline, login, endpoint } = this;
    // Loaded before dialing: an error of the stream would have no listener during the import.
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
      const hostKey = this.presented;
      if (hostKey === undefined)
        throw new SshError("hostKey", `${endpoint.address} presented no host key`, { phase: "hostKey" });
      deadline.phase = "session";
      const via = "via" in route ? route.via : undefined;
      return { ...connectionOver(stream, ssh, client, via), hostKey, method: login.method, latencyMs: this.#latencyMs };
    } catch (error) {
      abort();
      throw error;
    }
  }

  async #dial(route: Route): Promise<Duplex> {
    const { endpoint, deadline } = this;
    deadline.phase = "connect";
    const started = performance.now();
    const stream = await dial(endpoint, route, deadline);
    this.#latencyMs = Math.round((performance.now() - started) * 10) / 10;
    deadline.phase = "hostKey";
    return stream;
  }

  #start(ssh: NodeSSH, stream: Duplex, isOpen: () => boolean, abort: () => void) {
    const { endpoint, deadline, login } = this;
    const verify = hostKeyVerifier(endpoint.address, endpoint.hostKeys);
    const outcome: { refused?: SshError; greeted: boolean } = { greeted: false };
    const started = ssh.connect({
      sock: stream,
      // node-ssh requires the host; ssh2 ignores it beside a socket.
      host: endpoint.host,
      username: endpoint.username,
      readyTimeout: 0,
      algorithms: { serverHostKey: this.types.flatMap((type) => ALGORITHMS[type] ?? []) },
      hostVerifier: (key: Buffer) => {
        this.presented = describeHostKey(key);
        const refused = verify(key);
        if (refused) outcome.refused = refused;
        else if (deadline.phase !== "session") deadline.phase = "authentication";
        return refused === undefined;
      },
      // The types of ssh2 lack the missing list of the first call, and false for giving up.
      authHandler: login.begin(isOpen, abort) as unknown as AuthHandlerMiddleware,
    });
    const client = ssh.connection as Client;
    stream.once("data", () => {
      outcome.greeted = true;
    });
    // node-ssh gives up at the first error. ssh2 also reports errors after which it tries the next credentials.
    const ready = new Promise<void>((resolve, reject) => {
      const reported = new Set<unknown>();
      client.on("ready", resolve);
      client.on("error", (error) => {
        reported.add(error);
        if (!login.continuesAfter(error)) reject(error);
      });
      client.on("close", () => reject(new Error("Connection lost")));
      started.catch((error) => reported.has(error) || reject(error));
    });
    client.on("banner", (text) => login.addServerText(text));
    client.on("change password", () => {
      login.fail(`${endpoint.address} demands that the password of ${endpoint.username} be changed first`, "password");
    });
    return { client, ready, outcome };
  }

  #explain(error: unknown, greeted: boolean): Error {
    if (error instanceof SshError) return error;
    const { address } = this.endpoint;
    const reply = error instanceof Error ? error.message : "";
    if (this.deadline.phase === "authentication") {
      const lost = /^(No response from server|Connection lost|All configured)|ECONNRESET|EPIPE/.test(reply);
      return this.login.ended(lost ? undefined : reply) ? new AuthenticationCutOff() : this.login.refusal();
    }
    const details = { phase: greeted ? "hostKey" : "connect", cause: error } as const;
    if (/before handshake|Connection lost|ECONNRESET|No response from server/.test(reply)) {
      const text = `${address} hung up before it said what it is; is that port an SSH server, and not overloaded?`;
      return new ConnectionDropped("connect", text, details);
    }
    return new SshError("connect", `no SSH connection with ${address}: ${reply}`, details);
  }
}
